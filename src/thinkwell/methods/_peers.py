"""Pure parts of talking to peers: how alike two texts are, whose text goes to whom, and making a peer's text safe to quote.

Similarities are in [0, 1], on characters:

    levenshtein(a, b) = 1 - (insertions + deletions + substitutions) / max(|a|, |b|)      (LeaP's paper, equation 4)
    indel(a, b)       = 1 - (insertions + deletions) / (|a| + |b|) = 2 LCS / (|a| + |b|)  (`Levenshtein.ratio`, LeaP's repository)

They rank pairs differently: a substitution costs one of the longer text in the first, two of both texts in the second. Both run on bit vectors (Myers 1999; Hyyrö
2004), a pass over one text with whole-number operations as wide as the other: a millisecond for a thousand characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from enum import StrEnum

from numpy.random import Generator


class Router(StrEnum):
    """Which peers' summaries a path is shown."""

    DISPERSED = "dispersed"
    CLUSTERED = "clustered"
    HYBRID = "hybrid"
    RANDOM = "random"
    ALL = "all"


class Similarity(StrEnum):
    """How alike two summaries are."""

    LEVENSHTEIN = "levenshtein"
    INDEL = "indel"


def route(router: Router, mine: str, others: Sequence[str], top_k: int, similarity: Similarity, rng: Generator) -> list[int]:
    """Which of the `others`' summaries the writer of `mine` is shown: indices in the order in which they were chosen; equal similarities keep their order.

    dispersed: the top_k least similar; clustered: the most similar; hybrid: floor(top_k / 2) of the first kind, the rest of the second; random: top_k drawn
    uniformly. all, and wherever there are no more than top_k peers: everyone, once (in the repository hybrid then shows a peer twice).
    """
    everyone = list(range(len(others)))
    if router is Router.ALL:
        return everyone
    if router is Router.RANDOM:
        return [int(i) for i in rng.permutation(len(others))[:top_k]]
    alike = [SIMILARITIES[similarity](mine, other) for other in others]
    far, near = sorted(everyone, key=lambda i: alike[i]), sorted(everyone, key=lambda i: -alike[i])
    if router is Router.DISPERSED:
        return far[:top_k]
    if router is Router.CLUSTERED:
        return near[:top_k]
    unlike = far[: top_k // 2]
    return unlike + [i for i in near if i not in unlike][: top_k - top_k // 2]


def levenshtein(a: str, b: str) -> float:
    """1 - edit distance / length of the longer text; 1 for two empty texts."""
    return 1 - distance(a, b) / max(len(a), len(b)) if a or b else 1.0


def indel(a: str, b: str) -> float:
    """2 LCS / (|a| + |b|): substitutions count as a deletion and an insertion; 1 for two empty texts."""
    return 2 * common(a, b) / (len(a) + len(b)) if a or b else 1.0


SIMILARITIES: dict[Similarity, Callable[[str, str], float]] = {Similarity.LEVENSHTEIN: levenshtein, Similarity.INDEL: indel}


def distance(a: str, b: str) -> int:
    """Levenshtein distance. Bit i of plus / minus: the distance grows / falls from row i to row i + 1 of the table's current column."""
    if not a:
        return len(b)
    places = _places(a)
    full, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    plus, minus, result = full, 0, len(a)
    for char in b:
        match = places.get(char, 0)
        diagonal = (((match & plus) + plus) ^ plus) | match | minus
        right_plus = minus | ~(diagonal | plus)
        right_minus = diagonal & plus
        result += bool(right_plus & last) - bool(right_minus & last)
        right_plus = (right_plus << 1) | 1
        plus = ((right_minus << 1) | ~(diagonal | right_plus)) & full
        minus = right_plus & diagonal & full
    return result


def common(a: str, b: str) -> int:
    """Length of the longest common subsequence."""
    places, full = _places(a), (1 << len(a)) - 1
    rows = full
    for char in b:
        match = rows & places.get(char, 0)
        rows = ((rows + match) | (rows - match)) & full
    return len(a) - rows.bit_count()


def _places(text: str) -> dict[str, int]:
    """Character -> bit vector of the places where it stands."""
    places: dict[str, int] = {}
    for i, char in enumerate(text):
        places[char] = places.get(char, 0) | 1 << i
    return places


MOST_CHARS = 6000  # of one peer's text
MOST_PASSES = 6  # text that still holds marks after so many was built to, and loses all its punctuation
_SPACE, _LINE = re.compile(r"[^\S\n]+"), re.compile(r"\s*\n\s*")
_NOT_PLAIN = re.compile(r"[^\w\s.,+*/=()-]")
_BRACE = re.compile(r"\\+(?:boxed|fbox|framebox)(?![A-Za-z])\s*(?P<box>\{)?|\\[{}]|(?P<brace>[{}])")
_UNSAFE = (
    re.compile(r"<\s?[|｜][^<>]{0,80}>?"),  # chat-template marks, also with the wide bar
    re.compile(r"<\s?/?\s?[A-Za-z_][\w:.-]{0,60}\s?/?\s?>"),  # any bare tag: </think>, <s>, <answer>, <SYS>
    re.compile(
        r"<\s?/?\s?(?:think|comment|summari[sz]e|answer|tool_call|tool)\b[^<>]{0,80}>?", re.IGNORECASE
    ),  # ours, also with attributes or unclosed
    re.compile(r"\[\s?/?\s?(?:INST|SYS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|CLS|SEP|MASK|PAD|BOS|EOS|UNK)\s?\]"),
    re.compile(r"#{2,}"),  # headings of prompts, and "#### 7", which states an answer
    re.compile(r"(?:^|(?<=[.!?] ))(?:system|user|assistant|human|developer|instructions?) ?:", re.IGNORECASE | re.MULTILINE),
    re.compile(r"\bpeer ?[0-9]+ ?:", re.IGNORECASE),  # a forged peer
)


def sanitise(text: str, marks: Sequence[str] = ()) -> str:
    """A peer's text made safe to quote: one line in which no mark of a frame, tag, chat template, prompt or boxed answer is left, whatever was nested in what.

    marks: further strings to take out, in any case. The content of a box stays, its box goes. Quotes become single, as a frame may have double ones.
    """
    text = "".join(c for c in text[:MOST_CHARS] if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
    text = _LINE.sub("\n", _SPACE.sub(" ", text.replace('"', "'")))
    patterns = (
        *_UNSAFE,
        *(re.compile(r"\s?".join(re.escape(part) for part in mark.split()), re.IGNORECASE) for mark in marks if mark.strip()),
    )
    for _ in range(MOST_PASSES):  # taking one thing out may put another together: "</com</comment>ment>"
        before = text
        for pattern in patterns:
            text = pattern.sub("", text)
        text = " ".join(unboxed(text).split())
        if text == before:
            return text
    return " ".join(_NOT_PLAIN.sub("", text).split())


def unboxed(text: str) -> str:
    """`\\boxed{...}` as its content; a box that is not closed loses its opening."""
    pieces, at = [], 0
    boxes: list[bool] = []  # for every open brace: is it that of a box?
    for found in _BRACE.finditer(text):
        kept = found[0]
        if found["brace"] is None and found["box"] is None:
            kept = found[0] if found[0] in ("\\{", "\\}") else ""  # an escaped brace, or a box without braces
        elif found["box"] or found["brace"] == "{":
            boxes.append(bool(found["box"]))
            kept = "" if found["box"] else "{"
        elif boxes and boxes.pop():
            kept = ""
        pieces += [text[at : found.start()], kept]
        at = found.end()
    return "".join(pieces) + text[at:]
