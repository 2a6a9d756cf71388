import re
from dataclasses import replace

import pytest

from groundtune.assistant.closed_book import ClosedBook
from groundtune.assistant.grounded import Grounded
from groundtune.errors import ModelFailed
from groundtune.reply import RULE, says_nothing
from groundtune.settings import AssistantSettings
from groundtune.testing.fakes import EchoModel, FunctionModel, ScriptedModel
from groundtune.values import (
    Answer,
    Answered,
    Completion,
    Failure,
    Message,
    Passage,
    Place,
    Question,
    Retrieved,
    TextPiece,
    Usage,
)

SETTINGS = AssistantSettings()
TEXT = "The Brook plan costs €9 a month."
GOOD = Passage("plans.md", Place(100, 100 + len(TEXT)), TEXT, "Plans", 1, 1.0, 0.9)
POOR = Passage("other.md", Place(0, 5), "Other", "", 1, 0.1, 0.05)


class Retrieval:
    def __init__(self):
        self.asked = []

    def __call__(self, searches):
        texts = [search.text for search in searches]
        self.asked.append(texts)
        self.askers = [search.asker for search in searches]
        return [[] if "nothing" in text else [POOR] if "unrelated" in text else [GOOD] for text in texts]


def grounded(model, retrieve=None, min_support=0.5, signature="store:1"):
    return Grounded(model, retrieve or Retrieval(), SETTINGS, "Acme", min_support, signature)


def test_closed_book_says_what_the_model_says():
    answer = ClosedBook(ScriptedModel([" Brook costs €9. \n"]), SETTINGS, "Acme").answer(
        Question("What does Brook cost?")
    )
    assert (answer.text, answer.abstained, answer.passages, answer.support) == ("Brook costs €9.", False, (), None)
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.seconds >= 0


@pytest.mark.parametrize("reply", ["I don't know.", SETTINGS.unknown])
def test_a_model_that_does_not_know_abstains(reply):
    for answerer in (ClosedBook(ScriptedModel([reply]), SETTINGS, "Acme"), grounded(ScriptedModel([reply]))):
        answer = answerer.answer(Question("What does Brook cost?"))
        assert answer.abstained
        assert answer.text == reply
        assert answer.citations == ()


@pytest.mark.parametrize("reason", ["repetition", "length", "stop"])
def test_only_a_model_that_did_not_come_to_an_end_is_cut_where_it_repeats_itself(reason):
    reply = "It costs €9. It costs €9. It"
    kept = reply if reason == "stop" else "It costs €9."

    class Endless(FunctionModel):
        def complete(self, conversations, max_tokens=None):
            return [replace(one, finish_reason=reason) for one in super().complete(conversations, max_tokens)]

    for answerer in (ClosedBook(Endless(lambda _: reply), SETTINGS, "Acme"), grounded(Endless(lambda _: reply))):
        answer = answerer.answer(Question("What does Brook cost?"))
        assert answer.text == kept
        assert answer.truncated == (reason == "length")


def test_grounded_puts_passages_and_history_before_the_model_and_searches_with_the_turn_before():
    model, retrieval = EchoModel(), Retrieval()
    history = (Message("user", "Tell me of Brook."), Message("assistant", "Gladly."))
    answer = grounded(model, retrieval, 0.0).answer(Question("What does it cost?", history))
    assert TEXT in answer.text
    assert model.asked[0][1:3] == history
    assert retrieval.asked == [["Tell me of Brook.\nWhat does it cost?"]]


def test_grounded_checks_citations():
    answer = grounded(ScriptedModel(["Brook costs €9 [1], as all know [4]."])).answer(Question("What does Brook cost?"))
    assert answer.text == "Brook costs €9 [1], as all know."
    assert answer.citations_removed == 1
    (citation,) = answer.citations
    assert (citation.document, citation.start, citation.end) == ("plans.md", 100, 100 + len(TEXT))
    assert (citation.quote, citation.origin) == (TEXT, "model")
    assert answer.passages == (GOOD,)
    assert answer.support == pytest.approx(0.8 * 0.9 + 0.2)


@pytest.mark.parametrize(("question", "found"), [("Something unrelated?", (POOR,)), ("nothing at all?", ())])
def test_without_support_the_model_is_not_asked(question, found):
    model = ScriptedModel([])
    answerer = grounded(model)
    answer = answerer.answer(Question(question))
    assert (answer.text, answer.abstained, answer.passages) == (SETTINGS.unknown, True, found)
    assert answer.support < 0.5
    assert answer.usage.prompt_tokens == 0
    *events, last = answerer.stream(Question(question))
    assert events == [Retrieved(found, question), TextPiece(SETTINGS.unknown)]
    assert last.answer.abstained


def test_without_passages_it_abstains_even_at_threshold_zero():
    assert grounded(ScriptedModel([]), min_support=0.0).answer(Question("nothing?")).abstained


def test_a_batch_is_one_retrieval_and_one_call_for_what_is_supported():
    model, retrieval = FunctionModel(lambda conversation: "Brook costs €9 [1]."), Retrieval()
    questions = ["What does Brook cost?", "Something unrelated?", "Is Brook a plan?"]
    answers = grounded(model, retrieval).answer_many([Question(question) for question in questions])
    assert [answer.abstained for answer in answers] == [False, True, False]
    assert model.batches == [2]
    assert retrieval.asked == [questions]
    assert all(answer.usage.seconds is None for answer in answers)


def test_each_question_of_a_batch_is_searched_as_its_own_asker():
    retrieval = Retrieval()
    questions = [Question("Brook?", asker=("staff", "ana")), Question("Brook?"), Question("Brook?", asker=())]
    answerer = grounded(FunctionModel(lambda conversation: "Brook costs €9 [1]."), retrieval)
    answerer.answer_many(questions)
    assert retrieval.askers == [("staff", "ana"), ("everyone",), ()]
    answerer.answer(questions[0])
    assert retrieval.askers == [("staff", "ana")]
    list(answerer.stream(questions[0]))
    assert retrieval.askers == [("staff", "ana")]


def test_a_stream_leaves_out_pieces_without_text():
    class Halting(EchoModel):
        def stream(self, messages, max_tokens=None):
            return iter(["", "Brook ", "", "costs €9."])

    *pieces, last = ClosedBook(Halting(), SETTINGS, "Acme").stream(Question("?"))
    assert pieces == [TextPiece("Brook "), TextPiece("costs €9.")]
    assert last.answer.text == "Brook costs €9."


def test_what_was_searched_with_is_told():
    retrieval = Retrieval()
    follow_up = Question("And abroad?", (Message("user", "What does Brook cost?"), Message("assistant", "€9.")))
    answerer = grounded(FunctionModel(lambda conversation: "Brook costs €9 [1]."), retrieval)
    retrieved, *_, answered = answerer.stream(follow_up)
    searched = "What does Brook cost?\nAnd abroad?"
    assert retrieval.asked == [[searched]]
    assert (retrieved.searched, answered.answer.searched) == (searched, searched)
    assert answerer.answer(Question("nothing?")).searched == "nothing?"
    assert ClosedBook(EchoModel(), SETTINGS, "Acme").answer(follow_up).searched == ""


def test_empty_batches_ask_nobody():
    model, retrieval = ScriptedModel([]), Retrieval()
    assert grounded(model, retrieval).answer_many([]) == []
    assert ClosedBook(model, SETTINGS, "Acme").answer_many([]) == []
    assert retrieval.asked == []
    assert model.batches == []


def test_a_stream_gives_the_models_words_and_then_the_checked_answer():
    answerer = grounded(ScriptedModel(["Brook costs €9 [1]. Really [7]."]))
    passages, *pieces, cited, last = answerer.stream(Question("What does Brook cost?"))
    assert passages == Retrieved((GOOD,), "What does Brook cost?")
    assert "".join(piece.text for piece in pieces) == "Brook costs €9 [1]. Really [7]."
    assert cited.citation.quote == TEXT
    assert isinstance(last, Answered)
    assert last.answer.text == "Brook costs €9 [1]. Really."
    assert last.answer.citations == (cited.citation,)
    assert last.answer.usage.prompt_tokens > 0
    assert 0 <= last.answer.usage.seconds_to_first_token <= last.answer.usage.seconds


def test_a_model_whose_stream_returns_nothing_still_gives_an_answer():
    class Plain(EchoModel):
        def stream(self, messages, max_tokens=None):
            return iter(["Brook ", "costs €9."])

    *_, last = ClosedBook(Plain(), SETTINGS, "Acme").stream(Question("?"))
    assert last.answer.text == "Brook costs €9."
    assert (last.answer.usage.prompt_tokens, last.answer.truncated) == (0, False)


def test_an_answer_that_was_cut_off_says_so():
    class Short(EchoModel):
        def complete(self, conversations, max_tokens=None):
            return super().complete(conversations, 2)

    assert ClosedBook(Short(), SETTINGS, "Acme").answer(Question("one two three four")).truncated
    assert grounded(Short()).answer(Question("What does Brook cost?")).truncated


def test_a_failing_model_is_not_an_abstention():
    with pytest.raises(ModelFailed):
        grounded(ScriptedModel([])).answer(Question("What does Brook cost?"))


def test_signatures_hold_all_that_changes_an_answer():
    model = EchoModel("fake:one")
    signatures = {
        ClosedBook(model, SETTINGS, "Acme").signature,
        ClosedBook(EchoModel("fake:two"), SETTINGS, "Acme").signature,
        ClosedBook(model, SETTINGS, "Other").signature,
        grounded(model).signature,
        grounded(model, min_support=0.6).signature,
        grounded(model, signature="store:2").signature,
        grounded(EchoModel("fake:two")).signature,
    }
    assert len(signatures) == 7
    assert grounded(model).signature == grounded(EchoModel("fake:one")).signature


def test_usage_of_an_abstention_is_nothing_but_time():
    usage = grounded(ScriptedModel([])).answer(Question("nothing?")).usage
    assert usage == Usage(seconds=usage.seconds)


# --- replies without an answer --------------------------------------------------------------------


class Ending(FunctionModel):
    """Says nothing, or nothing but `text`, and ends as it is told."""

    def __init__(self, reason, text="", reasoning="", detail=""):
        super().__init__(lambda _: text)
        self._end = {"finish_reason": reason, "reasoning": reasoning, "finish_detail": detail}

    def complete(self, conversations, max_tokens=None):
        return [replace(one, **self._end) for one in super().complete(conversations, max_tokens)]

    def stream(self, messages, max_tokens=None):
        completion = yield from super().stream(messages, max_tokens)
        return replace(completion, **self._end)


SILENT = [
    (Ending("length"), "length", "max_tokens"),
    (Ending("length", " \n\t"), "length", "max_tokens"),
    (Ending("length", "<think>Let me see"), "length", r"All that came was reasoning \(3 words\)"),
    (Ending("length", reasoning="Let me see"), "length", r"All that came was reasoning \(3 words\)"),
    (Ending("stop", "<think>Nine</think>\n"), "stop", "max_tokens"),
    (Ending("stop"), "ended without a word", "chat template"),
    (Ending("content_filter"), "content_filter", "filter at the endpoint"),
    (Ending("tool_calls"), "called a tool", "without tools"),
    (Ending("refusal", detail="I cannot help."), "'I cannot help.'", "another model"),
    (Ending("other", detail="max_time"), "'max_time'", "log"),
]
ASKED = Question("What does Brook cost?")


@pytest.mark.parametrize(("model", "reason", "remedy"), SILENT)
def test_an_empty_reply_is_an_error_with_its_finish_reason_and_not_an_abstention(model, reason, remedy):
    for answerer in (ClosedBook(model, SETTINGS, "Acme"), grounded(model)):
        for ask in (answerer.answer, lambda question, answerer=answerer: list(answerer.stream(question))):
            with pytest.raises(ModelFailed, match=reason) as raised:
                ask(ASKED)
            assert re.search(remedy, str(raised.value))


@pytest.mark.parametrize(("model", "reason", "remedy"), SILENT)
def test_an_empty_reply_in_a_batch_fails_alone(model, reason, remedy):
    for answerer in (ClosedBook(model, SETTINGS, "Acme"), grounded(model)):
        failures = answerer.answer_many([ASKED, ASKED])
        assert all(isinstance(each, Failure) for each in failures)
        assert re.search(reason, failures[0].reason)
        assert re.search(remedy, failures[0].reason)
    some = FunctionModel(lambda conversation: "" if "Pebble" in conversation[-1].content else "Brook costs €9.")
    answers = ClosedBook(some, SETTINGS, "Acme").answer_many([ASKED, Question("And Pebble?"), ASKED])
    assert [type(each) for each in answers] == [Answer, Failure, Answer]
    assert some.batches == [3]  # nothing is asked twice


def test_a_stream_without_pieces_and_without_completion_is_no_answer():
    class Mute(EchoModel):
        def stream(self, messages, max_tokens=None):
            return iter([])

    with pytest.raises(ModelFailed, match="gave no answer"):
        list(ClosedBook(Mute(), SETTINGS, "Acme").stream(ASKED))


@pytest.mark.parametrize("reply", ["[7]", "[4] [5]", "[9]."])
def test_a_reply_of_made_up_citations_is_not_turned_into_an_abstention(reply):
    answer = grounded(ScriptedModel([reply])).answer(ASKED)
    assert not answer.abstained
    assert answer.citations == ()
    assert answer.text.strip()


# --- reasoning ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        "<think>The passage says nine.</think>\n\nBrook costs €9 [1].",
        "The passage says nine.\n</think>\nBrook costs €9 [1].",
        "[THINK]The passage says nine.[/THINK]Brook costs €9 [1].",
        "<|channel|>analysis<|message|>The passage says nine.<|end|><|start|>assistant<|channel|>final<|message|>"
        "Brook costs €9 [1].",
    ],
)
def test_reasoning_that_a_model_leaves_in_its_text_is_kept_apart(reply):
    for ask in ("answer", "stream", "answer_many"):
        answerer = grounded(FunctionModel(lambda _: reply))
        if ask == "answer":
            answer = answerer.answer(ASKED)
        elif ask == "stream":
            answer = list(answerer.stream(ASKED))[-1].answer
        else:
            (answer,) = answerer.answer_many([ASKED])
        assert (answer.text, answer.reasoning) == ("Brook costs €9 [1].", "The passage says nine.")


def test_a_completions_reasoning_and_adjustments_reach_the_answer():
    class Apart(FunctionModel):
        def complete(self, conversations, max_tokens=None):
            usage = Usage(5, 9, reasoning_tokens=7)
            return [Completion("Brook costs €9.", usage, "stop", "Nine.", adjusted=("`temperature` left out",))]

    for answerer in (ClosedBook(Apart(lambda _: ""), SETTINGS, "Acme"), grounded(Apart(lambda _: ""))):
        answer = answerer.answer(ASKED)
        assert (answer.reasoning, answer.usage.reasoning_tokens) == ("Nine.", 7)
        assert answer.adjusted == ("`temperature` left out",)


@pytest.mark.parametrize(
    "changed",
    [
        {"also_unknown": ["Da bin ich überfragt."]},
        {"unknown": "No idea."},
        {"also_unknown": ["Sorry"], "unknown": "No."},
    ],
)
def test_the_signature_changes_with_what_counts_as_an_abstention(changed):
    """Else answers that other rules took in would be reused as equal."""
    settings, model = (SETTINGS, AssistantSettings(**changed)), EchoModel()
    closed = [ClosedBook(model, each, "Acme").signature for each in settings]
    open_book = [Grounded(model, Retrieval(), each, "Acme", 0.5).signature for each in settings]
    assert closed[0] != closed[1]
    assert open_book[0] != open_book[1]
    assert all(RULE in signature for signature in (*closed, *open_book))


@pytest.mark.parametrize("reply", ["[7]", "[7] [8]", " [9]\n"])
def test_nothing_but_citations_that_do_not_hold_is_no_abstention(reply):
    answer = grounded(ScriptedModel([reply])).answer(Question("What does Brook cost?"))
    assert not answer.abstained
    assert says_nothing(answer, "What does Brook cost?")


def test_halves_of_characters_in_a_reply_are_no_failure():
    for answerer in (
        ClosedBook(ScriptedModel(["9 euros \ud83e"]), SETTINGS, "Acme"),
        grounded(ScriptedModel(["9 \ud83e"])),
    ):
        answer = answerer.answer(Question("What does Brook cost, caf\udce9?"))
        assert answer.text.endswith("\ufffd")
