"""Letters, labels and the order of options.

Options are shuffled by a permutation that is a pure function of (question, seed) and stored with the item, so a saved answer "C" always means the
option that was shown as C. (A generator made anew for each item, or a global one, has put the gold on the same letter in more than one evaluator.)
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence

LABELS = ("True", "False", "Uncertain")
"""The labels of FOLIO, used when a label question states none."""
_UNCERTAIN = frozenset(
    (
        "uncertain",
        "unknown",
        "undetermined",
        "cannot be determined",
        "can not be determined",
        "can't be determined",
        "not determined",
        "indeterminate",
    )
)
_LETTER = re.compile(r"(?i:option|choice|answer)?\s*[(\[]?\s*([A-Z])\s*(?:[)\].:]|$)(.*)", re.DOTALL)
_SECOND = re.compile(r"\([A-Z]\)|\b(?:and|or)\s+[A-Z]\b")
_LOWER = re.compile(r"\(([a-z])\)|([b-z])")
_MARKUP = re.compile(r"\\(?:text|textbf|textrm|mathrm|mathbf|mbox|bf|boxed)(?![a-z])\s*|[{}$*_`]|\\[ ,;!()\[\]]")


def permutation(question: str, seed: int, n: int) -> tuple[int, ...]:
    """Order in which `n` options are shown: position -> index of the original option. Depends on the question's text and the seed only."""
    digest = hashlib.blake2b(f"{seed}\x1f{question}".encode(), digest_size=8).digest()
    order = list(range(n))
    random.Random(int.from_bytes(digest, "big")).shuffle(order)
    return tuple(order)


def shuffled(options: Sequence[str], gold: int, question: str, seed: int) -> tuple[tuple[str, ...], str]:
    """(options in the order shown, letter of the option that was at index `gold`)."""
    order = permutation(question, seed, len(options))
    return tuple(options[i] for i in order), chr(65 + order.index(gold))


def plain(text: str) -> str:
    """`text` without markup, spaces collapsed."""
    return " ".join(_MARKUP.sub(" ", text).split()).strip(" .,:;")


def letter(text: str, options: Sequence[str] = ()) -> str | None:
    """The option letter that `text` names ("C", "(c)", "C) 12", "\\text{(C)}", or the whole text of one option), else None. A lone "a" is an article."""
    bare = plain(text)
    if match := _LETTER.fullmatch(bare):
        return None if _SECOND.search(match[2]) else match[1]
    if match := _LOWER.fullmatch(bare):
        return (match[1] or match[2]).upper()
    matching = [i for i, option in enumerate(options) if plain(option).casefold() == bare.casefold()]
    return chr(65 + matching[0]) if len(matching) == 1 else None


def same_label(text: str) -> str:
    """A label in lower case, with the spellings of "cannot be determined" (Unknown, Uncertain, ...) made one."""
    bare = plain(text).casefold()
    return "uncertain" if bare in _UNCERTAIN else bare


def label(text: str, options: Sequence[str] = ()) -> str | None:
    """The allowed label that `text` is, as spelled in `options`; None if it is none of them."""
    wanted = same_label(text)
    return next((option for option in options or LABELS if same_label(option) == wanted), None)


def label_words(options: Sequence[str] = ()) -> list[str]:
    """Every way of writing one of the labels, longest first."""
    words = {plain(option).casefold() for option in options or LABELS}
    if "uncertain" in {same_label(word) for word in words}:
        words |= _UNCERTAIN
    return sorted(words, key=lambda word: (-len(word), word))
