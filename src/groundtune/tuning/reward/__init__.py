"""The reward model of RLHF: what people judged, which of it is held out, how good the model is, and how it is trained.

Not itself a technique: `rlhf.py` uses it.
"""
