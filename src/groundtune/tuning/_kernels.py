"""Linear layers with LoRA, and what stands around them, as few operations that know their own gradients.

PyTorch writes the result of each small operation to new memory and keeps it for the gradient. Here results change in
place, one product reads what several share, and what is cheap is computed again for the gradient. Tensors are
(tokens, width). Gradients equal PyTorch's to rounding (tests/unit/tuning/test_fast.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Lora:
    """y = x W' + scale (x A') B' (Hu et al. 2021, arXiv 2106.09685): W is (out, in), A (rank, in), B (out, rank)."""

    weight: Tensor
    down: Tensor | None = None
    up: Tensor | None = None
    scale: float = 0.0

    @property
    def tensors(self) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """W, A, B."""
        return self.weight, self.down, self.up


def project(states: Tensor, norm: Tensor, epsilon: float, linears: tuple[Lora, ...]) -> tuple[Tensor, ...]:
    """Return what each of `linears` makes of the normalised states (`norm` is the norm's weight)."""
    tensors = [tensor for linear in linears for tensor in linear.tensors]
    scales = tuple(linear.scale for linear in linears)
    made: tuple[Tensor, ...] = operation(_project, _project_back).apply(states, norm, epsilon, scales, *tensors)
    return made


def add(states: Tensor, residual: Tensor, linear: Lora) -> Tensor:
    """Return `residual` plus what `linear` makes of `states`."""
    made: Tensor = operation(_add, _add_back).apply(states, residual, linear.scale, *linear.tensors)
    return made


def add_gated(gate: Tensor, up: Tensor, residual: Tensor, linear: Lora) -> Tensor:
    """Return `residual` plus what `linear` makes of silu(gate) up (SwiGLU: Shazeer 2020, arXiv 2002.05202)."""
    made: Tensor = operation(_add_gated, _add_gated_back).apply(gate, up, residual, linear.scale, *linear.tensors)
    return made


@cache
def operation(forward: Callable[..., Any], backward: Callable[..., Any]) -> Any:  # noqa: ANN401
    """Return the `torch.autograd.Function` of both."""
    from torch.autograd import Function
    from torch.autograd.function import once_differentiable

    parts = {"forward": staticmethod(forward), "backward": staticmethod(once_differentiable(backward))}
    return type(forward.__name__, (Function,), parts)


def _linear(states: Tensor, tensors: Sequence[Any], scale: float, residual: Tensor | None) -> list[Any]:
    """Return (result, `states` A')."""
    import torch

    weight, down, up = tensors
    made = states @ weight.t() if residual is None else torch.addmm(residual, states, weight.t())
    if down is None:
        return [made, None]
    narrow = states @ down.t()
    return [made.addmm_(narrow, up.t(), alpha=scale), narrow]


def _linear_back(
    gradient: Tensor,
    states: Any,  # noqa: ANN401 -- a tensor, where W or A need a gradient
    narrow: Tensor | None,
    tensors: Sequence[Any],
    scale: float,
    onto: Tensor | None,
    needs: tuple[bool, ...],
) -> tuple[Any, ...]:
    """Return the gradients of states, W, A and B that `needs` asks for; that of the states is added to `onto`."""
    weight, down, up = tensors
    needs_states, needs_weight, needs_down, needs_up = needs
    if needs_states:
        onto = gradient @ weight if onto is None else onto.addmm_(gradient, weight)
    of_weight = gradient.t() @ states if needs_weight else None
    of_down = of_up = None
    if down is not None:
        if needs_states or needs_down:
            slim = (gradient @ up).mul_(scale)
        if needs_states and onto is not None:
            onto.addmm_(slim, down)
        if needs_down:
            of_down = slim.t() @ states
        if needs_up and narrow is not None:
            of_up = (narrow.t() @ gradient).mul_(scale).t()  # the wide side last is a quarter faster
    return onto, of_weight, of_down, of_up


def _scaled(states: Tensor, epsilon: float) -> Tensor:
    """Return one over the root mean square (Zhang & Sennrich 2019, arXiv 1910.07467), as (tokens, 1)."""
    import torch

    squares = torch.linalg.vector_norm(states, dim=-1, keepdim=True).square_()
    inverse: Tensor = squares.div_(states.shape[-1]).add_(epsilon).rsqrt_()
    return inverse


def _project(
    ctx: Any,  # noqa: ANN401
    states: Tensor,
    norm: Tensor,
    epsilon: float,
    scales: tuple[float, ...],
    *tensors: Tensor,
) -> tuple[Tensor, ...]:
    inverse = _scaled(states, epsilon)
    normed = (states * inverse).mul_(norm)
    made, narrow = zip(
        *(_linear(normed, tensors[3 * place : 3 * place + 3], scale, None) for place, scale in enumerate(scales)),
        strict=True,
    )
    ctx.scales = scales
    ctx.save_for_backward(states, norm, inverse, *narrow, *tensors)
    return tuple(made)


def _project_back(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:  # noqa: ANN401
    count = len(ctx.scales)
    states, norm, inverse, *rest = ctx.saved_tensors
    narrow, tensors = rest[:count], rest[count:]
    needs_states, needs_norm, _, _, *needs = ctx.needs_input_grad
    normed = (states * inverse).mul_(norm) if any(needs) else None
    summed, of_tensors = None, []
    for place, gradient in enumerate(gradients):
        part = slice(3 * place, 3 * place + 3)
        wanted = (needs_states or needs_norm, *needs[part])
        summed, *own = _linear_back(gradient, normed, narrow[place], tensors[part], ctx.scales[place], summed, wanted)
        of_tensors += own
    of_norm = None
    if summed is not None:
        of_norm = (summed * states).mul_(inverse).sum(0) if needs_norm else None
        summed.mul_(norm)
        mean = (summed * states).sum(-1, keepdim=True).div_(states.shape[-1]).mul_(inverse.square())
        summed.addcmul_(states, mean, value=-1).mul_(inverse)
    return summed, of_norm, None, None, *of_tensors


def _add(ctx: Any, states: Tensor, residual: Tensor, scale: float, *tensors: Tensor) -> Tensor:  # noqa: ANN401
    made: Tensor
    made, narrow = _linear(states, tensors, scale, residual)
    ctx.scale = scale
    ctx.save_for_backward(states, narrow, *tensors)
    return made


def _add_back(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:  # noqa: ANN401
    states, narrow, *tensors = ctx.saved_tensors
    needs = (ctx.needs_input_grad[0], *ctx.needs_input_grad[3:])
    of_states, *own = _linear_back(gradient, states, narrow, tuple(tensors), ctx.scale, None, needs)
    return of_states, gradient, None, *own


def _add_gated(
    ctx: Any,  # noqa: ANN401
    gate: Tensor,
    up: Tensor,
    residual: Tensor,
    scale: float,
    *tensors: Tensor,
) -> Tensor:
    from torch.nn.functional import silu

    made: Tensor
    made, narrow = _linear(silu(gate).mul_(up), tensors, scale, residual)
    ctx.scale = scale
    ctx.save_for_backward(gate, up, narrow, *tensors)
    return made


def _add_gated_back(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:  # noqa: ANN401
    import torch

    gate, up, narrow, *tensors = ctx.saved_tensors
    needs_gate, needs_up, _, _, *needs = ctx.needs_input_grad
    sigmoid = torch.sigmoid(gate)
    swish = gate * sigmoid
    states = swish * up
    wanted = (needs_gate or needs_up, *needs)
    of_states, *own = _linear_back(gradient, states, narrow, tuple(tensors), ctx.scale, None, wanted)
    of_gate = of_up = None
    if of_states is not None:
        # the derivative of gate * sigmoid is sigmoid + swish (1 - sigmoid)
        slope = torch.addcmul(sigmoid, swish, sigmoid, value=-1, out=states).add_(swish)
        of_up = swish.mul_(of_states)
        of_gate = slope.mul_(up).mul_(of_states)
    return of_gate, of_up, gradient, None, *own
