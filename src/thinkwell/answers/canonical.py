"""The form by which votes are grouped: equal forms are the same answer.

Numbers become exact fractions ("025", "25.0", "$25", "25 apples" -> "25"; "0.5", "\\frac12" -> "1/2"), sets and bare lists are sorted, tuples keep their
order, anything else is tidied LaTeX. Equal forms always compare equal; the comparison is wider (it also proves a+b = b+a), which
`choose(..., equal=...)` can use to merge groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from thinkwell.answers import latex, spans
from thinkwell.answers import options as opt
from thinkwell.answers.latex import Shape
from thinkwell.answers.numbers import read_int, read_number
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ThinkwellError
from thinkwell.core.rules import RULES

_DEPTH = 4  # nested brackets taken apart


def canonical(text: str, kind: AnswerKind | str = AnswerKind.MATH, options: Sequence[str] = ()) -> str:
    """The canonical form of an extracted answer. Never raises; linear in the text."""
    kind = AnswerKind(kind)
    if len(text) > latex.MAX_ANSWER:
        return f"{' '.join(text[:40].split())}... #{hashlib.blake2b(text.encode(errors='replace'), digest_size=6).hexdigest()}"
    if kind is AnswerKind.RULES:
        return _ruled(text, options)
    if kind is AnswerKind.CHOICE:
        return opt.letter(text, options) or opt.plain(text).casefold()
    if kind is AnswerKind.LABEL:
        return opt.same_label(text)
    if kind is AnswerKind.SPAN:
        return spans.normalise(opt.plain(text)) or text.strip()
    whole = read_int(text)
    if whole is not None:
        return str(whole)
    return _math(latex.tidy(text), loose=kind is AnswerKind.INTEGER)


def _ruled(text: str, options: Sequence[str]) -> str:
    """As the puzzle named in `options` writes it; a text that it cannot read is its own form."""
    try:
        form = RULES.get(options[0]).form_of(text) if options else None
    except ThinkwellError:  # an unknown puzzle: grading says so
        form = None
    return " ".join(text.split()) if form is None else form


def _math(tidied: str, loose: bool, depth: int = 0) -> str:
    number = read_number(tidied, loose)
    if number is None:
        number = read_number(latex.label(tidied)[1], loose)
    if number is not None:
        return number.canonical
    based = latex.based(tidied)
    if based:
        return f"{based[0]}_{based[1]}"
    taken = latex.parts(tidied)
    if taken.shape is Shape.SINGLE or depth >= _DEPTH:
        return latex.key(latex.label(tidied)[1] if depth == 0 and "=" not in tidied else tidied)
    items = [_math(item, loose, depth + 1) for item in taken.items]
    if taken.shape.ordered:
        brackets = {Shape.TUPLE: "()", Shape.CLOSED: "[]", Shape.LEFT_OPEN: "(]", Shape.RIGHT_OPEN: "[)"}[taken.shape]
        return f"{brackets[0]}{','.join(items)}{brackets[1]}"
    return items[0] if len(items) == 1 else f"{{{','.join(sorted(items))}}}"
