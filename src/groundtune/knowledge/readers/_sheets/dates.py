"""Days and times as a sheet shows them. A whole day is written as ISO 8601 has it, whatever order the format has: which
of 3/4/2024 is the month depends on who reads it.

    45443.5 as d/m/yyyy h:mm       2024-05-31 12:00
    45443 as yyyy-mm               2024-05
    1.25 as [h]:mm                 30:00

Source: ECMA-376, part 1, 18.17.4 (dates and times) and 18.8.31.
"""

from __future__ import annotations

from datetime import datetime, timedelta

DATE_SIGNS = "ymdhs"
LAST_DAY = 2_958_466  # the day after 9999-12-31
DAYS_TO_1904 = 1462
_FIRST = datetime(1899, 12, 30)
_LEAP_DAY = 60  # 1900-02-29, which there never was
_DAY_SECONDS = 86_400
_MONTHS = "January February March April May June July August September October November December".split()
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def date_shown(tokens: tuple[tuple[str, str], ...], days: float) -> str | None:
    """Return what a cell shows whose value is so many days after 1899-12-30; None for what is no moment."""
    signs = [said for kind, said in tokens if kind == "date"]
    elapsed = next((said for kind, said in tokens if kind == "elapsed"), "")
    if elapsed:
        return _elapsed(tokens, elapsed, days)
    if not 0 <= days < LAST_DAY:
        return None
    decimals = _decimals(tokens)
    seconds = round(days * _DAY_SECONDS, decimals if any(said.startswith("s") for said in signs) else 0)
    if not any(said[0] in "ymd" for said in _days(signs)):
        return _time(tokens, signs, seconds % _DAY_SECONDS, decimals)
    early = seconds < _LEAP_DAY * _DAY_SECONDS
    moment = _FIRST + timedelta(seconds=seconds, days=int(early))
    if early and seconds < _DAY_SECONDS:  # no day at all, as where only a time was typed
        return _time(tokens, signs, seconds, decimals) if any(said[0] == "h" for said in signs) else "0"
    day = _day(_days(signs), moment)
    if any(said[0] == "h" for said in signs):
        return f"{day} {_time(tokens, signs, seconds % _DAY_SECONDS, decimals)}"
    return day


def _days(signs: list[str]) -> list[str]:
    """Return the signs that are for days: `m` behind hours or before seconds is for minutes."""
    kept = []
    for place, said in enumerate(signs):
        before = signs[place - 1][0] if place else ""
        after = signs[place + 1][0] if place + 1 < len(signs) else ""
        if said[0] in "yde" or (said[0] == "m" and before != "h" and after != "s"):
            kept.append(said)
    return kept


def _day(signs: list[str], moment: datetime) -> str:
    has_year = any(said[0] in "ye" for said in signs)
    month = next((said for said in signs if said[0] == "m"), "")
    date = any(said in ("d", "dd") for said in signs)
    weekday = max((said for said in signs if said.startswith("ddd")), default="")
    if date and (month or has_year):
        return moment.date().isoformat()
    if month:
        named = _MONTHS[moment.month - 1]
        named = named[:3] if len(month) == 3 else named
        if not has_year:
            return named if len(month) > 2 else str(moment.month)
        return f"{named} {moment.year}" if len(month) > 2 else f"{moment:%Y-%m}"
    if has_year:
        return f"{moment:%Y}"
    if weekday:
        named = _WEEKDAYS[moment.weekday()]
        return named if len(weekday) > 3 else named[:3]
    return str(moment.day)


def _decimals(tokens: tuple[tuple[str, str], ...]) -> int:
    """Return how many decimals of seconds are shown: `ss.00` has two."""
    point = tokens.index(("sign", ".")) if ("sign", ".") in tokens else len(tokens)
    return min(3, sum(1 for kind, said in tokens[point + 1 :] if kind == "sign" and said == "0"))


def _time(tokens: tuple[tuple[str, str], ...], signs: list[str], seconds: float, decimals: int) -> str:
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, seconds - whole // 60 * 60
    has_seconds = any(said[0] == "s" for said in signs)
    shown = f":{rest:0{3 + decimals if decimals else 2}.{decimals}f}" if has_seconds else ""
    if not any(said[0] == "h" for said in signs):
        return f"{minutes:02d}{shown}" if shown else f"{minutes}"
    if any(kind == "meridian" for kind, _ in tokens):
        return f"{hours % 12 or 12}:{minutes:02d}{shown} {'AM' if hours < 12 else 'PM'}"
    return f"{hours:02d}:{minutes:02d}{shown}"


def _elapsed(tokens: tuple[tuple[str, str], ...], unit: str, days: float) -> str:
    decimals = _decimals(tokens)
    total = round(abs(days) * _DAY_SECONDS, decimals)
    signs = "".join(said[0] for kind, said in tokens if kind == "date")
    sign = "-" if days < 0 else ""
    whole = int(total)
    rest = f"{total - whole // 60 * 60:0{3 + decimals if decimals else 2}.{decimals}f}"
    if unit[0] == "s":
        return f"{sign}{total:.{decimals}f}"
    if unit[0] == "m":
        return f"{sign}{whole // 60}" + (f":{rest}" if "s" in signs else "")
    minutes = f":{whole // 60 % 60:02d}" if "m" in signs else ""
    return f"{sign}{whole // 3600}{minutes}" + (f":{rest}" if "s" in signs else "")
