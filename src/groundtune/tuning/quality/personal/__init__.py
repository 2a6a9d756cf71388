"""Personal data in text: where it stands, what kind it is, and the text without it."""

from groundtune.tuning.quality.personal.spans import Finder, PersonalSpan, all_of, patterns, redacted

__all__ = ["Finder", "PersonalSpan", "all_of", "patterns", "redacted"]
