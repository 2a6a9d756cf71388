"""Questions back, and replies that only end in a question or look like one."""

import pytest

from groundtune.reply import asks_back

ASKED = "What is the largest ocean?"
QUESTIONS_BACK = [
    "Which ocean do you mean?",
    "Are you asking about SDKs like the React SDK, Server-side SDKs, or Client-side SDKs? Or another?",
    "Do you mean Brook or Lake?",
    "Could you tell me which router you have?",
    "Could you please clarify your question",
    "I'm not sure which plan you mean. Do you mean Brook or Lake?",
    "I'm not sure which plan you mean.",
    "We have two plans, Brook and Lake. Which one do you mean?",
    "Sure! Which plan are you on?",
    "It depends on your plan. Which one do you have?",
    "There are several routers. Which model is yours?",
    "Please specify which card you are referring to.",
    "Which one?",
    "Brook or Lake?",
    "For which year?",
    "I need more information. Which device do you use?",
    "Happy to help! What is your order number?",
    "Which plan do you mean?\n- Brook\n- Lake",
    "Which plan are you asking about: Brook, Lake or Pond?",
    "Can you be more specific?",
    "Your question is ambiguous. Do you mean the price or the speed?",
    "I don't have enough information to answer. Could you specify which ocean you mean?",
    'What do you mean by "performance"?',
    "Is this about roaming in the EU?",
    "To help you, I need to know which plan you have.",
    "Welchen Ozean meinen Sie?",
    "In welchem Land sind Sie unterwegs?",
    "Sorry, which company are you talking about?",
    "May I ask which country you are travelling to?",
    "Thanks for your question! Are you asking about private or business customers?",
    "Did you mean the Trial plan, the Standard plan, or something else?",
]
OTHERS = [
    "Brook costs €9. Is there anything else I can help you with?",
    "It takes ten days. Do you have any other questions?",
    "The Pacific is the largest ocean.",
    "I don't know.",
    "I don't have that information. Would you like me to connect you with an agent?",
    "I don't have that information. Is there anything else?",
    "How can I help you?",
    "Is there anything else I can help you with?",
    "Have you tried restarting the router?",
    "Why restart? Because it helps.",
    "Which plan do you mean? If you mean Brook, it costs €9.",
    "Brook costs €9. Which plan do you have?",
    "It costs €9, doesn't it?",
    "Paris?",
    "What is the largest ocean?",
    "The answer is:",
    "Yes.",
    "Please contact support.",
    "Would you like to know more?",
    "Let me know if you have any other questions.",
    "See the passages above.",
]


@pytest.mark.parametrize("reply", QUESTIONS_BACK)
def test_questions_back(reply):
    assert asks_back(reply, ASKED)


@pytest.mark.parametrize("reply", OTHERS)
def test_what_is_no_question_back(reply):
    assert not asks_back(reply, ASKED)


@pytest.mark.parametrize(
    "question", ["Which ocean do you mean?", "Are you asking about Brook?", "Do you ship to Norway?"]
)
def test_the_question_once_more_is_no_question_back(question):
    assert asks_back(question, ASKED)
    assert not asks_back(question, question)
    assert not asks_back(question.lower().rstrip("?"), question)


@pytest.mark.parametrize("blank", ["", " ", "?", "…"])
def test_nothing_is_no_question_back(blank):
    assert not asks_back(blank, ASKED)
