"""What is the same in two texts: letters are folded, numbers read with what stands at them, words made comparable.

docs/comparing.md explains it with examples.
"""

from groundtune.comparing.comparable import (
    VERSION,
    StatedNumber,
    aligned,
    common,
    figures,
    searchable,
    shared,
    tokens,
    turns,
    unbacked,
    words,
)

__all__ = [
    "VERSION",
    "StatedNumber",
    "aligned",
    "common",
    "figures",
    "searchable",
    "shared",
    "tokens",
    "turns",
    "unbacked",
    "words",
]
