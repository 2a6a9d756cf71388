import json

import pytest

from groundtune.errors import InputError
from groundtune.evaluation.ratings import Rating, load_ratings

ROW = {"case": "1", "candidate": "rag", "rater": "ada", "criterion": "accuracy", "value": 4, "comment": "fine"}


def write(tmp_path, *rows):
    path = tmp_path / "ratings.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_ratings_are_read_in_order(tmp_path):
    path = write(tmp_path, ROW, {**ROW, "case": 2, "value": 2.5, "comment": ""})
    assert load_ratings(path) == [
        Rating("1", "rag", "ada", "accuracy", 4.0, "fine"),
        Rating("2", "rag", "ada", "accuracy", 2.5),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"value": "good"}, "`value`"), ({"value": None}, "`value`"), ({"rater": ""}, "`rater`"), ({"score": 1}, "score")],
)
def test_a_line_that_is_not_sound_is_refused_with_its_place(tmp_path, change, words):
    path = write(tmp_path, ROW, {**ROW, "case": "2", **change})
    with pytest.raises(InputError, match=words) as error:
        load_ratings(path)
    assert error.value.place == f"{path}:2"


def test_the_same_rating_twice_is_refused(tmp_path):
    path = write(tmp_path, ROW, {**ROW, "value": 1})
    with pytest.raises(InputError, match="here and on line 1") as error:
        load_ratings(path)
    assert error.value.place == f"{path}:2"
