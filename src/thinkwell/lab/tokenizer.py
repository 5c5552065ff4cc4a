"""The lab's tokenizer: whole words of the world, single digits, characters, and bytes for everything else.

A text is cut into pieces (a word with the space before it, one digit, a blank line, ...); a piece found in the vocabulary is one token,
any other falls to its characters and those to UTF-8 bytes. So every text encodes and decodes to itself.
"""

from __future__ import annotations

import re
import string
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from . import templates as T

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

START, END, PAD, THINK, UNTHINK = "<|im_start|>", "<|im_end|>", "<|pad|>", "<think>", "</think>"
SPECIAL = (PAD, START, END, THINK, UNTHINK)
PIECES = ("\n\n", "\n", " + ", " - ", " * ", " / ", " = ", ": ", ", ", ". ", "\\boxed{", " \\boxed{")
"""Pieces that are no words; the blank line is one token, so it can carry a step's score."""
PATTERN = r"\n\n|\n| [+\-*/=] |[:,.] (?=[0-9])| ?\\boxed\{| ?[A-Za-z_]+|[0-9]| |[^\sA-Za-z_0-9]"

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\n' + message['content'] -}}"
    "{{- '<|im_end|>' + '\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n<think>\n' -}}{%- endif -%}"
)


@cache
def words() -> tuple[str, ...]:
    """The word pieces of the world, in a fixed order: with a space before, and bare where they can start a line."""
    wordings: list[str] = [*T.START, *T.ASK, *T.CONNECTIVES, *T.TEMPTING, *T.TEMPTED_TRACE, *T.NOT_TEMPTED_TRACE, *T.HARMLESS]
    wordings += [*T.RECHECKS, *T.CORRECTIONS, *T.REREADINGS, *T.FULL_RECHECKS, *T.LATE_CORRECTIONS, *T.REFLECTION_OPENERS, *T.SOLUTIONS]
    wordings += [w for group in T.QUESTION.values() for w in group] + [w for group in T.MISREAD.values() for w in group]
    wordings += [w for steps in (*T.TRACE.values(), T.START_TRACE) for group in steps for w in group]
    found: dict[str, None] = {}
    for wording in wordings:
        for word in re.findall(r" ?[A-Za-z]+", re.sub(r"\{\w+\}", "0", wording)):
            found[word] = None
            if wording.startswith(word):
                found[" " + word] = None
    for name in (*T.GIRLS, *T.BOYS, "She", "He"):
        found[name] = found[" " + name] = None
    for word in (*T.ITEMS, "she", "he", *T.LATER_WORDS):
        found[" " + word] = None
    for word in ("user", "system", "assistant", "tool", "Summary", "Step", "Answer", "Final", "So", "Therefore", "Yes", "No"):
        found[word] = found[" " + word] = None
    return tuple(found)


def vocabulary() -> dict[str, int]:
    """Piece -> id: special tokens, bytes, printable characters, pieces, words."""
    pieces = dict.fromkeys(SPECIAL)
    pieces |= dict.fromkeys(f"<0x{b:02X}>" for b in range(256))
    pieces |= dict.fromkeys(c for c in string.printable if c.isprintable())
    pieces |= dict.fromkeys(PIECES)
    pieces |= dict.fromkeys(words())
    return {piece: i for i, piece in enumerate(pieces)}


def make() -> PreTrainedTokenizerFast:
    """The tokenizer as a Hugging Face one, with the chat template."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    model = models.BPE(vocabulary(), merges=[], byte_fallback=True, ignore_merges=True)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PATTERN), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in (PAD, START, END)])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in (THINK, UNTHINK)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=PAD, clean_up_tokenization_spaces=False, model_max_length=2048
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def save(folder: Path) -> None:
    """Write the tokenizer files into a folder."""
    make().save_pretrained(str(folder))


def prompt(question: str) -> str:
    """The chat template written out for one question: what the policy continues."""
    return f"{START}user\n{question}{END}\n{START}assistant\n{THINK}\n"
