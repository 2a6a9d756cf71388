"""Replies that say "I do not know" in many words, and answers that look like one.

None of these are from the labelled data: those stand in test_labelled_replies.py.
"""

import time

import pytest

from groundtune.reply import asks_back, says_unknown, without_content
from groundtune.settings import AssistantSettings

UNKNOWN = AssistantSettings().unknown

ABSTENTIONS = """\
I'm afraid I don't have details on that.
That isn't covered in the documents.
The passages don't say.
I couldn't find any information about that.
I could not find an answer to your question in the documents.
Based on the provided context, there is no mention of a student discount.
I'm not sure.
I'm not certain about that, sorry.
No information is available about the opening hours.
Unfortunately, this isn't something the documentation covers.
I don't have that information. Is there anything else I can help you with?
I have no idea.
No idea, sorry!
I can't answer that.
I'm unable to answer this question from the passages.
The provided passages do not contain the price of the Lake plan.
None of the documents mention a refund for gift cards.
The documents discuss roaming and prices, but not the cancellation period.
The passages only talk about Brook. They do not mention Lake.
It is not specified in the passages how long delivery takes.
The context does not provide enough information to answer the question.
There is not enough information in the passages to say.
Sorry, I don't know. Please contact our support team on 2255.
I don't know. You can ask our team in the chat.
We do not have information on that. Please visit our website for more.
I wasn't able to find anything about that in the sources.
I don't see any mention of parking in the documents.
I looked through the documents and found nothing about pets.
I checked the manual, but I could not find the answer.
That's beyond what I know.
This question is outside the scope of the provided documents.
Regrettably, I lack the information needed to answer this.
To be honest, I don't know.
Hmm, I really don't know.
I do not know when the shop opens.
I'm not aware of any such offer.
As an AI, I don't have access to your account.
I cannot help with that request.
I must decline to answer.
I'm sorry, but I can't assist with that.
I would rather not answer that.
We don't know yet.
Nothing in the documents answers this.
The answer is not in the documents.
It is unclear from the passages whether pets are allowed.
The text does not state who founded the company.
This cannot be determined from the given context.
Your question cannot be answered with the information provided.
There's no info on this in the knowledge base.
There is no answer to that in the passages [1][2].
**I don't know.**
“I do not know.”
i dont know
I can’t find that in our help pages, sorry. Could you ask in the shop?
The sources I have don't mention it.
Not mentioned in the passages.
Unknown.
I don't have any knowledge of that.
Apologies, but that information is not available in the documents I have.
I do not have enough context to answer. Please provide more details.
My knowledge does not include prices after 2023.
It's impossible to say from the passages.
I'm sorry, I don't have an answer for you. Let me know if I can help with something else.
I'm afraid not: I do not have that data.
The document doesn't specify the warranty period.
According to the passages, there is no information about a free trial.
While the documents describe the Brook plan, they do not mention a discount for students.
The information you are asking for is not included in the provided documents.
I have no information about that, but our team on 2255 may know.
Unfortunately I'm not able to tell you that.
Passage 1 covers billing and passage 2 covers roaming. Neither of them says how to cancel.
I'm not familiar with that product.
I don't think the documents cover this.
You've got me there, I don't know.
I do not have a phone number for them.
There doesn't seem to be any information on this topic in the documents.
It doesn't look like the documents cover that.
The passages are silent on this.
I was unable to locate that in the provided material.
We couldn't find an answer to your question.
I haven't found anything about that.
I've no details about this, sorry.
Details about this are not given in the documentation.
The documentation makes no mention of that.
No mention is made of this in the documents.
I can't say.
I can't tell from the documents.
That's not something I can answer.
That is something I don't know.
What it costs I do not know.
How long it takes is not mentioned in the passages.
I'm sorry, that's not in my documents.
The provided text contains no information about this.
The passages provide no details on the price.
The passages give no answer.
I have not been given any information about that.
I haven't been trained on that.
I don't have real-time data.
I wish I could help, but I don't have that information.
Sorry, but this falls outside my area of expertise.
Sorry, no information found.
No relevant passages were found.
No answer could be found in the documents.
None of the passages answer the question.
Not enough information.
The question can't be answered based on the passages.
Based on the documents, I cannot determine the price.
I don't know the answer to that question, but I can connect you with an agent.
I am not able to find it. Have you tried our website?
I don't have this information at hand; please call 2255.
Documentation doesn't cover this.
The knowledge base has no entry on this.
Our records do not show this.
No relevant information was found.
I could find no information about this in the documents.
I found no mention of it.
I'm sorry, but this information isn't provided.
The answer isn't given in the text.
It's not stated.
It isn't mentioned anywhere.
The context given doesn't answer the question.
This is not addressed in the documents.
Sorry, that's outside what I can help with.
I'm not able to answer that with the information I have.
I am unsure.
I haven't got that information.
I have insufficient information to answer.
I don't believe this is covered in the documents.
It seems the documents don't mention it.
There are no details about that.
I can't provide an answer.
I cannot give you an answer based on the documents.
Can't say.
Don't know.
Don't know, sorry.
Not sure, sorry.
Cannot answer.
Cannot determine from the context.
Not found in the documents.
Information not available.
Insufficient information.
Insufficient context to answer this question.
I am afraid the documents are silent on this point.
My sources don't mention that.
Nothing about that in the documents.
I have no record of that.
We have no information about that at the moment.
This is something I cannot answer.
Your question goes beyond the documents I have.
I'd need more information to answer that.
Unfortunately, I couldn't locate any details regarding the cancellation fee.
Unfortunately, the documents provided don't include information about pet policies.
The available documentation does not specify this.
From the passages, it is not possible to determine the price.
It is not possible to tell from the passages how much it costs.
I regret that I do not have that information.
I apologize, but I am unable to find the answer in the given context.
I'm sorry, but the passages don't contain information about that topic.
Sorry — I don't know.
Sorry! I don't know that one.
I don't know, and the documents don't say.
I don't know; the passages do not mention it.
Neither passage mentions the price.
Neither of the passages mentions the price.
Passage [1] does not mention it, and neither does passage [2].
I am not certain. You may want to check with your provider.
That detail isn't in the material I was given.
I can't confirm that.
I can neither confirm nor deny that.
There's nothing in the documents about that.
There is nothing about it here.
The documents I have access to don't cover this topic.
The documents I was provided with do not contain this information.
I was not able to find an answer.
We were unable to find an answer to this.
This information is not provided in the context.
That information is missing from the documents.
That is not documented.
The price isn't listed in the documents.
Lake's price is not mentioned.
The exact date has not been specified.
I don't have the answer to that.
I don't possess that information.
I do not currently have any information regarding this.
At this time, I do not have that information.
Good question! I don't know.
Thank you for your question. Unfortunately, I do not have that information.
Hi there! I'm sorry, I don't have that information. Have a nice day!
I do not know. Is there anything else you would like to know?
I am only able to answer questions about our products.
I can only answer questions about telecom.
It's not something I know.
The information needed to answer this question is not in the passages.
The given passages do not directly answer the question.
The passages do not explicitly mention the price.
The passages mention Brook and Lake, but do not give their prices.
The passages mention prices for Brook and Lake but not for Pond.
The passage is about roaming and doesn't mention parking.
Based on the information provided, I can't answer this.
Based on the documents provided, there isn't any information about that.
As far as I can see, the documents do not mention this.
As far as I can tell, no document covers this.
I do not know that. Please call us.
I don't have that information. Please ask our team on 2255 or in the Tirvane Pocket chat.
I'm just an assistant and do not have that information.
Who founded it is not mentioned in the passages.
If there is a fee, I don't know about it.
I'm sorry, I don't have enough information to answer that. If you give me more details, I can try to help.
Unable to answer.
Unable to find this in the documents.
No answer.
N/A
I'm afraid I don't have details on that
I don't have any details about this.
I have no details on that.
That isn't mentioned.
The provided passages don't mention anything about parking.
Sorry, but the information you're looking for isn't in the documents.
I can't seem to find that.
I couldn't find anything on that topic.
This topic isn't covered by the documentation.
The documentation doesn't seem to cover this.
I'm sorry, I am not able to help with this.
The context doesn't mention a student discount.
There's no mention of a student discount in the provided context.
Based on the context, I don't know.
From the given documents I cannot tell.
My documents don't say anything about that.
I do not have access to that information.
I'm not aware of a policy on that.
Unfortunately, there's nothing about that in our documentation.
It's unclear from the documents.
The documents provide no information on that.
I've searched the documents but found nothing relevant.
I don't know the answer.
I don't know, I'm sorry.
I'm unsure about that.
I'm uncertain.
It isn't clear from the passages how much it costs.
No idea what that costs.
I have not found an answer to this question in the provided passages.
I was not given that information.
The answer to this question is not in the provided documents.
None of the provided passages contain information about this.
The passages provided do not contain enough information to answer the question.
I don't have enough information to answer this question accurately.
This isn't something I can help with.
That's not something our documents cover.
I'm not in a position to answer that.
I don't think I can answer that.
I do not have sufficient information.
The requested information is not available.
The document does not provide this information.
The text doesn't say.
The passages do not specify the exact date.
Not stated in the text.
That wasn't in the documents I was given.
I can't find an answer.
I can't give you that information.
I am sorry, I can not find any information related to that.
We don't have any information on that.
Our documents don't cover that.
I'm sorry, but I couldn't find any relevant information in the provided documents to answer your question.
Based on the information available to me, I can't say when it opens.
The given context has no information on this.
It doesn't say.
They don't say.
It is not mentioned in the text who wrote it.
I don't see that in the documents.
I do not see an answer to that here.
I haven't a clue.
Beats me.
I wouldn't know.
You would have to ask our support team; I do not have that information.
You'll need to contact support for that, as I don't have this information.
For this you should ask the shop. I don't know.
I cannot provide an answer based on the given passages.
I cannot find the answer in the documents. The documents are about roaming.
The passages only discuss the price of Brook, so I can't say what Lake costs.
The documents do not contain this information. They only cover domestic plans.
The passages do not mention Lake. They describe the Brook and Pebble plans.
"""

ANSWERS = """\
It costs €9, but I do not know since when.
I don't know why it failed, but you can restart the router with the button at the back.
I do not know the exact date, but delivery takes three to five days.
Brook costs €9 a month.
I know that Brook costs €9.
I'm not sure, but I think it costs €9.
I'm not sure when it opens. The shop on Mill Lane opens at nine.
The documents do not need to be signed.
We do not have knowledge tests: anyone may join.
No information is given to others.
Sorry for the delay: it takes 3 days.
If you do not know your PIN, dial 2200.
We cannot refund gift cards.
We are unable to ship to Norway.
We don't have that in stock.
We do not have a shop in Leeds.
No.
No, you cannot return gift cards.
There is no fee for refunds.
There is no notice period.
Unfortunately, the offer ended in May.
I'm afraid the shop is closed on Sundays.
I'm sorry to hear that. Press the reset button for ten seconds.
Water damage is not covered.
VAT is not included in the price.
The plan is not available in Norway.
You do not have to register.
Customers who do not know their number can call 2255.
The error means that the router could not find the network.
If the app cannot find your device, restart it.
That is not possible.
I don't think so.
Nobody knows who built it, but it was finished in 1890.
The passages say that Brook costs €9 a month. They do not say since when.
Yes. I don't have the exact figure, but it is more than 100.
The manual explains it: hold the button for five seconds.
You can't, but you can exchange it in the shop.
None of our plans has a data cap.
It does not include roaming.
They do not offer refunds after 30 days.
You need information about your account. There is no charge.
Never share your PIN. We do not know it and will never ask for it.
I do not know of a charger, but the box contains a cable of one metre.
The data is not available to third parties.
There is no information leaflet in the box.
The contract ends if we cannot find a technician within 30 days.
To reset it, hold the button. If that does not help, contact support.
Contact our support team on 2255.
See the price list on our website.
The policy does not cover theft.
The guide does not cost anything.
We can't access your password, so reset it under Settings > Account.
Your router cannot be found because Wi-Fi is switched off.
I cannot stress enough that the PIN must be kept secret.
The file does not contain macros.
Paris.
I'm not sure about the price. It may be 9 euros.
The answer is no: dogs are not allowed.
Unlike Brook, Lake has no details page, but it costs €12.
There is no evidence that the modem slows the line down.
The bank cannot answer questions on your taxes.
The form has no information about you on it.
I do not have the exact figure. It is about 300 GB.
We are not allowed to open your parcels.
The sender is not known to the recipient.
Sorry, we can't deliver on Sundays.
I can't recommend the Brook plan for heavy users: take Lake.
It says "I do not know" when the code is wrong.
The assistant replies "I cannot find that" if the file is missing.
When the assistant does not know the answer, it says so.
I don't know the reason, but restarting the router helps in most cases.
I don't know who told you that. Refunds take ten days.
I can't say exactly, but it is usually two days.
I do not have a date. Delivery usually takes a week.
We don't know each other, so please give me your number: 2255.
No information is needed.
There is no information to enter: just press OK.
The passages do not agree: one says €9 and the other €12.
You will not find it in the documents folder; it is in Downloads.
The files are not deleted.
I'm sure it costs €9.
Not sure? Press 1 to hear it again.
Not only Brook but also Lake includes roaming.
Not yet.
Nothing.
None.
No one.
Never.
No data is collected.
No records are kept.
The data does not expire.
The record cannot be deleted.
The page cannot be found because it was moved to /help.
The guide is not free.
The information is not shared with advertisers.
That information is stored in Frankfurt.
You are not able to change your number online.
We do not share your data.
We cannot give you a discount.
We can't provide refunds for used cards.
We do not know of any outages, so restart your modem first.
I have no objection to that.
It does not say anything on the label, but the battery is a CR2032.
It's not clear which came first, but most sources say 1890.
If the document does not mention a date, it is valid for a year.
It costs nothing.
There's no limit.
There is no answer key; the exercises are not graded.
Access to the documents is not allowed.
Sorry, gift cards cannot be refunded.
Sorry, that offer ended in May.
Unfortunately not: Lake has no roaming.
He did not know the answer.
The police could not find him.
She said that she could not answer.
Einstein did not know about quarks.
The treaty does not mention slavery.
Scientists do not know why.
You cannot: the form is only for staff.
I don't have to sign anything, do I? No, you do not.
We're not sure when it comes back in stock; we expect May.
Unknown callers are blocked after three attempts.
Ask for the "I do not know" option.
Do not know your PIN? Dial 2200.
Your card may not be known to the system, so register it first.
Yes, but I don't know the exact amount.
9
Yes
I don't know the exact price, but Brook is cheaper than Lake.
I couldn't find the date, but the fee is €5.
The documents don't mention Lake, but Brook costs €9.
I can't say for sure. It usually takes three days.
The passages don't state it directly, but 30 days is the usual limit.
You don't have to know your PIN.
It is not necessary.
We don't know your PIN and never ask for it.
We don't have shops abroad.
No, there's no charge.
No information about you is sold.
The app does not show prices.
This does not include VAT.
He couldn't find the key.
It's not clear-cut: the fee depends on the plan.
I don't recommend it.
I don't agree.
I wouldn't worry: the fee is refunded.
The sender can't be identified.
Dogs are not mentioned in the rules, so they are allowed.
The answer is not 5 but 6.
There are no results for players from Spain before 1990.
No records of the battle survive.
The manual says that you cannot find the serial number on the box.
The form cannot be found in shops, only online.
I was unable to walk for a week, wrote the author.
We cannot give refunds.
We are not able to deliver on Sundays.
There's no documentation fee.
The reference number is not on the bill.
Not in Norway.
It's not in the box.
The details are in the contract.
No documents are needed.
You do not need any documents.
The documents are not needed.
The documents cannot be returned.
Documents that do not mention the date are valid.
The information is not public.
"""

QUESTIONS_BACK = """\
Which ocean do you mean?
Are you asking about Brook, Lake, or another plan?
Could you tell me which router you have?
I'm not sure which plan you mean. Do you mean Brook or Lake?
Which index fund are you referring to?
Is that for a business or a private line?
I'm not sure what you mean. Could you say which device it is about?
"""


@pytest.mark.parametrize("reply", ABSTENTIONS.splitlines())
def test_abstentions_in_any_wording(reply):
    assert says_unknown(reply, UNKNOWN)


@pytest.mark.parametrize("reply", ANSWERS.splitlines())
def test_answers_that_look_like_abstentions(reply):
    assert not says_unknown(reply, UNKNOWN)


@pytest.mark.parametrize("reply", QUESTIONS_BACK.splitlines())
def test_questions_back_are_no_abstentions(reply):
    assert not says_unknown(reply, UNKNOWN)


@pytest.mark.parametrize("blank", ["", " ", "\n", "…", "**"])
def test_nothing_is_no_abstention(blank):
    assert not says_unknown(blank, UNKNOWN)


@pytest.mark.parametrize(
    ("denial", "content"),
    [
        ("I don't know why it failed", "you can restart the router with the button at the back"),
        ("I'm not sure when it was", "it was before 1890"),
        ("The passages don't give the price", "the Lake plan costs more than Brook"),
        ("I can't help with that directly", "you can reset it under Settings > Account"),
    ],
)
@pytest.mark.parametrize(
    "shape", ["{denial}, but {content}.", "{denial}. {content}.", "{content}. {denial}.", "{denial}; {content}"]
)
def test_content_beside_a_denial_makes_an_answer_wherever_it_stands(denial, content, shape):
    assert says_unknown(f"{denial}.", UNKNOWN)
    assert not says_unknown(shape.format(denial=denial, content=content), UNKNOWN)


@pytest.mark.parametrize("denial", ["I don't have that information", "I could not find it", "The documents do not say"])
@pytest.mark.parametrize(
    "aside",
    [
        "Is there anything else I can help you with?",
        "Please contact our support team on 2255.",
        "You may want to ask your bank.",
        "Sorry for the inconvenience!",
        "If you have other questions, let me know.",
    ],
)
def test_offers_and_referrals_change_nothing(denial, aside):
    assert says_unknown(f"{denial}. {aside}", UNKNOWN)


def test_the_projects_own_sentences_count_in_any_language():
    assert says_unknown("Da bin ich überfragt.", "Da bin ich überfragt. Fragen Sie uns.")
    assert says_unknown("Da bin ich überfragt. Fragen Sie uns.", "Da bin ich überfragt. Fragen Sie uns.")
    assert says_unknown("Leider steht das nicht in den Unterlagen.", UNKNOWN, ["Leider steht das nicht"])
    assert says_unknown("Desculpe, não sei.", UNKNOWN, ["Desculpe"])
    assert not says_unknown("Da bin ich überfragt.", UNKNOWN)
    assert not says_unknown("Leiderstein ist ein Ort.", UNKNOWN, ["Leider"])
    assert not says_unknown("Brook costs €9.", "")


def test_own_sentences_in_english_go_by_the_whole_reply_too():
    own = "I do not know that. Please call us."
    assert says_unknown("I do not know that. Please call us.", own)
    assert not says_unknown("I do not know that it broke, but you can send it in for a repair.", own, ["I do not know"])


@pytest.mark.parametrize(
    "piece",
    ["very ", "the documents in ", "in ", "in the documents of the shop ", "you can ", "sorry, ", "a", ". ", "no "],
)
def test_odd_replies_take_no_time(piece):
    reply = (piece * 4000)[:3999]
    started = time.perf_counter()
    says_unknown(reply, UNKNOWN)
    asks_back(reply, "Why?")
    without_content(reply, "Why?")
    assert time.perf_counter() - started < 5, "not the seconds, but that it is no matter of minutes"
