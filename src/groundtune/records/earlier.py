"""Reads answers as earlier versions wrote them. Knows no database.

Until 0.1, `start` and `end` stood beside `document` in passages and citations; now they stand in `place`.
"""

from __future__ import annotations


def with_places(answer: object) -> object:
    """Return an answer's JSON content with places; one that has them, and what is no answer at all, as it is."""
    if not isinstance(answer, dict):
        return answer
    lists = {key: answer[key] for key in ("passages", "citations") if isinstance(answer.get(key), list)}
    return {**answer, **{key: [_with_place(item) for item in items] for key, items in lists.items()}}


def _with_place(item: object) -> object:
    if not isinstance(item, dict) or "start" not in item or "place" in item:
        return item
    rest = {key: value for key, value in item.items() if key not in ("start", "end")}
    return {**rest, "place": {"start": item["start"], "end": item.get("end")}}
