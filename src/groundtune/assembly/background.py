"""The jobs of a project, and what does each: calls whose outcome is not known are looked up, complaints classified, and
conversations that ended looked through. Beside answers, and by hand.

The result of each is in one transaction with the end of its job: `KeptEffects.settle`, `KeptFeedback.classify` and
`KeptProposals.take`. So whoever is killed, doubled or late, each is done once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from groundtune.acting import Action
from groundtune.agents.actions.opening import open_actions
from groundtune.agents.approvals import Approvals
from groundtune.agents.effects import EffectLedger
from groundtune.agents.enrichment import NotProposed
from groundtune.agents.work import JobHandler, Worker
from groundtune.assembly.acting import Acting
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.learning import Learning, tell_of_names
from groundtune.assembly.listening import open_feedback
from groundtune.records.jobs import JobKind
from groundtune.settings import ON_THIS_MACHINE
from groundtune.values import Actor

_log = logging.getLogger(__name__)


def beside_answers(assembly: Assembly, acting: Acting | None) -> Callable[[], None]:
    """Return what does a job beside an answer, if one is due, and does none while another is being done so.

    What would ask a chat model that answers on this machine is left for later: the answer would wait for it.
    """
    handlers: dict[JobKind, JobHandler] = {}
    if acting is not None:
        tools = acting.tools
        handlers["settle"] = settling(tools.ledger, {action.schema.name: action for action in tools.actions})
    name = assembly.settings.model.name
    builtin, busy = name.startswith("builtin:"), name.startswith(ON_THIS_MACHINE)
    if builtin or not busy:
        handlers["classify"] = open_feedback(assembly).classify
    learning = Learning(assembly)
    if not (busy and learning.rewords):
        look = learning.looking()
        handlers["propose"] = lambda conversation: _told(look(conversation), logging.DEBUG)
    worker = Worker(assembly.records.jobs(), handlers)

    def work() -> None:
        if assembly.background.acquire(blocking=False):
            try:
                worker.work_once()
            finally:
                assembly.background.release()

    return work


@contextmanager
def open_worker(assembly: Assembly) -> Iterator[Worker]:
    """Give what works on all jobs of a project; servers of back-ends that it started end with the block.

    Raises `SettingsError`, `InputError`, `NotInstalled` and `StoreError`.
    """
    kept, look = assembly.records.jobs(), Learning(assembly).looking()
    handlers: dict[JobKind, JobHandler] = {
        "classify": open_feedback(assembly).classify,
        "propose": lambda conversation: _told(look(conversation), logging.INFO),
    }
    left = {job.kind for job in kept.jobs()}
    if "propose" in left:
        tell_of_names()
    with ExitStack() as opened:
        if "settle" in left:
            actions = opened.enter_context(open_actions(assembly.settings.actions, assembly.folder)).actions
            effects = assembly.records.effects()
            ledger = EffectLedger(effects, Approvals(effects))
            handlers["settle"] = settling(ledger, {action.schema.name: action for action in actions})
        yield Worker(kept, handlers)


def _told(left_out: Sequence[NotProposed], level: int) -> None:
    for each in left_out:
        _log.log(level, "Not proposed from conversation %s: %s.", each.conversation, each.reason)


def settling(ledger: EffectLedger, actions: Mapping[str, Action]) -> JobHandler:
    """Return what finds out what came of a call."""

    def settle(key: str) -> str | None:
        record = ledger.settle(key, actions, Actor)
        if record is None or record.state not in ("intended", "unknown"):
            return None
        if record.state == "intended" or record.result is None:
            return "the call is still being made."
        return record.result.reason or "the back-end cannot tell what came of it."

    return settle
