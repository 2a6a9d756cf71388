"""Pure values that the parts of groundtune pass to one another.

Frozen and slotted; they know no storage, no network, no model and no clock. The identity of a document
and of a chunk is a hash of its content and its place, so that equal content gives equal identity on
every machine.
"""

from __future__ import annotations

from groundtune.values._digest import digest
from groundtune.values.answers import (
    Answer,
    Answered,
    Choice,
    Citation,
    Cited,
    Completion,
    Conversation,
    Event,
    FinishReason,
    Message,
    Question,
    Retrieved,
    Role,
    TextPiece,
    ToolCall,
    Usage,
)
from groundtune.values.evaluation import (
    UNEXPECTED,
    Case,
    Difference,
    Estimate,
    Evidence,
    Failure,
    Score,
    Split,
    Verdict,
)
from groundtune.values.knowledge import (
    EVERYONE,
    UNKNOWN_PLACE,
    Chunk,
    Document,
    Passage,
    Place,
    Placed,
    Query,
    Revision,
    Search,
    located,
    segments_between,
)
from groundtune.values.reading import LEFT_OUT_KINDS, READING, Context, Heading, LeftOut, LeftOutKind, PlainText
from groundtune.values.training import Example, PreferencePair, Thumb, TrainingText

__all__ = [
    "EVERYONE",
    "LEFT_OUT_KINDS",
    "READING",
    "UNEXPECTED",
    "UNKNOWN_PLACE",
    "Answer",
    "Answered",
    "Case",
    "Choice",
    "Chunk",
    "Citation",
    "Cited",
    "Completion",
    "Context",
    "Conversation",
    "Difference",
    "Document",
    "Estimate",
    "Event",
    "Evidence",
    "Example",
    "Failure",
    "FinishReason",
    "Heading",
    "LeftOut",
    "LeftOutKind",
    "Message",
    "Passage",
    "Place",
    "Placed",
    "PlainText",
    "PreferencePair",
    "Query",
    "Question",
    "Retrieved",
    "Revision",
    "Role",
    "Score",
    "Search",
    "Split",
    "TextPiece",
    "Thumb",
    "ToolCall",
    "TrainingText",
    "Usage",
    "Verdict",
    "digest",
    "located",
    "segments_between",
]
