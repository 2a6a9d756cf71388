import pytest

from groundtune.errors import InputError
from groundtune.evaluation.judge.rubrics import load_rubrics

GOOD = 'question = "Is it true?"\npasses_from = 2\nlevels = ["No.", "Yes."]\n'


def write(tmp_path, text):
    path = tmp_path / "rubrics.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_rubrics():
    rubrics = load_rubrics()
    assert [rubric.criterion for rubric in rubrics] == ["accuracy", "relevance", "comprehensiveness"]
    assert {rubric.options for rubric in rubrics} == {("1", "2", "3", "4", "5")}
    assert {rubric.passes_from for rubric in rubrics} == {4}


def test_levels_stand_evenly_between_0_and_1():
    (rubric, *_) = load_rubrics()
    assert [rubric.value(level) for level in range(1, 6)] == [0, 0.25, 0.5, 0.75, 1]
    assert [rubric.level(value) for value in (0, 0.12, 0.125, 0.5, 0.87, 0.875, 1)] == [1, 1, 2, 3, 4, 5, 5]


def test_every_word_changes_the_hash(tmp_path):
    (one,) = load_rubrics(write(tmp_path, f"[truth]\n{GOOD}"))
    (other,) = load_rubrics(write(tmp_path, f"[truth]\n{GOOD}".replace("Yes.", "Yes!")))
    (again,) = load_rubrics(write(tmp_path, f"# a comment\n[truth]\n{GOOD}"))
    assert one.hash == again.hash != other.hash


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[truth", "not valid TOML"),
        ("", "contains no rubric"),
        (f'["no name"]\n{GOOD}', "is not a valid name of a criterion"),
        (f"[truth]\n{GOOD}weight = 2\n", "truth.weight"),
        ("[truth]\npasses_from = 2\nlevels = ['a', 'b']\n", "truth.question"),
        ("[truth]\nquestion = '?'\npasses_from = 2\nlevels = ['a']\n", "truth.levels"),
        (f"[truth]\n{GOOD}".replace("= 2", "= 3"), "passes_from` is 3, but there are 2 levels"),
        (f"[truth]\n{GOOD}".replace("= 2", "= 1"), "passes_from"),
        ("truth = 1", "truth"),
    ],
)
def test_what_is_not_sound_is_refused_with_its_place(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=words) as error:
        load_rubrics(path)
    assert error.value.place == str(path)
    assert error.value.remedy
