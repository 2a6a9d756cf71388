"""Whatever a Markdown file holds, each word of it stands in a chunk, or is counted as left out."""

from itertools import count

from _lost import lost, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="
BLOCKS = st.sampled_from(
    [
        "# {}\n\n",
        "{}\n===\n\n",
        "{} {}\n{}\n\n",
        "---\n{}\n---\n",
        "---\n\n{} {}\n\n---\n\n",
        "***\n\n",
        "- {}\n  - {}\n\n    {}\n\n",
        "1. {}\n\n   > {}\n   > {}\n\n",
        "```\n{}\n# {}\n```\n\n",
        "    {}\n\n",
        "| {} | {} |\n|---|---|\n| {} | {} |\n| {} |\n\n",
        "- x\n\n  | {} | {} |\n  |---|---|\n  | {} | `{}` |\n\n",
        "<div>{}</div>\n\n",
        "<!-- {} -->\n\n",
        "**{}** _{}_ [{}](x.html) `{}`\n\n",
        "[{}]: http://acme.test '{}'\n\n",
        "{}: {}\n",
        "+++\n{}\n+++\n",
        "~~~\n{}\n",
        "{}\f{}\v{}\n",
    ]
)
PICTURES = st.sampled_from(
    ["![{}](" + PICTURE + ")\n\n", '<img src="' + PICTURE + '" alt="{}">\n\n', "![{}][{}]\n\n[{}]: " + PICTURE + "\n\n"]
)
FRONTS = st.sampled_from(["", "---\ntitle: {}\nkey: {}\n---\n", '+++\ntitle = "{}"\n+++\n', '{{"title": "{}"}}\n'])


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(front=FRONTS, blocks=st.lists(BLOCKS | PICTURES, min_size=1, max_size=12))
def test_every_word_is_in_a_chunk(tmp_path, front, blocks):
    numbers, words = count(), list[str]()

    def filled(template):
        new = [f"w{next(numbers)}z" for _ in range(template.count("{}"))]
        words.extend(new)
        return template.format(*new)

    head = filled(front)
    in_front = len(words)
    body = "".join(filled(block) for block in blocks)
    if len(words) == in_front:
        return
    path = tmp_path / "page.md"
    path.write_text(head + body, newline="")
    plain, chunks = read(path, chunk_size=200, chunk_overlap=0)
    assert lost(words[in_front:], chunks) in (
        [],
        [word for word in words[in_front:] if _counted(plain, head, body, word)],
    )
    if front:
        assert ("front matter", 1) in [(each.kind, each.count) for each in plain.left_out]
        assert words[0] == plain.title
    assert "base64" not in plain.text or "~~~" in body or "```" in body


def _counted(plain, head, body, word):
    """Tell whether `word` stands in lines at the top that are a front matter: `key: value` between two rules."""
    return not head and body.startswith(("---\n", "+++\n")) and "front matter" in {each.kind for each in plain.left_out}
