"""From a question to an answer with checked citations, or to an honest "I do not know"."""
