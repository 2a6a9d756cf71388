"""Errors: one tree, one form of message, and the same after a trip between processes."""

import pickle

import pytest

from groundtune import errors
from groundtune.errors import GroundtuneError, InputError, UnreadableDocument

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GroundtuneError)]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (GroundtuneError("it broke."), "it broke."),
        (GroundtuneError("it broke.", remedy="Mend it."), "it broke. Mend it."),
        (GroundtuneError("it broke.", place="a.jsonl", line=3, remedy="Mend it."), "a.jsonl:3: it broke. Mend it."),
        (GroundtuneError("it broke.", place="a.jsonl"), "a.jsonl: it broke."),
        (GroundtuneError("it broke.", line=3), "it broke."),
    ],
)
def test_a_message_says_where_what_and_what_next(error, text):
    assert str(error) == text
    assert error.args == (text,)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_the_same_after_pickling(kind):
    error = kind("it broke.", place="a.jsonl", line=3, remedy="Mend it.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, again.place, again.remedy, str(again)) == (
        error.message,
        error.place,
        error.remedy,
        str(error),
    )


def test_the_docstring_draws_the_whole_tree():
    for kind in KINDS:
        assert kind.__name__ in errors.__doc__
        assert kind.__doc__
    assert issubclass(UnreadableDocument, InputError)
