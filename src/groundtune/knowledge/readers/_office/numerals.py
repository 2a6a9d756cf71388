"""Numbers of lists as letters and Roman numerals, as Office counts them. Knows no list."""

from __future__ import annotations

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"))
_LARGEST_ROMAN = 5000
_SMALL_ROMAN = ((9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


def roman(count: int) -> str:
    """Return a number in small Roman numerals, a large one in digits."""
    if count > _LARGEST_ROMAN:
        return str(count)
    text = ""
    for worth, letters in (*_ROMAN, *_SMALL_ROMAN):
        times, count = divmod(count, worth)
        text += letters * times
    return text


def in_letters(count: int) -> str:
    """Return a, b, ..., z, aa, bb for 1, 2, ..., 26, 27, 28; a number beyond zz in digits."""
    return chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1) if 0 < count < 26 * 26 else str(count)
