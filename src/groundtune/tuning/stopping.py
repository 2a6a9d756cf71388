"""When reinforcement learning has to stop: rules against reward hacking, each a function of the curves. Pure.

A policy that is optimised against a reward model ends up with answers that the model overrates (Gao, Schulman and
Hilton 2022, arXiv 2210.10760). What shows it is known: the reward falls on prompts that are not trained on, answers
grow long or repeat themselves (Stiennon et al. 2020, arXiv 2009.01325, appendix C), or the policy is far from where it
began. Curves hold (step, value), in order of step; those of held-out answers begin with what was measured before
training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

StepCurve = Sequence[tuple[int, float]]
Curves = Mapping[str, StepCurve]

TRAINING_REWARD = "reward"
HELD_OUT_REWARD, REWARD_ERROR = "eval_reward", "eval_reward_error"
KL, LENGTH, CUT, REPETITION = "eval_kl", "eval_completions/mean_length", "eval_cut", "eval_repetition"


@dataclass(frozen=True, slots=True)
class StopLimits:
    """What the rules allow.

    `kl_budget` in nats an answer. `length` is how many times as long as at the start answers may be on average; `cut`
    and `repetition` how much the share of answers that do not end, and of repeated word sequences, may rise.
    `patience` is how many evaluations in a row the held-out reward may be below its best by more than its error.
    """

    kl_budget: float = 10.0
    length: float = 2.0
    cut: float = 0.3
    repetition: float = 0.2
    patience: int = 2


@dataclass(frozen=True, slots=True)
class Stop:
    """A rule that fired: its name, the step, and the reason in a sentence."""

    rule: str
    step: int
    reason: str


def kl_over_budget(curves: Curves, limits: StopLimits) -> Stop | None:
    """Fire when answers are further from the model's of before than the budget allows."""
    for step, value in curves.get(KL, ()):
        if not value <= limits.kl_budget:
            return Stop("kl", step, f"the KL divergence is {value:.2f} nats an answer, the budget {limits.kl_budget:g}")
    return None


def length_runs_away(curves: Curves, limits: StopLimits) -> Stop | None:
    """Fire when answers are much longer than at the start, or many more of them do not end within the limit."""
    stops = []
    lengths, cuts = curves.get(LENGTH, ()), curves.get(CUT, ())
    for step, value in lengths[1:]:
        if value > limits.length * lengths[0][1]:
            stops.append(Stop("length", step, f"answers have {value:.0f} tokens, at the start {lengths[0][1]:.0f}"))
    for step, value in cuts[1:]:
        if value > cuts[0][1] + limits.cut:
            reason = f"{value:.0%} of the answers do not end within `new_tokens`, at the start {cuts[0][1]:.0%}"
            stops.append(Stop("length", step, reason))
    return min(stops, key=lambda stop: stop.step, default=None)


def repetition_runs_away(curves: Curves, limits: StopLimits) -> Stop | None:
    """Fire when answers repeat themselves much more than at the start."""
    shares = curves.get(REPETITION, ())
    for step, value in shares[1:]:
        if value > shares[0][1] + limits.repetition:
            told = f"{value:.0%} of what answers say is repeated, at the start {shares[0][1]:.0%}"
            return Stop("repetition", step, told)
    return None


def held_out_reward_falls(curves: Curves, limits: StopLimits) -> Stop | None:
    """Fire when the reward of held-out prompts stays below its best while that of training prompts is above what it was
    at that time."""
    held_out, errors, training = (curves.get(name, ()) for name in (HELD_OUT_REWARD, REWARD_ERROR, TRAINING_REWARD))
    error = dict(errors)
    below, best = 0, None
    for step, value in held_out:
        if best is None or value >= best[1]:
            best, below = (step, value), 0
            continue
        falls = value < best[1] - error.get(step, 0.0)
        rises = _mean(training, best[0], step) > _mean(training, 0, best[0]) if best[0] else _rises(training, step)
        below = below + 1 if falls and rises else 0
        if below >= limits.patience:
            reason = (
                f"the reward of held-out prompts fell from {best[1]:.3f} (step {best[0]}) to {value:.3f}, while that "
                "of training prompts rose"
            )
            return Stop("held_out_reward", step, reason)
    return None


STOP_RULES: tuple[Callable[[Curves, StopLimits], Stop | None], ...] = (
    kl_over_budget,
    length_runs_away,
    repetition_runs_away,
    held_out_reward_falls,
)


def stop_of(curves: Curves, limits: StopLimits) -> Stop | None:
    """Return the rule that fires first, by step, None where none does."""
    stops = [stop for rule in STOP_RULES if (stop := rule(curves, limits)) is not None]
    return min(stops, key=lambda stop: stop.step, default=None)


def _mean(curve: StepCurve, after: int, until: int) -> float:
    """Return the mean of the values at steps in (after, until]; minus infinity where there are none."""
    values = [value for step, value in curve if after < step <= until]
    return sum(values) / len(values) if values else float("-inf")


def _rises(curve: StepCurve, until: int) -> bool:
    """Tell whether the later half of the values up to a step is above the earlier half."""
    values = [value for step, value in curve if step <= until]
    half = len(values) // 2
    return bool(half) and sum(values[-half:]) > sum(values[:half])


def repeated_share(tokens: Sequence[int], n: int = 4) -> float:
    """Return which share of the n-grams of an answer was there before in the same answer (Welleck et al. 2019,
    arXiv 1908.04319, "seq-rep-n").

    >>> repeated_share([1, 2, 3, 4, 5]), repeated_share([1] * 13)
    (0.0, 0.9)
    """
    grams = [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0
