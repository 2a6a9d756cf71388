"""Tickets in JSON and JSON lines, as help desks export them: each is a part, its conversation in order."""

import json

import pytest
from _lost import lost, read
from _mail import left_out, reason, titles

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers


def written(tmp_path, content, name="tickets.json"):
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    (tmp_path / name).write_text(text, encoding="utf-8")
    return readers.read(tmp_path / name)


def lines(*values):
    return "".join(f"{json.dumps(value)}\n" for value in values)


PLAIN = {
    "id": 7,
    "subject": "No light",
    "status": "open",
    "tags": ["lamp", "power"],
    "customer": {"address": {"city": "Lisbon"}, "since": 2019},
    "description": "The lamp stays dark.\n\nSince Monday.",
    "closed": None,
    "comments": [
        {"author": "Bob", "created_at": "2024-05-31T10:00:00Z", "body": "Press the button."},
        {"author": "Ana", "created_at": "2024-06-01T10:00:00Z", "body": "That helped.", "public": False},
    ],
}
WRITTEN = """7: No light

status: open
tags: lamp, power
customer.address.city: Lisbon
customer.since: 2019

The lamp stays dark.

Since Monday.

Bob, 2024-05-31

Press the button.

Ana, 2024-06-01

That helped.

public: false"""


@pytest.mark.parametrize("framed", [[PLAIN], {"tickets": [PLAIN]}, PLAIN, {"ticket": PLAIN}, [{"ticket": PLAIN}]])
def test_a_ticket_wherever_it_stands(tmp_path, framed):
    plain = written(tmp_path, framed)
    assert plain.text == WRITTEN
    assert titles(plain) == [(1, "7: No light"), (2, "Bob, 2024-05-31"), (2, "Ana, 2024-06-01")]
    assert plain.title == "tickets"
    assert plain.left_out == ()


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson"])
def test_a_ticket_a_line(tmp_path, suffix):
    plain = written(tmp_path, lines(PLAIN, {**PLAIN, "id": 8}), f"a{suffix}")
    assert plain.text == f"{WRITTEN}\n\n{WRITTEN.replace('7: No', '8: No')}"


def test_what_stands_beside_the_tickets(tmp_path):
    plain = written(tmp_path, {"exported": "2024-06-01", "by": {"name": "Ada"}, "tickets": [PLAIN], "next": None})
    assert plain.text == f"exported: 2024-06-01\nby: Ada\n\n{WRITTEN}"


# --- as each help desk writes them ----------------------------------------------------------------


def test_zendesk(tmp_path):
    ticket = {
        "url": "https://acme.zendesk.com/api/v2/tickets/35436.json",
        "id": 35436,
        "subject": "Printer on fire",
        "description": "The fire is colorful.",
        "requester_id": 20,
        "custom_fields": [{"id": 27642, "value": "745"}, {"id": 27648, "value": None}],
        "comments": [
            {"id": 1, "author_id": 20, "body": "The fire is colorful.", "html_body": "<p>The fire is colorful.</p>"},
            {
                "id": 2,
                "author_id": 7,
                "body": "Use water.",
                "html_body": "<p>Use water.</p>",
                "created_at": "2024-05-31",
            },
        ],
    }
    plain = written(tmp_path, {"tickets": [ticket], "users": [{"id": 7, "name": "Agent"}, {"id": 20, "name": "Ann"}]})
    assert plain.text == (
        "users: Agent (id: 7), Ann (id: 20)\n\n35436: Printer on fire\n\nrequester_id: 20 (Ann)\n"
        "custom_fields.27642: 745\n\nThe fire is colorful.\n\nAnn\n\nid: 1\n\nAgent, 2024-05-31\n\nUse water.\n\nid: 2"
    )
    assert left_out(plain) == {"navigation": 1, "repeated text": 3}


def paragraph(*content):
    return {
        "type": "paragraph",
        "content": [each if isinstance(each, dict) else {"type": "text", "text": each} for each in content],
    }


def test_jira(tmp_path):
    item = {
        "type": "listItem",
        "content": [paragraph("Press ", {"type": "text", "text": "reset", "marks": [{"type": "strong"}]})],
    }
    mention = {"type": "mention", "attrs": {"id": "5b10", "text": "@Ada"}}
    cells = {
        "type": "tableRow",
        "content": [{"type": "tableCell", "content": [paragraph(text)]} for text in ("A", "5 euros")],
    }
    description = {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Steps"}]},
            {"type": "bulletList", "content": [item]},
            paragraph("Ask ", mention, {"type": "hardBreak"}, "or wait."),
            {"type": "table", "content": [cells]},
            {"type": "inlineCard", "attrs": {"url": "https://acme.test/x"}},
        ],
    }
    comment = {
        "self": "https://acme.test/rest/api/3/comment/1",
        "author": {"displayName": "Bob Roe", "accountId": "9", "avatarUrls": {"48x48": "https://acme.test/a.png"}},
        "body": {"type": "doc", "content": [paragraph("Done.")]},
        "created": "2024-06-01T08:00:00.000+0000",
    }
    fields = {
        "summary": "No light",
        "description": description,
        "status": {"self": "https://acme.test/rest/api/3/status/3", "name": "In Progress", "id": "3"},
        "customfield_10020": {"value": "Gold", "id": "10020"},
        "environment": "Line one\nline two",
        "comment": {"comments": [comment], "maxResults": 1, "total": 1, "startAt": 0},
    }
    issue = {"id": "10002", "self": "https://acme.test/rest/api/3/issue/10002", "key": "NET-7", "fields": fields}
    plain = written(tmp_path, {"startAt": 0, "total": 1, "issues": [issue]})
    assert titles(plain) == [(1, "NET-7: No light"), (2, "Bob Roe, 2024-06-01")]
    for text in (
        "status: In Progress (id: 3)\ncustomfield_10020: Gold (id: 10020)\n\nSteps\n\n- Press reset\n",
        "Ask @Ada\nor wait.\n\nA | 5 euros\n",
        "https://acme.test/x",
        "environment: Line one\nline two",
        "Bob Roe, 2024-06-01\n\nDone.\n\nauthor.accountId: 9",
    ):
        assert text in plain.text
    assert left_out(plain) == {"navigation": 7}


def test_projects_with_issues(tmp_path):
    """As Jira's own files for import are."""
    projects = [
        {"name": "Net", "key": "NET", "description": "All of it", "issues": [PLAIN]},
        {"key": "B", "issues": []},
    ]
    plain = written(tmp_path, {"projects": projects})
    assert plain.text.endswith(WRITTEN)
    assert "projects.1.description: All of it" in plain.text
    assert titles(plain)[0] == (1, "7: No light")


def test_github(tmp_path):
    body = "It says `<br>`.\n\n```html\n<div>x</div>\n```\n"
    issue = {
        "url": "https://api.github.com/repos/o/r/issues/1347",
        "html_url": "https://github.com/o/r/issues/1347",
        "node_id": "MDU6",
        "number": 1347,
        "title": "Found a bug",
        "body": body,
        "user": {"login": "octocat", "id": 1, "avatar_url": "https://acme.test/a", "site_admin": False},
        "labels": [{"id": 2, "url": "https://api.github.com/l", "name": "bug", "color": "f29513"}, {"name": "help"}],
        "comments": 1,
    }
    by_cli = {
        "number": 2,
        "title": "T",
        "comments": [{"author": {"login": "a"}, "body": "C", "createdAt": "2024-01-02T03:04:05Z"}],
    }
    plain = written(tmp_path, lines(issue, by_cli), "a.jsonl")
    assert plain.text == (
        "#1347: Found a bug\n\nhtml_url: https://github.com/o/r/issues/1347\nuser: octocat (id: 1; site_admin: false)\n"
        f"labels: bug (id: 2; color: f29513), help\ncomments: 1\n\n{body.strip()}\n\n#2: T\n\na, 2024-01-02\n\nC"
    )
    assert left_out(plain) == {"navigation": 4}


def test_graphql(tmp_path):
    nodes = [
        {
            "number": 3,
            "title": "T",
            "bodyText": "B",
            "comments": {"totalCount": 1, "nodes": [{"author": {"login": "a"}, "bodyText": "C"}]},
        }
    ]
    plain = written(tmp_path, {"data": {"repository": {"name": "r", "issues": {"nodes": nodes}}}})
    assert plain.text == "data.repository.name: r\n\n#3: T\n\nB\n\na\n\nC"


def test_freshdesk(tmp_path):
    note = {"body": "Paid.", "body_html": "<div>Paid.</div>", "created_at": "2015-01-04T14:55:38+05:30", "user_id": 3}
    ticket = {
        "display_id": 5,
        "subject": "Refund",
        "description_html": "<div>Where is <b>it</b>?</div>",
        "notes": [{"helpdesk_note": note}],
    }
    plain = written(tmp_path, [{"helpdesk_ticket": ticket}])
    assert plain.text == "5: Refund\n\nWhere is it?\n\nuser_id 3, 2015-01-04\n\nPaid."


def test_intercom(tmp_path):
    parts = [{"part_type": "comment", "body": "<p>Five.</p>", "created_at": 1539897200, "author": {"name": "Ciaran"}}]
    conversation = {
        "id": "147",
        "created_at": 1539897198,
        "source": {"subject": "", "body": "<p>Hi, how <b>much</b>?</p>", "author": {"name": "Zoe", "email": "z@x.org"}},
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": parts, "total_count": 1},
    }
    plain = written(tmp_path, {"type": "conversation.list", "conversations": [conversation]})
    assert plain.text == (
        "type: conversation.list\n\n147: Hi, how much?\n\ncreated_at: 2018-10-18 21:13 UTC\n\nZoe\n\nHi, how much?\n\n"
        "author.email: z@x.org\n\nCiaran, 2018-10-18\n\nFive.\n\npart_type: comment"
    )


def test_a_channel_is_one_conversation(tmp_path):
    """As Slack exports it."""
    messages = [
        {"user": "U1", "text": "Where is the key?", "ts": "1512085950.000216"},
        {"user": "U2", "text": "Here.", "ts": "1512172360.0"},
    ]
    plain = written(tmp_path, messages, "general-help.json")
    assert plain.text == "general help\n\nU1, 2017-11-30\n\nWhere is the key?\n\nU2, 2017-12-01\n\nHere."


def test_conversations_with_a_chat_model(tmp_path):
    values = [
        {"messages": [{"role": "user", "content": f"How much is {n}?"}, {"role": "assistant", "content": "5."}]}
        for n in "ab"
    ]
    plain = written(tmp_path, lines(*values), "a.jsonl")
    assert [title for level, title in titles(plain) if level == 1] == ["How much is a?", "How much is b?"]
    assert plain.text.endswith("How much is b?\n\nuser\n\nHow much is b?\n\nassistant\n\n5.")


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("<p>One</p><ul><li>two</li><li>three</li></ul>", "One\n\n- two\n- three"),
        ("One<br>two", "One\ntwo"),
        ("<div>a &amp; b</div>", "a & b"),
        ("a < b and c > d", "a < b and c > d"),
        ("Use <br> in `code`", "Use <br> in `code`"),
        ("Text\n\n<details>more</details>\n\nend", "Text\n\n<details>more</details>\n\nend"),
        ("List<String> x", "List<String> x"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("<p>x</p><script>y()</script>", "x"),
    ],
)
def test_html_in_a_text(tmp_path, value, said):
    plain = written(tmp_path, [{"id": 1, "subject": "s", "body": value}])
    assert plain.text == f"1: s\n\n{said}"
    assert left_out(plain) == ({"script": 1} if "script" in value else {})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"zero": 0, "no": False, "price": 2.5}, "zero: 0\nno: false\nprice: 2.5"),
        (
            {"due_at": 1717149600, "closedAt": 1717149600000, "count": 1717149600},
            "due_at: 2024-05-31 10:00 UTC\nclosedAt: 2024-05-31 10:00 UTC\ncount: 1717149600",
        ),
        ({"a": {"b": [{"c": 1}, {"c": 2}]}}, "a.b.1.c: 1\na.b.2.c: 2"),
        ({"f": [{"name": "x", "value": 1}, {"name": "x", "value": 2}]}, "f: x (value: 1), x (value: 2)"),
        (
            {"f": [{"name": "Plan", "value": "Gold"}, {"name": "Size", "value": ["S", "M"]}]},
            "f.Plan: Gold\nf.Size: S, M",
        ),
        ({"owner": {"name": "Ada", "team": {"name": "Net"}}}, "owner: Ada (team: name: Net)"),
        ({"empty": "", "none": None, "list": [], "object": {}}, ""),
        ({"link": "https://acme.test/1", "home_url": "https://acme.test"}, ""),
        ({"url": "https://acme.test/tickets/1"}, "url: https://acme.test/tickets/1"),
    ],
)
def test_fields(tmp_path, fields, said):
    assert written(tmp_path, [{"id": 1, "subject": "s", "body": "b", **fields}]).text == f"1: s\n\n{said}\n\nb".replace(
        "\n\n\n\n", "\n\n"
    )


def test_long_values_stand_behind_the_text(tmp_path):
    plain = written(tmp_path, [{"id": 1, "subject": "s", "resolution": "Word. " * 50, "status": "open", "body": "b"}])
    assert plain.text.startswith("1: s\n\nstatus: open\n\nb\n\nresolution: Word. Word.")


def test_other_texts_keep_their_names(tmp_path):
    plain = written(
        tmp_path, [{"id": 1, "subject": "s", "description": "First.", "note": "Second.", "details": "first!"}]
    )
    assert plain.text == "1: s\n\nFirst.\n\nnote: Second."
    assert left_out(plain) == {"repeated text": 1}


@pytest.mark.parametrize(
    ("ticket", "title"),
    [
        ({"key": "A-1", "id": 5, "summary": "s"}, "A-1: s"),
        ({"number": 4, "id": 5, "title": "s"}, "#4: s"),
        ({"id": 5, "body": "First words of it."}, "5: First words of it."),
        ({"id": 5, "body": "word " * 40}, f"5: {'word ' * 15}word …"),
        ({"id": 5, "name": "Widget", "description": "Blue."}, "5: Widget"),
        ({"title": "s", "body": "b"}, "s"),
        ({"subject": "<b>s</b>", "status": "open"}, "s"),
    ],
)
def test_headings(tmp_path, ticket, title):
    assert titles(written(tmp_path, [ticket]))[0] == (1, title)


def test_signs_without_letters_are_text(tmp_path):
    plain = written(tmp_path, [{"id": 1, "subject": "s", "body": "???", "comments": [{"author": "Ana", "body": "👍"}]}])
    assert plain.text == "1: s\n\n???\n\nAna\n\n👍"
    assert plain.left_out == ()


def test_replies_to_comments(tmp_path):
    comment = {"author": "Ana", "body": "One.", "replies": [{"author": "Bob", "body": "Two."}, "Three."]}
    plain = written(tmp_path, [{"id": 1, "subject": "s", "comments": [comment, "Four."]}])
    assert plain.text == "1: s\n\nAna\n\nOne.\n\nBob\n\nTwo.\n\nMessage 2\n\nThree.\n\nMessage 2\n\nFour."


# --- what is not read -----------------------------------------------------------------------------


def test_lines_and_entries_that_are_no_tickets_are_counted(tmp_path):
    plain = written(tmp_path, f"{lines(PLAIN)}broken\n\n{lines(PLAIN)}7\n{lines({'sku': 'x'})}", "a.jsonl")
    assert plain.text.count("The lamp stays dark.") == 2
    assert plain.text.endswith("sku: x")
    assert left_out(plain) == {"unreadable part": 2}
    assert "line 5: no object" in reason(plain, "unreadable part")
    assert "line 2: broken JSON" in reason(plain, "unreadable part")


def test_questions_and_answers_a_line(tmp_path):
    pairs = [{"question": f"How {n}?", "answer": "So.", "tag": "x"} for n in range(2)]
    plain = written(tmp_path, lines(*pairs, {"question": "x"}), "a.jsonl")
    assert plain.text == "How 0?\nSo.\ntag: x\n\nHow 1?\nSo.\ntag: x"
    assert "line 3: no question or no answer" in reason(plain, "unreadable part")
    assert written(tmp_path, lines(pairs[0]), "a.jsonl").text == "How 0?\nSo.\ntag: x"
    assert written(tmp_path, json.dumps(pairs), "a.jsonl").text.count("So.") == 2


def test_values_over_several_lines(tmp_path):
    content = f"{json.dumps(PLAIN, indent=2)}\n{json.dumps({**PLAIN, 'id': 8}, indent=2)}\n"
    assert [title for level, title in titles(written(tmp_path, content, "a.jsonl")) if level == 1] == [
        "7: No light",
        "8: No light",
    ]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ([{"sku": "A", "price": 5}], "a.json", r"entry 1 has no question.*\"comments\""),
        ({"openapi": "3.0", "info": {"title": "x", "description": "y"}}, "a.json", "or of tickets"),
        (lines({"sku": "A"}, {"sku": "B"}), "a.jsonl", "line 1 has no question"),
        ("{broken\n", "a.jsonl", r"a\.jsonl:1: broken JSON"),
        ('{"id": 1,\n"x": }', "a.jsonl", r"a\.jsonl:2: broken JSON"),
        (f"{lines(PLAIN)}{'[' * 100_000}", "a.jsonl", "nested too deeply"),
        ("", "a.jsonl", "contains no text"),
    ],
)
def test_refused(tmp_path, content, name, message):
    with pytest.raises(UnreadableDocument, match=message):
        written(tmp_path, content, name)


def test_every_word_of_many_tickets_stands_in_a_chunk_below_its_ticket(tmp_path):
    tickets = [
        {"id": n, "subject": f"s{n}x", "body": " ".join(f"b{n}x{m}" for m in range(150)),
         "comments": [{"author": f"a{n}x", "body": " ".join(f"c{n}x{m}" for m in range(150))}]}
        for n in range(5)
    ]  # fmt: skip
    written(tmp_path, {"tickets": tickets})
    _, chunks = read(tmp_path / "tickets.json", chunk_size=400)
    words = [f"{kind}{n}x{m}" for kind in "bc" for n in range(5) for m in range(150)]
    assert lost([*words, *(f"{kind}{n}x" for kind in "sa" for n in range(5))], chunks) == []
    for chunk in chunks:
        (number,) = {n for n in range(5) if f"b{n}x" in chunk.text or f"c{n}x" in chunk.text}
        assert f"s{number}x" in chunk.heading
