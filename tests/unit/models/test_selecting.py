"""What models reply when they are offered actions: garbage is no call, and what is refused is asked otherwise."""

import json

import pytest

from groundtune.calls import MOST_ACTIONS
from groundtune.errors import ModelFailed
from groundtune.http import Backoff
from groundtune.models._offers import CALL_TOKENS, Offer, is_closed
from groundtune.models.bedrock import Bedrock
from groundtune.models.openai_compatible import OpenAICompatible
from groundtune.models.selecting import PER_QUESTION, selecting
from groundtune.settings import ModelSettings
from groundtune.testing import bedrock as aws
from groundtune.testing.endpoint import LocalEndpoint, Response, called, error, in_turn, said
from groundtune.testing.fakes import FunctionModel, ScriptedSelector
from groundtune.testing.selecting import CHANGE_PLAN, NETWORK_STATUS, PAY_BILL, REPORT
from groundtune.values import ActionCall, ActionSchema, Completion, Message, Selection, ToolCall, Usage

ACTIONS = (CHANGE_PLAN, PAY_BILL, NETWORK_STATUS)
WISH = (Message("user", "Pay 12.50 euros of bill B-77, please."),)
PAID = {"bill": "B-77", "euros": 12.5}
PAYS = ActionCall("pay_bill", PAID)
SAYS = Completion("I can help with that.", Usage(12, 6))
# name, text of the arguments, what the reason says
GARBAGE = [
    ("pay_bills", json.dumps(PAID), "no action 'pay_bills'"),
    ("PAY_BILL", json.dumps(PAID), "no action 'PAY_BILL'"),
    ("no_action", "{}", "no action 'no_action'"),
    ("", "{}", "no action ''"),
    ("x" * 100_000, "{}", "no action 'xxx"),
    ("pay_bill", "", "'bill' is a required property"),
    ("pay_bill", "pay it", "no JSON"),
    ("pay_bill", json.dumps(PAID)[:-1], "no JSON"),
    ("pay_bill", json.dumps([PAID]), "no JSON object"),
    ("pay_bill", '{"bill": "B-77", "euros": NaN}', "hold what JSON cannot"),
    ("pay_bill", '{"bill": "B-77", "euros": Infinity}', "hold what JSON cannot"),
    ("pay_bill", '{"bill": "\\ud800", "euros": 1}', "hold what JSON cannot"),
    ("pay_bill", json.dumps({**PAID, "note": "x" * 1_000_000}), "characters, more than"),
    ("pay_bill", json.dumps({**PAID, "euros": 5000}), "greater than the maximum"),
    ("pay_bill", json.dumps({**PAID, "approved": True}), "unexpected"),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in {"NO_PROXY": "127.0.0.1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def openai():
    """Start an endpoint that gives these responses; return the model and the endpoint."""
    running = []

    def start(*responses, respond=None, **settings):
        endpoint = LocalEndpoint(respond or in_turn(*responses)).__enter__()
        running.append(endpoint)
        name = f"openai:m@{endpoint.url}"
        return OpenAICompatible(ModelSettings(name=name, **settings), Backoff(attempts=1)), endpoint

    yield start
    for endpoint in running:
        endpoint.__exit__(None, None, None)


@pytest.fixture
def bedrock(monkeypatch):
    """The same for Bedrock."""
    running = []

    def start(*responses):
        endpoint = LocalEndpoint(in_turn(*responses)).__enter__()
        running.append(endpoint)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.url.removesuffix("/v1"))
        return Bedrock(ModelSettings(name="bedrock:m@eu-west-1"), Backoff(attempts=1)), endpoint

    yield start
    for endpoint in running:
        endpoint.__exit__(None, None, None)


# --- tool calls of an endpoint ----------------------------------------------------------------------


def test_a_tool_call_is_asked_for_and_read(openai):
    model, endpoint = openai(called(("pay_bill", json.dumps(PAID)), text="One moment."))
    assert model.select([WISH], ACTIONS) == [Selection(PAYS, "One moment.", Usage(9, 5))]
    body = endpoint.requests[0].body
    assert body["tool_choice"] == "auto"
    assert body["max_tokens"] == CALL_TOKENS
    assert [tool["function"]["name"] for tool in body["tools"]] == ["change_plan", "pay_bill", "network_status"]
    assert body["tools"][1]["function"]["parameters"] == PAY_BILL.parameters


def test_strict_is_asked_for_where_a_schema_allows_it(openai):
    model, endpoint = openai(said(SAYS))
    model.select([WISH], ACTIONS)
    strict = [tool["function"].get("strict") for tool in endpoint.requests[0].body["tools"]]
    assert strict == [True, None, True]  # `note` of pay_bill may be left out
    assert "strict" not in endpoint.requests[0].body


def test_the_names_of_actions_are_sent_as_the_api_takes_them(openai):
    actions = [
        ActionSchema(name, "", {"type": "object"}) for name in ("a.b", "a b", "a_b_1", "no_action", "x" * 80, "ä")
    ]
    model, endpoint = openai(called(("a_b_2", "{}")), called(("no_action_2", "{}")), called(("_", "{}")))
    calls = [model.select([WISH], actions)[0].call.action for _ in range(3)]
    assert calls == ["a b", "no_action", "ä"]
    names = [tool["function"]["name"] for tool in endpoint.requests[0].body["tools"]]
    assert names == ["a_b", "a_b_2", "a_b_1", "no_action_2", "x" * 64, "_"]


def test_names_that_are_alike_at_their_beginning_stay_apart():
    named = ["x" * 61 + "_2", "x" * 64, "x" * 65, "x" * 66, ""]
    offer = Offer.of([ActionSchema(name, "", {"type": "object"}) for name in named])
    assert [action.name for action in offer.by_name.values()] == named
    assert all(0 < len(name) <= 64 for name in offer.by_name)


def test_words_are_no_call(openai):
    model, _ = openai(said(SAYS))
    assert model.select([WISH], ACTIONS) == [Selection(None, SAYS.text, SAYS.usage)]


@pytest.mark.parametrize(("name", "arguments", "reason"), GARBAGE)
def test_garbage_is_no_call_and_says_why(openai, name, arguments, reason):
    model, _ = openai(called((name, arguments), text="I pay it."))
    (selection,) = model.select([WISH], ACTIONS)
    assert selection.call is None
    assert selection.reply.startswith("I pay it.\n(This was no valid call: ")
    assert reason in selection.fault
    assert selection.fault in selection.reply
    assert len(selection.reply) < 1000


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_a_call_that_is_cut_off_is_none_even_if_it_fits(openai, finish):
    model, _ = openai(called(("pay_bill", json.dumps(PAID)), finish=finish))
    (selection,) = model.select([WISH], ACTIONS)
    assert selection.call is None
    assert "cut off" in selection.reply


def test_several_calls_at_once_are_none(openai):
    model, _ = openai(called(("pay_bill", json.dumps(PAID)), ("pay_bill", json.dumps(PAID))))
    (selection,) = model.select([WISH], ACTIONS)
    assert selection.call is None
    assert "there are 2 at once" in selection.reply


@pytest.mark.parametrize(
    "message",
    [
        {"tool_calls": [{"function": {"name": "pay_bill", "arguments": PAID}}]},  # an object, as Ollama has it
        {"tool_calls": {"function": {"name": "pay_bill", "arguments": json.dumps(PAID)}}},
        {"function_call": {"name": "pay_bill", "arguments": json.dumps(PAID)}},
        {"tool_calls": [{"name": "pay_bill", "arguments": PAID}], "content": None},
    ],
)
def test_other_forms_of_a_call_are_read(openai, message):
    reply = {"choices": [{"message": {"role": "assistant", **message}, "finish_reason": "stop"}]}
    model, _ = openai(Response([json.dumps(reply).encode()]))
    assert model.select([WISH], ACTIONS)[0].call == PAYS


@pytest.mark.parametrize(
    "calls", ["pay_bill", 7, [None, 3], [["pay_bill"]], [{}], [{"function": "pay_bill"}], [{"function": {"name": {}}}]]
)
def test_calls_of_no_known_form_are_none(openai, calls):
    reply = {"choices": [{"message": {"role": "assistant", "tool_calls": calls}, "finish_reason": "tool_calls"}]}
    model, _ = openai(Response([json.dumps(reply).encode()]))
    (selection,) = model.select([WISH], ACTIONS)
    assert selection.call is None
    assert "no valid call" in selection.reply


def test_a_lone_surrogate_in_what_is_said_does_not_reach_the_history(openai):
    reply = {"choices": [{"message": {"content": "So \ud800 be it."}, "finish_reason": "stop"}]}
    model, _ = openai(Response([json.dumps(reply).encode()]))
    assert model.select([WISH], ACTIONS)[0].reply == "So \ufffd be it."


def chunks(*deltas, finish="tool_calls"):
    """A reply that comes as a stream although none was asked for."""
    made = [{"choices": [{"delta": {"tool_calls": [delta]}}]} for delta in deltas]
    last = [{"choices": [{"delta": {}, "finish_reason": finish}]}] if finish else []
    return Response([f"data: {json.dumps(each)}\n\n".encode() for each in [*made, *last]])


def test_a_call_in_pieces_is_put_together_and_half_of_one_is_none(openai):
    text = json.dumps(PAID)
    first = {"index": 0, "id": "c1", "function": {"name": "pay_bill", "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": part}} for part in (text[:9], text[9:])]
    model, _ = openai(chunks(first, *rest), chunks(first, rest[0]), chunks(first, rest[0], finish=None))
    assert [model.select([WISH], ACTIONS)[0].call for _ in range(3)] == [PAYS, None, None]


# --- what an endpoint refuses -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        error(400, "registry.ollama.ai/library/gemma does not support tools"),
        error(400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
        error(400, "tools param requires --jinja flag"),
        error(404, "No endpoints found that support tool use."),
        Response([b'{"detail": [{"loc": ["body", "tools"], "msg": "Extra inputs are not permitted"}]}'], 422),
    ],
)
def test_where_tools_are_refused_the_reply_is_held_to_a_schema(openai, refusal):
    selected = said(Completion(json.dumps({"selection": {"action": "pay_bill", "arguments": PAID}}), Usage(40, 20)))

    def respond(request):
        return refusal if "tools" in request.body or "tool_choice" in request.body else selected

    model, endpoint = openai(respond=respond)
    assert [each.call for each in model.select([WISH, WISH], ACTIONS)] == [PAYS, PAYS]
    asked = len(endpoint.requests)
    assert model.select([WISH], ACTIONS)[0].call == PAYS
    assert len(endpoint.requests) == asked + 1  # what was refused is not asked again
    body = endpoint.requests[-1].body
    assert body["response_format"]["type"] == "json_schema"
    options = body["response_format"]["json_schema"]["schema"]["properties"]["selection"]["anyOf"]
    assert [option["properties"]["action"]["enum"][0] for option in options] == [
        *("change_plan", "pay_bill", "network_status"),
        "no_action",
    ]
    assert "pay_bill: Pay a bill" in body["messages"][0]["content"]


@pytest.mark.parametrize("shown", [False, True])
def test_tools_that_are_taken_and_dropped_are_noticed_by_the_length_of_the_prompt(openai, caplog, shown):
    """As transformers' own server does where the chat template has no place for tools; others show them to a model that
    only talks."""
    selected = json.dumps({"selection": {"action": "pay_bill", "arguments": PAID}})

    def respond(request):
        text = selected if "response_format" in request.body else "I would pay it."
        tools = 30 if shown and "tools" in request.body else 0
        return said(Completion(text, Usage(9 + tools, 5)))

    model, endpoint = openai(respond=respond)
    call = ToolCall("pay_bill", json.dumps(PAID), "call00000")
    paid = (*WISH, Message("assistant", "", (call,)), Message("tool", "paid", name="pay_bill", call="call00000"))
    for conversation in (WISH, paid):
        assert model.select([conversation], ACTIONS)[0].call == (None if shown else PAYS)
    bodies = [request.body for request in endpoint.requests]
    with_tools = ["tools" in body for body in bodies]
    assert with_tools == ([True, False, True] if shown else [True, False, False, False])
    assert ("is taken and ignored" in caplog.text) == (not shown)
    turns = json.dumps(bodies[-1]["messages"])
    assert ("tool_calls" in turns) == shown, "a template that drops tools drops calls as well"
    assert PAID["bill"] in turns


def test_references_within_a_schema_hold_where_it_is_put(openai):
    parts = {"$defs": {"sum": {"type": "number"}}, "properties": {"euros": {"$ref": "#/$defs/sum"}}}
    offer = Offer.of([CHANGE_PLAN, ActionSchema("pay", "", {"type": "object", **parts})])
    schema = offer.response_format["json_schema"]["schema"]
    reference = schema["properties"]["selection"]["anyOf"][1]["properties"]["arguments"]["properties"]["euros"]["$ref"]
    target = schema
    for step in reference.removeprefix("#/").split("/"):
        target = target[int(step)] if isinstance(target, list) else target[step]
    assert target == {"type": "number"}


@pytest.mark.parametrize(
    ("text", "call", "reply"),
    [
        (json.dumps({"selection": {"action": "no_action", "reply": "Which bill?"}}), None, "Which bill?"),
        (json.dumps({"action": "pay_bill", "arguments": PAID}), PAYS, ""),
        (f"```json\n{json.dumps({'selection': {'action': 'pay_bill', 'arguments': PAID}})}\n```", PAYS, ""),
        ("Which bill?", None, "Which bill?"),
        ('{"selection": 7}', None, '{"selection": 7}'),
        ('{"selection": {"action": "pay_all", "arguments": {}}}', None, "no action 'pay_all'"),
        ('{"selection": {"action": ["pay_bill"], "arguments": {}}}', None, "no action"),
        ('{"selection": {"action": "pay_bill", "arguments": {"euros": NaN}}}', None, "hold what JSON cannot"),
    ],
)
def test_a_reply_in_json_selects_or_says_something(openai, text, call, reply):
    model, _ = openai(error(400, "tools are not supported"), said(Completion(text, Usage(9, 5))))
    (selection,) = model.select([WISH], ACTIONS)
    assert selection.call == call
    assert reply in selection.reply


def test_a_reply_in_json_that_is_cut_off_selects_nothing(openai):
    text = json.dumps({"selection": {"action": "pay_bill", "arguments": PAID}})
    for cut in (text, text[:-1], text[:30]):
        model, _ = openai(error(400, "tools are not supported"), said(Completion(cut, Usage(9, 5), "length")))
        (selection,) = model.select([WISH], ACTIONS)
        assert selection.call is None
        assert "cut off" in selection.reply


def test_strict_schemas_that_are_refused_are_asked_for_without_strict(openai):
    refusal = error(400, "Invalid schema for function 'change_plan': In context=(), 'pattern' is not permitted.")

    def respond(request):
        strict = any(tool["function"].get("strict") for tool in request.body["tools"])
        return refusal if strict else called(("pay_bill", json.dumps(PAID)))

    model, endpoint = openai(respond=respond)
    assert model.select([WISH], ACTIONS)[0].call == PAYS
    assert len(endpoint.requests) == 2


def test_what_is_refused_for_another_reason_is_an_error(openai):
    model, endpoint = openai(error(400, "The model `m` is out of stock"))
    with pytest.raises(ModelFailed, match="out of stock"):
        model.select([WISH], ACTIONS)
    assert len(endpoint.requests) == 1


def test_an_endpoint_that_takes_neither_chooses_and_writes(openai):
    def respond(request):
        if {"tools", "response_format"} & request.body.keys():
            return error(400, f"unknown field: {'tools' if 'tools' in request.body else 'response_format'}")
        asked = request.body["messages"][-1]["content"]
        return said(Completion("2" if "its number" in asked else json.dumps(PAID), Usage(9, 5)))

    model, endpoint = openai(respond=respond)
    assert model.select([WISH], ACTIONS)[0].call == PAYS
    assert "2. pay_bill: Pay a bill, or a part of it." in endpoint.requests[-2].body["messages"][-1]["content"]


# --- Bedrock ------------------------------------------------------------------------------------------


def test_a_tool_use_is_asked_for_and_read(bedrock):
    model, endpoint = bedrock(aws.called(("pay_bill", PAID)))
    assert model.select([WISH], (*ACTIONS, ActionSchema("bare", "", {"type": "object"}))) == [
        Selection(PAYS, "", Usage(9, 5))
    ]
    body = endpoint.requests[0].body
    specified = [tool["toolSpec"] for tool in body["toolConfig"]["tools"]]
    assert specified[1] == {
        "name": "pay_bill",
        "description": PAY_BILL.description,
        "inputSchema": {"json": PAY_BILL.parameters},
    }
    assert specified[3] == {"name": "bare", "inputSchema": {"json": {"type": "object"}}}
    assert body["inferenceConfig"] == {"temperature": 0.0, "maxTokens": CALL_TOKENS}


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (aws.called(("pay_all", PAID)), "no action 'pay_all'"),
        (aws.called(("pay_bill", {"bill": "B-77"})), "required property"),
        (aws.called(("pay_bill", {**PAID, "note": "x" * 1_000_000})), "characters, more than"),
        (aws.called(("pay_bill", {**PAID, "note": "\ud800"})), "hold what JSON cannot"),
        (aws.called(("pay_bill", PAID), ("pay_bill", PAID)), "2 at once"),
        (aws.called(("pay_bill", PAID), stop="max_tokens"), "cut off"),
    ],
)
def test_what_bedrock_sends_is_checked(bedrock, response, reason):
    model, _ = bedrock(response)
    (selection,) = model.select([WISH], ACTIONS)
    assert selection.call is None
    assert reason in selection.reply


def test_a_bedrock_model_without_tools_chooses_and_writes(bedrock):
    denied = aws.refused(400, "ValidationException", "This model doesn't support tool use.")
    number, text = (aws.said(Completion(text, Usage(9, 5))) for text in ("2", json.dumps(PAID)))
    model, endpoint = bedrock(denied, number, text)
    assert model.select([WISH], ACTIONS)[0].call == PAYS
    assert ["toolConfig" in request.body for request in endpoint.requests] == [True, False, False]


# --- any chat model -------------------------------------------------------------------------------------


def test_a_model_that_selects_is_left_to_do_so():
    model = ScriptedSelector([])
    assert selecting(model) is model


class Numbers(FunctionModel):
    """Chooses these numbers in turn, and writes this."""

    def __init__(self, numbers, text, mass=1.0):
        super().__init__(lambda _: text, mass=mass)
        self.numbers = list(numbers)

    def weigh(self, messages, options):
        self._chosen = {str(self.numbers.pop(0)): 1.0}
        return super().weigh(messages, options)


def test_a_plain_model_chooses_a_number_and_writes_the_arguments():
    model = Numbers([2], json.dumps(PAID))
    chooser = selecting(model)
    assert chooser.select([WISH], ACTIONS)[0].call == PAYS
    numbered, written = (each[-1].content for each in model.asked)
    assert "0. none of them" in numbered
    assert "3. network_status: Tell whether" in numbered
    assert json.dumps(PAY_BILL.parameters) in written
    assert (chooser.name, chooser.signature) == (model.name, model.signature)


def test_a_plain_model_chooses_none():
    model = Numbers([0], "no")
    assert selecting(model).select([WISH], ACTIONS)[0].call is None
    assert len(model.asked) == 1


@pytest.mark.parametrize(("name", "arguments", "reason"), GARBAGE[5:])
def test_what_a_plain_model_writes_is_checked(name, arguments, reason):
    (selection,) = selecting(Numbers([2], arguments)).select([WISH], ACTIONS)
    assert selection.call is None
    assert "no valid call" in selection.reply


def test_a_plain_model_that_names_no_number_selects_nothing():
    (selection,) = selecting(Numbers([2], "It depends.", mass=0.2)).select([WISH], ACTIONS)
    assert selection.call is None
    assert "It depends." in selection.reply


def test_of_many_actions_the_winners_meet():
    actions = [ActionSchema(f"do_{number}", "", {"type": "object"}) for number in range(MOST_ACTIONS)]
    rounds = -(-MOST_ACTIONS // PER_QUESTION)
    model = Numbers([*[1] * rounds, 3], "{}")
    assert selecting(model).select([WISH], actions)[0].call == ActionCall(f"do_{2 * PER_QUESTION}")
    assert not model.numbers
    none = Numbers([0] * rounds, "{}")
    assert selecting(none).select([WISH], actions)[0].call is None


def test_which_schemas_strict_apis_take():
    assert is_closed(CHANGE_PLAN.parameters)
    assert not is_closed(PAY_BILL.parameters)
    assert not is_closed(REPORT.parameters)
    assert not is_closed({"type": "object"})
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    outer = {"type": "object", "properties": {"b": inner}, "required": ["b"], "additionalProperties": False}
    assert not is_closed(outer)


# --- scripts --------------------------------------------------------------------------------------------


def test_a_script_is_selected_step_by_step_and_runs_out():
    model = ScriptedSelector([PAYS, "Which bill?"])
    assert model.select([WISH], ACTIONS)[0].call == PAYS
    with pytest.raises(AssertionError, match="1 steps were never used, the first: 'Which bill\\?'"):
        model.assert_complete()
    assert model.select([WISH], ACTIONS)[0].reply == "Which bill?"
    model.assert_complete()
    with pytest.raises(ModelFailed, match="no steps left"):
        model.select([WISH], ACTIONS)


def test_a_script_cannot_call_what_is_not_offered():
    (selection,) = ScriptedSelector([PAYS]).select([WISH], [CHANGE_PLAN])
    assert selection.call is None
    assert "no action 'pay_bill'" in selection.reply
