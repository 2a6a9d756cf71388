"""Invitations (text/calendar, RFC 5545): what, when, where, who, and the description, as `name: value` pairs.

    SUMMARY:Review                     Summary: Review
    DTSTART;TZID=Europe/Berlin:...     Start: 2024-05-31 10:00 (Europe/Berlin)

Time zones, alarms and identifiers are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_NAMES = {
    "SUMMARY": "Summary",
    "DTSTART": "Start",
    "DTEND": "End",
    "DUE": "Due",
    "DURATION": "Duration",
    "RRULE": "Repeats",
    "LOCATION": "Location",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendees",
    "STATUS": "Status",
    "CATEGORIES": "Categories",
    "URL": "Link",
    "COMMENT": "Comment",
    "DESCRIPTION": "Description",
}
_READ = ("VEVENT", "VTODO", "VJOURNAL")
_TIMES, _PERSONS = ("DTSTART", "DTEND", "DUE"), ("ORGANIZER", "ATTENDEE")
_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9-]+)(?P<parameters>(?:;[^\":;]*(?:\"[^\"]*\"[^\":;]*)*)*):(?P<value>.*)", re.DOTALL
)
_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})\d{0,2}(Z?))?")
_ESCAPED = re.compile(r"\\(.)")


@dataclass(slots=True)
class Invitation:
    """One event: its summary, and pairs of name and value in the order of `_NAMES`."""

    summary: str = ""
    pairs: list[tuple[str, str]] = field(default_factory=list)


def invitations(text: str) -> tuple[str, list[Invitation]]:
    """Return what the file is for ("REQUEST", "CANCEL", ...), and its events."""
    method, events = "", []
    values: dict[str, list[str]] | None = None
    within: list[str] = []
    for name, parameters, value in _lines(text):
        if name == "BEGIN":
            within.append(value.upper())
            if value.upper() in _READ:
                values = {}
        elif name == "END":
            if within and within.pop() in _READ and values is not None:
                events.append(_event(values))
                values = None
        elif name == "METHOD":
            method = value.upper()
        elif values is not None and name in _NAMES and within and within[-1] in _READ:
            said = _said(name, parameters, value)
            values.setdefault(name, []).extend([said] if said else [])
    return method, events


def _event(values: dict[str, list[str]]) -> Invitation:
    pairs = [(called, ", ".join(dict.fromkeys(values[name]))) for name, called in _NAMES.items() if values.get(name)]
    return Invitation(", ".join(values.get("SUMMARY", [])), pairs)


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, parameters and value of each line; a line that begins with a blank goes on the one before."""
    for line in re.sub(r"\n[ \t]", "", text).split("\n"):
        if match := _LINE.fullmatch(line):
            yield match["name"].upper(), match["parameters"], match["value"].strip()


def _said(name: str, parameters: str, value: str) -> str:
    if name in _TIMES and (match := _TIME.match(value)):
        year, month, day, hour, minute, is_utc = match.groups()
        zone = _parameter(parameters, "TZID")
        time = f" {hour}:{minute}" if hour else ""
        return f"{year}-{month}-{day}{time}" + (" UTC" if is_utc else f" ({zone})" if zone and time else "")
    if name in _PERSONS:
        address = re.sub(r"^mailto:", "", value, flags=re.IGNORECASE)
        called = _parameter(parameters, "CN")
        return f"{called} <{address}>" if called and called != address else address
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()


def _parameter(parameters: str, name: str) -> str:
    match = re.search(rf";{name}=(?:\"([^\"]*)\"|([^;:]*))", parameters, re.IGNORECASE)
    return (match[1] or match[2] or "").strip() if match else ""
