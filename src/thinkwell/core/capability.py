"""What an engine can do, and so what a method may need."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """What an engine can do beyond writing a whole answer to a conversation. A method declares what it `needs`."""

    CONTINUE_PREFIX = "continue_prefix"  # go on from any prefix of ids or text
    RESUME_OWN = "resume_own"  # go on with a text it wrote itself under the same key (implied by continue_prefix)
    TOKEN_IDS = "token_ids"  # gives and takes vocabulary ids
    LOGPROBS = "logprobs"  # log-prob of each sampled token
    PEEK = "peek"  # next-token log-probs of a prefix
    SCORE = "score"  # log-probs of given tokens
    LOGITS = "logits"  # hooks on the logits of every step
    TOKEN_BIAS = "token_bias"  # a bias on some tokens that follows the position (implied by logits)
    HIDDEN = "hidden"  # hidden states
    GRADIENTS = "gradients"
    TREE_VERIFY = "tree_verify"  # one forward over a tree of drafts
    FRESH_SAMPLES = "fresh_samples"  # writes new text (a replay engine does not)
    CHAT_ONLY = "chat_only"  # nothing but conversations; excludes most of the above
