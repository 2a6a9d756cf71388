"""What listens in a project: the agent that asks for feedback, with what classifies complaints here."""

from __future__ import annotations

from functools import cache

from groundtune.agents.complaints import ClassifyComplaint, by_examples, by_model
from groundtune.agents.feedback import FeedbackAgent, FeedbackRules
from groundtune.assembly.assembly import Assembly


def open_feedback(assembly: Assembly, rules: FeedbackRules | None = None) -> FeedbackAgent:
    """Return the agent that asks for feedback and keeps it.

    Complaints are classified by `[model]`; where that is a built-in one, which is too weak for it, by the examples that
    the encoder of `[embedding]` finds them nearest to. Either is opened when the first complaint comes.
    """

    @cache
    def classifier() -> ClassifyComplaint:
        if assembly.settings.model.name.startswith("builtin:"):
            return by_examples(assembly.knowledge.embedder)
        return by_model(assembly.chat_model())

    return FeedbackAgent(assembly.records, lambda text: classifier()(text), rules)
