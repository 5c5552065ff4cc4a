"""LaTeX of short answers: tidied, keyed, and taken apart into its typed parts.

`tidy` unifies spellings (\\dfrac12 -> \\frac{1}{2}, \\left( -> (, markdown, Unicode) and stays readable for a LaTeX parser; `key` goes on to a string for
equality; `parts` sees whether an answer is one value, an ordered tuple or interval, a set, or a bare list. Nothing here evaluates anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from thinkwell.answers.numbers import TEXT_UNIT, UNITS, read_number

MAX_ANSWER = 2000  # characters; no short answer is longer, and every stage below stays fast
MAX_SYMBOLIC = 500  # characters given to a LaTeX parser, and
MAX_NESTING = 16  # brackets in brackets: beyond either, parsing takes minutes and no answer is meant

_UNICODE = str.maketrans(
    {
        "−": "-", "–": "-", "×": "\\times ", "·": "\\cdot ", "÷": "/", "π": "\\pi ", "∞": "\\infty ", "°": "^\\circ ", "√": "\\sqrt", "≤": "\\leq ", "≥": "\\geq ",
        "≠": "\\neq ", "∪": "\\cup ", "∩": "\\cap ", "∈": "\\in ", "±": "\\pm ", "½": "\\frac{1}{2}", "¼": "\\frac{1}{4}", "¾": "\\frac{3}{4}", "²": "^{2}", "³": "^{3}",
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'", "€": "", "£": "", "，": ",", "（": "(", "）": ")", "θ": "\\theta ",
    }
)  # fmt: skip

_TIDY: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\\\$|\$", ""),
        (r"^(\*\*|__|`)(.*)\1$", r"\2"),
        (r"\*\*", "^"),
        (r"([0-9])(?:\{,\}|,\\!)\s*(?=[0-9]{3})", r"\1,"),
        (r"\\(?:left|right|bigl|bigr|Bigl|Bigr|biggl|biggr|big|Big|bigg|Bigg|displaystyle|textstyle|limits|nolimits)(?![A-Za-z])\.?", ""),
        (r"(?<!\\)\\[,;:! ]|~|\\(?:quad|qquad|thinspace|enspace|hfill)(?![A-Za-z])", " "),
        (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
        (r"\\(?:lbrace)(?![A-Za-z])", r"\\{"),
        (r"\\(?:rbrace)(?![A-Za-z])", r"\\}"),
        (r"\\le(?![A-Za-z])|\\leqslant(?![A-Za-z])", r"\\leq"),
        (r"\\ge(?![A-Za-z])|\\geqslant(?![A-Za-z])", r"\\geq"),
        (r"\\ne(?![A-Za-z])", r"\\neq"),
        (r"\\(?:lor|vee)(?![A-Za-z])", " or "),
        (r"\\begin\{[bvB]matrix\}", r"\\begin{pmatrix}"),
        (r"\\end\{[bvB]matrix\}", r"\\end{pmatrix}"),
        (r"\^\s*\{?\s*\\(?:circ|degree)(?![A-Za-z])\s*\}?|\\(?:degree|textdegree)(?![A-Za-z])", r"\\text{ degrees}"),
        (r"\\frac\s*([0-9])\s*([0-9])", r"\\frac{\1}{\2}"),
        (r"\\frac\s*([0-9])\s*\{", r"\\frac{\1}{"),
        (r"\\frac\s*\{([^{}]*)\}\s*([0-9A-Za-z])", r"\\frac{\1}{\2}"),
        (r"\\frac\s*\{([^{}]*)\}\s+\{", r"\\frac{\1}{"),
        (r"\\sqrt\s*([0-9A-Za-z])", r"\\sqrt{\1}"),
        (r"\\sqrt\s*\(([^(){}]*)\)", r"\\sqrt{\1}"),
        (r"(?<!\\)\bsqrt\s*\(([^(){}]*)\)", r"\\sqrt{\1}"),
        (r"(?<![\\A-Za-z])pi(?![A-Za-z])", r"\\pi"),
        (r"\s+", " "),
    )
)
_TEXT = re.compile(
    r"\\(?:text|mbox|textbf|textrm|textit|mathrm|mathbf|mathit|boldsymbol|emph|operatorname|boxed|fbox|bm|bf|rm)\s*\{([^{}]*)\}"
)
_LABEL = re.compile(r"\s*(?:\\?[A-Za-z]+(?:_\{?[^{}=,]{1,12}\}?)?'?\s*(?:\([A-Za-z, ]{1,12}\))?)\s*")
_BASED = re.compile(r"\(?([0-9][0-9A-Fa-f]*)\)?\s*(?:_\s*\{?\s*([0-9]{1,2})\s*\}?|\s*,?\s*base\s*([0-9]{1,2}))")
_WORD = re.compile(r"[A-Za-z']+(?:[ \-][A-Za-z']+)*")
_LETTER = re.compile(r"\(([A-Za-z])\)")


class Shape(StrEnum):
    """How an answer of several parts is bracketed."""

    SINGLE = "single"
    BARE = "bare"  # 1, 2   1331 and 1728   x=2 or x=3
    SET = "set"  # \{1, 2\}
    TUPLE = "tuple"  # (1, 2), and the open interval
    CLOSED = "closed"  # [1, 2]
    LEFT_OPEN = "left_open"  # (1, 2]
    RIGHT_OPEN = "right_open"  # [1, 2)

    @property
    def ordered(self) -> bool:
        return self not in (Shape.SINGLE, Shape.BARE, Shape.SET)


_BRACKETS = {
    ("(", ")"): Shape.TUPLE,
    ("[", "]"): Shape.CLOSED,
    ("(", "]"): Shape.LEFT_OPEN,
    ("[", ")"): Shape.RIGHT_OPEN,
    ("\\{", "\\}"): Shape.SET,
}


@dataclass(frozen=True, slots=True)
class Parts:
    """An answer taken apart; `items` are tidied texts, one for SINGLE."""

    shape: Shape
    items: tuple[str, ...]


def tidy(text: str) -> str:
    """One spelling for what LaTeX, markdown and Unicode spell in several ways. Idempotent enough to be applied to parts again."""
    text = text.strip().translate(_UNICODE)
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]")):
        if text.startswith(opening) and text.endswith(closing):
            text = text[2:-2]
    for pattern, replacement in _TIDY:
        text = pattern.sub(replacement, text)
    text = text.strip().rstrip(",;")
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip()
    return text.lstrip("=:").strip()


def unwrap(tidied: str) -> str:
    """Drop \\text{...} and its kin, keeping what they hold."""
    for _ in range(4):
        changed = _TEXT.sub(r" \1 ", tidied)
        if changed == tidied:
            break
        tidied = changed
    return re.sub(r"\s+", " ", tidied).strip()


def key(tidied: str) -> str:
    """A string that equal spellings share: no spaces, no redundant braces, words in lower case, (C) as C."""
    text = unwrap(tidied)
    if word(text):
        return text.casefold().replace(" ", "")
    if match := _LETTER.fullmatch(text):
        return match[1]
    text = text.replace(" ", "")
    text = re.sub(r"([_^])\{(\\?[A-Za-z]+|[0-9])\}", r"\1\2", text)
    return text[1:-1] if text[:1] == "{" and text[-1:] == "}" and text.count("{") == 1 else text


def word(text: str, letters: int = 3) -> bool:
    """True for an answer in words ("Evelyn", "no solution"): no mathematics, and one word of at least so many letters."""
    return bool(_WORD.fullmatch(text)) and max(map(len, re.split("[ -]", text))) >= letters


def without_unit(tidied: str) -> str:
    """Drop a trailing \\text{...} that names a unit ("12\\pi \\text{ inches per second}")."""
    match = TEXT_UNIT.fullmatch(tidied) if len(tidied) <= 300 else None
    words = match[2].lower().replace(".", " ").split() if match else []
    return (
        match[1].strip()
        if match and words and match[1].strip() and ("per" in words or words[-1] in UNITS or words[-1].removesuffix("s") in UNITS)
        else tidied
    )


def based(tidied: str) -> tuple[str, int] | None:
    """(digits, base) of 2516_8, 4210_{5}, "204 base 5"; else None. The base is part of the answer: it must be written, and match."""
    match = _BASED.fullmatch(unwrap(tidied))
    if not match:
        return None
    base = int(match[2] or match[3])
    return (match[1].lstrip("0").lower() or "0", base) if 2 <= base <= 36 else None


def parsable(tidied: str) -> bool:
    """False for what no parser should be given: braces that do not match, too long, nested too deeply."""
    depth = deepest = 0
    for character in tidied.replace("\\{", "(").replace("\\}", ")"):
        if character in "{([":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "})]":
            depth -= 1
        if depth < 0:
            return False
    return depth == 0 and deepest <= MAX_NESTING and len(tidied) <= MAX_SYMBOLIC


def label(tidied: str) -> tuple[str, str]:
    """(left side, right side) of x=5, f(x)=2x, x\\in[-2,7]; ("", text) when the left side is not just a name."""
    for sign in ("=", "\\in"):
        left, found, right = tidied.partition(sign)
        if found and right.strip() and "=" not in right and _LABEL.fullmatch(left) and (sign == "=" or right[0] in " [({\\"):
            return left.replace(" ", ""), right.strip()
    return "", tidied


def parts(tidied: str) -> Parts:
    """Take an answer apart at its outermost level."""
    if read_number(tidied) is not None:
        return Parts(Shape.SINGLE, (tidied,))
    text = unwrap_and(label(tidied)[1])
    if text[:1] == "{" and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()  # plain braces only group
    if "\\begin" in text or "\\cup" in text or "\\cap" in text or re.search(r"[<>|]|\\leq|\\geq|\\neq|\\mid", text):
        return Parts(Shape.SINGLE, (text,))
    shape = Shape.BARE
    for (opening, closing), kind in _BRACKETS.items():
        if text.startswith(opening) and text.endswith(closing) and _closing(text) == len(text) - 1:
            inner = _split(text[len(opening) : len(text) - len(closing)])
            if len(inner) > 1 or kind is Shape.SET:
                shape, items = kind, inner
                break
    else:
        items = _split(text)
    if not shape.ordered:
        items = [piece for item in items for piece in _plus_minus(item)]
    if shape is Shape.BARE and len(items) <= 1:
        return Parts(Shape.SINGLE, (text,))
    return Parts(shape, tuple(items))


def unwrap_and(text: str) -> str:
    """Free the words "and", "or" from their \\text{}, leave other texts (units) alone."""
    return re.sub(r"\\(?:text|mbox|textrm|mathrm)\s*\{\s*,?\s*(and|or)\s*\}", r" \1 ", text)


def _closing(text: str) -> int:
    """Index of the last character of the bracket that closes the one `text` starts with, -1 if none. ( may be closed by ]."""
    depth, position = 0, 0
    while position < len(text):
        step = 2 if text[position] == "\\" else 1
        token = text[position : position + step]
        if token in ("(", "[", "{", "\\{"):
            depth += 1
        elif token in (")", "]", "}", "\\}"):
            depth -= 1
            if depth == 0:
                return position + step - 1
        position += step
    return -1


def _split(text: str) -> list[str]:
    """Split at commas, semicolons, "and" and "or" outside every bracket; empty pieces are dropped."""
    pieces: list[str] = []
    depth, start, position = 0, 0, 0
    while position < len(text):
        step = 2 if text[position] == "\\" else 1
        token = text[position : position + step]
        if token in ("(", "[", "{", "\\{"):
            depth += 1
        elif token in (")", "]", "}", "\\}"):
            depth -= 1
        elif depth == 0:
            cut = 1 if token in (",", ";") else next((len(w) for w in (" and ", " or ") if text.startswith(w, position)), 0)
            if cut:
                pieces.append(text[start:position])
                position += cut
                start = position
                if cut > 1:  # "1 and and 2": let the space end one word and begin the next
                    start = position = position - 1
                continue
        position += step
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


def _plus_minus(item: str) -> list[str]:
    """a \\pm b stands for two values (unless \\mp ties several signs together)."""
    if item.count("\\pm") != 1 or "\\mp" in item:
        return [item]
    plus = item.replace("\\pm", "+").strip()
    return [plus.removeprefix("+").strip(), item.replace("\\pm", "-").strip()]
