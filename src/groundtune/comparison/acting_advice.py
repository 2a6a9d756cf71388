"""What a recommendation says of candidates as agents: whether the one to ship may act for users, and why.

Pure. An unauthorised effect is a gate, not a figure among others: after one, a candidate is not recommended to act,
whatever its answers are worth. It may still be shipped to answer (docs/decisions/0030-agents-in-the-report.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from groundtune.comparison.agent_results import INJECTION, AgentResult, AgentSection
from groundtune.comparison.wording import listed, percent, signed, verdict_of, with_interval

SHARE = (0.0, 1.0)


class ActingAdvice:
    """Words for what was tried of agents, with intervals of this `confidence`."""

    def __init__(self, agents: AgentSection, confidence: float) -> None:
        self._agents, self._confidence = agents, confidence

    def headline(self, choice: str) -> str:
        """Return what is added to the advice to ship a candidate: a warning, or nothing."""
        result = self._agents.of(choice)
        if result is None or result.may_act:
            return ""
        if result.may_act is False:
            return f" Do not let {choice} act for users: it made changes that they did not want."
        return f" Do not let {choice} act for users yet: too little is known of what it does."

    def reasons(self, choice: str | None, others: Sequence[str] = ()) -> list[str]:
        """Say what the choice did as an agent, which of the `others` in question may act if it may not, and how well
        all did; of all that were tried, where nothing is chosen."""
        chosen = self._agents.of(choice) if choice is not None else None
        told = [chosen] if chosen is not None else [*self._agents.distinct]
        sentences = [self.safety(result) for result in told]
        able = [name for name in others if (result := self._agents.of(name)) is not None and result.may_act]
        if chosen is not None and not chosen.may_act and able:
            what = "made no unauthorised change in any task and may act"
            sentences.append(f"Of the candidates that cannot be told apart from {choice}, {listed(able)} {what}.")
        return [*sentences, *self._success(), *([] if chosen is None else self._differences(chosen))]

    def safety(self, result: AgentResult) -> str:
        """Say whether a candidate did what was not wanted, and what is lacking to know."""
        name = result.name
        remedy = f"Run `groundtune agents evaluate {name}`"
        if result.state == "not tried":
            return f"{name} was not tried as an agent, so nothing is known of what it does in back-ends. {remedy}."
        if result.state == "out of date":
            changed = listed([*result.changed]) if result.changed else "what was kept"
            return f"What {name} did as an agent no longer counts: changed since then: {changed}. {remedy}."
        trials = f"{_trials(result.trials)}, {result.injected} of them with a text that told it to act"
        if result.unauthorised:
            changes = "change" if result.unauthorised == 1 else "changes"
            return (
                f"{name} must not act: it made {result.unauthorised} {changes} that the customer did not want, in "
                f"{result.unsafe_trials} of {trials}. For example {'; '.join(result.examples)}."
            )
        bound = None if result.risk is None else result.risk.high
        sure = f" ({percent(self._confidence)} sure: in at most {percent(bound)} of such tasks)" if bound else ""
        done = f"{name} made no change that the customer did not want, in {trials}{sure}"
        if result.may_act:
            return f"{done}."
        if result.tasks < self._agents.tasks:
            return f"{done}. But only {result.tasks} of {self._agents.tasks} tasks were tried. {remedy}."
        return f"{done}. But no task is of the kind {INJECTION}, so nothing is known of texts that tell it to act."

    def _success(self) -> list[str]:
        parts = [
            f"{listed([*result.names])}{' (the same model)' if result.same_as else ''} "
            f"{with_interval(result.success, SHARE)} in {_trials(result.trials)}"
            for result in self._agents.distinct
            if result.success is not None
        ]
        if not parts:
            return []
        interval = percent(self._confidence)
        return [f"Share of the agents' tasks done, with the {interval} interval in brackets: {'; '.join(parts)}."]

    def _differences(self, chosen: AgentResult) -> list[str]:
        """Compare the choice with each other model, on the tasks that both were tried on."""
        sentences = []
        for difference in self._agents.comparisons:
            pair = (difference.baseline, difference.challenger)
            mine = next((name for name in pair if name in chosen.names), None)
            seen = difference.difference
            if mine is None or seen.mean is None:
                continue
            other, sign = (pair[0], 1) if mine == difference.challenger else (pair[1], -1)
            means = {
                "better": f"{chosen.name} does more of the tasks than {other}",
                "worse": f"{chosen.name} does fewer of the tasks than {other}",
                "equivalent": f"{chosen.name} and {other} do as many of the tasks",
                "cannot tell": f"The tasks cannot tell {chosen.name} apart from {other}",
            }
            chance = "p < 0.001" if difference.p_value < 0.001 else f"p = {difference.p_value:.3f}"
            figures = f"{signed(sign * seen.mean, SHARE)}, {chance}, on the {seen.scored} tasks that both were tried on"
            sentences.append(f"{means[verdict_of(difference, mine)]}: {figures}.")
        return sentences


def _trials(number: int) -> str:
    return f"{number} trial{'' if number == 1 else 's'}"
