"""Many conversations to one endpoint at once. Knows no endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from groundtune.http.outages import all_at_once
from groundtune.values import Completion, Conversation


def complete_all(
    complete: Callable[[Conversation], Completion], conversations: Sequence[Conversation], concurrency: int
) -> list[Completion]:
    """Return the completion of each, in order, with up to `concurrency` under way; seconds are known of a batch of one.

    Raises what `complete` raises at the first conversation that fails, and then asks no more.
    """
    if len(conversations) == 1:
        started = time.perf_counter()
        completion = complete(conversations[0])
        return [replace(completion, usage=replace(completion.usage, seconds=time.perf_counter() - started))]
    return all_at_once(complete, conversations, concurrency)
