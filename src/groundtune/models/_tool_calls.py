"""Calls of tools in a reply of an OpenAI-compatible endpoint, whole or in the pieces of a stream.

Liberal in form and blind to content: whether a call is one is decided in `_offers`. Knows no HTTP. Wire format:
https://platform.openai.com/docs/api-reference/chat; `function_call` is its older form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A call, or what a chunk adds to it. Pieces of one call have one `place`; name and arguments may be anything."""

    place: object
    name: object
    arguments: object


def calls_in(message: Mapping[str, Any]) -> tuple[CallPiece, ...]:
    """Return what a message, or what a chunk adds to it, has of calls."""
    calls = message.get("tool_calls")
    single = calls or message.get("function_call")
    listed = calls if isinstance(calls, list) else [single] if single else []
    return tuple(_piece(each, place) for place, each in enumerate(listed))


def put_together(pieces: Iterable[CallPiece]) -> list[tuple[object, object]]:
    """Return the name and the arguments of each call; "" where it has none."""
    calls: dict[object, tuple[object, object]] = {}
    for piece in pieces:
        name, arguments = calls.get(piece.place, ("", ""))
        if isinstance(arguments, str) and isinstance(piece.arguments, str):
            arguments += piece.arguments
        else:
            arguments = piece.arguments or arguments
        calls[piece.place] = (name or piece.name, arguments)
    return list(calls.values())


def _piece(call: object, place: int) -> CallPiece:
    if not isinstance(call, Mapping):
        return CallPiece(place, call, "")
    function = call.get("function")
    inner = function if isinstance(function, Mapping) else call
    index, arguments = call.get("index"), inner.get("arguments")
    place = index if isinstance(index, int) else place
    return CallPiece(place, inner.get("name") or "", "" if arguments is None else arguments)
