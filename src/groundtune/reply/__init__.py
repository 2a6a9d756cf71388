"""What kind of reply a text is: an abstention, a question back, or words without content.

Pure, and the only place that decides it: answerers, scorers, reports and the command line ask here. Rules about
English wording, which tell what was said, never whether it is true.
"""

from groundtune.reply.abstention import RULE, says_unknown
from groundtune.reply.content import says_nothing, without_content
from groundtune.reply.question_back import asks_back

__all__ = ["RULE", "asks_back", "says_nothing", "says_unknown", "without_content"]
