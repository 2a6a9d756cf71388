"""Shapes are read as people read a slide, wherever they stand in the file."""

import random

import pytest
from _lost import read
from _slide_files import content, graphic, group, picture, shape, slides, table, title
from hypothesis import given
from hypothesis import strategies as st

from groundtune.knowledge.readers._slides.order import SLACK, Box, in_order

INCH = 914_400


def order_of(path, *shapes, **more):
    """Return the words of the slide after its title, whatever the order of the shapes in the file."""
    texts = set()
    for seed in range(4):
        shuffled = list(shapes)
        random.Random(seed).shuffle(shuffled)
        plain, _ = read(slides(path / "a.pptx", title("Title") + "".join(shuffled), **more))
        texts.add(plain.text)
    assert len(texts) == 1
    return texts.pop().split()[1:]


def at(text, left, top, wide=2, high=1, more=""):
    return shape(text, box=(left, top, wide, high), more=more)


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([at("b", 0, 4), at("a", 0, 2)], "a b"),
        ([at("b", 4, 2), at("a", 0, 2)], "a b"),
        ([at("b", 4, 2), at("a", 0, 2.05)], "a b"),
        ([at("a", 0, 2), at("b", 5, 2), at("c", 0, 4), at("d", 5, 4)], "a b c d"),
        ([at("a", 0, 2, 4), at("b", 5, 2, 4), at("c", 0, 4, 4), at("d", 5, 4, 4)], "a b c d"),
        # a column of text beside a tall one
        ([at("left", 0, 2, 4, 5), at("r1", 5, 2), at("r2", 5, 3.5), at("r3", 5, 5)], "left r1 r2 r3"),
        # headings with their texts close below
        (
            [at("h1", 0, 2, 2, 0.5), at("t1", 0, 2.5, 2, 2), at("h2", 3, 2, 2, 0.5), at("t2", 3, 2.5, 2, 2)],
            "h1 t1 h2 t2",
        ),
        # the same below a line over both
        (
            [
                at("top", 0, 1.5, 5, 0.3),
                at("h1", 0, 2.2, 2, 0.5),
                at("t1", 0, 2.7, 2, 2),
                at("h2", 3, 2.2, 2, 0.5),
                at("t2", 3, 2.7, 2, 2),
                at("foot", 0, 5.2, 5, 0.3),
            ],
            "top h1 t1 h2 t2 foot",
        ),
        # cells that touch are a table of boxes
        ([at("a", 0, 2), at("b", 2, 2), at("c", 0, 3), at("d", 2, 3)], "a b c d"),
        # boxes that overlap a little
        ([at("a", 0, 2, 4, 2), at("b", 3.9, 2, 4, 2), at("c", 0, 3.9, 4, 2)], "a b c"),
        # boxes that overlap wholly
        ([at("a", 0, 2, 9, 5), at("b", 1, 3), at("c", 4, 3.05)], "a b c"),
        # text that stands on its side
        ([at("side", 1, 3, 6, 0.5, 'rot="16200000"'), at("a", 5, 2), at("b", 5, 4)], "side a b"),
        ([at("a", 0, 4), graphic(table([["x"], ["y"]]), box=(0, 2, 3, 1)), picture("p q r", box=(0, 6, 1, 1))], ""),
    ],
)
def test_from_top_to_bottom_and_from_left_to_right(tmp_path, shapes, expected):
    assert order_of(tmp_path, *shapes) == (expected.split() or ["x", "y", "a", "[Image:", "p", "q", "r]"])


def test_the_title_comes_first_wherever_it_stands(tmp_path):
    bottom = shape("Bottom", place='<p:ph type="title"/>', box=(0, 7, 5, 1))
    assert read(slides(tmp_path / "a.pptx", at("above", 0, 1) + bottom))[0].text == "Bottom\n\nabove"


def test_placeholders_stand_where_their_layout_or_its_master_says(tmp_path):
    second = content("layout", index=2)  # at 5, 1.5
    first = content("master")  # at 0.5, 1.5, of the master
    assert order_of(tmp_path, second, first, at("low", 0, 6.8)) == ["-", "master", "-", "layout", "low"]
    moved = content("moved", box=(0, 6.8, 4, 0.5))
    assert order_of(tmp_path, second, moved) == ["-", "layout", "-", "moved"]


def test_a_group_is_read_where_it_stands_and_within_by_the_places_in_it(tmp_path):
    inner = [at("in2", 0, 50), at("in1", 0, 10)]
    assert order_of(tmp_path, group(*inner, box=(0, 3, 2, 1)), at("a", 0, 1), at("z", 0, 6)) == "a in1 in2 z".split()
    without = group(at("in", 0, 3))
    assert order_of(tmp_path, without, at("a", 0, 1), at("z", 0, 6)) == "a in z".split()


def test_a_presentation_from_right_to_left(tmp_path):
    shapes = [at("first", 5, 2), at("second", 0, 2), at("third", 5, 4)]
    assert order_of(tmp_path, *shapes, attributes='rtl="1"') == ["first", "second", "third"]


def test_shapes_without_a_place_stay_behind_the_one_before(tmp_path):
    shapes = shape("first") + at("low", 0, 5) + shape("below low") + at("high", 0, 1)
    plain, _ = read(slides(tmp_path / "a.pptx", shapes))
    assert plain.text.split("\n\n")[1:] == ["first", "high", "low", "below low"]


@pytest.mark.parametrize("broken", ['cx="x"', 'cx="-5"', 'cx="1e400"', 'cx="99999999999999999999"', ""])
def test_broken_places(tmp_path, broken):
    wrong = f'<p:sp><p:spPr><a:xfrm><a:off x="1" y="nan"/><a:ext {broken}/></a:xfrm></p:spPr>{shape("w")[-90:]}'
    inner = wrong[: wrong.index("</p:spPr>") + 9] + "<p:txBody><a:p><a:r><a:t>wrong</a:t></a:r></a:p></p:txBody></p:sp>"
    assert set(order_of(tmp_path, inner, at("right", 0, 2))) == {"wrong", "right"}


boxes = st.lists(
    st.none()
    | st.builds(
        lambda left, top, wide, high: Box(left, top, left + wide, top + high),
        *[st.integers(0, 10 * INCH)] * 2,
        *[st.integers(0, 5 * INCH)] * 2,
    ),
    max_size=40,
)


@given(boxes)
def test_every_box_comes_once(given_boxes):
    assert sorted(in_order(given_boxes)) == list(range(len(given_boxes)))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, INCH // 2), st.randoms())
def test_a_grid_of_equal_gaps_is_read_row_by_row(rows, columns, gap, order):
    side = INCH + gap
    cells = [Box(c * side, r * side, c * side + INCH, r * side + INCH) for r in range(rows) for c in range(columns)]
    shuffled = list(range(len(cells)))
    order.shuffle(shuffled)
    assert [shuffled[at] for at in in_order([cells[at] for at in shuffled])] == list(range(len(cells)))


def test_thousands_of_boxes_take_no_time():
    growing, at, stairs = 1, 0, []
    for _ in range(3000):
        stairs.append(Box(at, at, at + SLACK, at + SLACK))
        growing += 7
        at += SLACK + growing * SLACK
    assert in_order(stairs[::-1]) == list(range(3000))[::-1]
