"""What is told of what was tuned: how, on top of what, what it took, what was checked, and what tuning itself measured.

Turns manifests into values for the report. Knows no technique: it puts into words what any of them measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from groundtune.assembly.candidates import GROUNDED
from groundtune.comparison.report.data import AdapterFacts
from groundtune.comparison.summary import Run
from groundtune.tuning.adapters import Manifest

_NOT_TOLD = {"nats", "tokens", "texts", "text", "low", "high"}


def tuned_names(runs: Sequence[Run]) -> list[str]:
    """Return what may have been tuned among the parts of the candidates, each once."""
    names = [name for run in runs for name in (*run.candidate.adapters, run.candidate.name.removesuffix(GROUNDED))]
    return list(dict.fromkeys(names))


def facts(name: str, manifest: Manifest) -> AdapterFacts:
    """Return what the report tells of an adapter."""
    failed = [str(gate["name"]) for gate in manifest.gates if not gate["passed"]]
    return AdapterFacts(
        name=name,
        technique=manifest.technique,
        lineage=(manifest.base_model, *manifest.parents),
        hours=manifest.seconds / 3600,
        hardware=", ".join(f"{key} {value}" for key, value in manifest.hardware.items()),
        gates=len(manifest.gates),
        accepted=tuple(gate for gate in failed if gate in manifest.accepted),
        measured=tuple(_measured(manifest.measures)),
    )


def of_accepted_gates(tuned: Sequence[AdapterFacts]) -> list[str]:
    """Say which adapters were trained although a gate had not passed."""
    return [
        f"{each.name} was tuned although {'gates' if len(each.accepted) > 1 else 'a gate'} did not pass, which was "
        f"accepted: {', '.join(each.accepted)}."
        for each in tuned
        if each.accepted
    ]


def _measured(measures: Mapping[str, object]) -> Iterable[str]:
    before, after = measures.get("before"), measures.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name, value in after.items():
            earlier = before.get(name)
            if isinstance(value, Mapping) and isinstance(earlier, Mapping):
                yield from _changed(name.replace("_", " "), earlier, value)
    gain = measures.get("gain")
    if isinstance(gain, Mapping):
        change = float(gain["nats_per_token"])
        ends = (-float(gain["high"]), -float(gain["low"])) if change < 0 else (gain["low"], gain["high"])
        yield (
            f"With the general set first, held-out answers are {abs(change):.3f} nats a token "
            f"{'easier' if change < 0 else 'harder'} to predict than without it "
            f"(95 % interval {ends[0]:+.3f} to {ends[1]:+.3f})."
        )
    for name, value in measures.items():
        if name not in ("before", "after", "gain", "checks"):
            yield from _leaves(name.replace("_", " "), value)


def _changed(name: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterable[str]:
    if "perplexity" in after:
        yield (
            f"Perplexity on {name} text: {before['perplexity']:.2f} before, {after['perplexity']:.2f} after "
            f"(95 % interval {after['low']:.2f} to {after['high']:.2f}; {after['texts']} texts)."
        )
    elif "share" in after:
        yield (
            f"{name.capitalize()}: {before['right']} of {before['asked']} right before, {after['right']} of "
            f"{after['asked']} after (95 % interval {after['low']:.0%} to {after['high']:.0%})."
        )


def _leaves(name: str, value: object) -> Iterable[str]:
    """Yield one sentence for the values under this name, and one for each table among them."""
    inner = value if isinstance(value, Mapping) else {"": value}
    told = []
    for key, each in inner.items():
        label = str(key).replace("_", " ")
        if isinstance(each, Mapping) and key not in _NOT_TOLD:
            yield from _leaves(f"{name}, {label}", each)
        elif isinstance(each, bool | int | str | float) and key not in _NOT_TOLD:
            told.append(f"{label} {each:.3g}" if isinstance(each, float) else f"{label} {each}")
    if told:
        yield f"{name.capitalize()}: {', '.join(map(str.strip, told)).rstrip('.')}."
