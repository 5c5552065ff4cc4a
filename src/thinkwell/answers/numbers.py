"""Numbers as people and models write them, read exactly into fractions.

"025", "1,450,000", "27.0", "$5", "1\\frac{4}{5}", "4.5 \\times 10^{33}", "10\\%", "90^\\circ", "864\\mbox{ inches}^2" and "six" are numbers;
"3\\sqrt{13}", "2k" and "52_8" are not. No floating point and no evaluation: what is not of a known written form is left to the symbolic stage.
Work is linear in the text, and values are bounded (`MAX_DIGITS`), so hostile input such as "1e999999999" is simply not a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

DOUBLE = Fraction(1, 10**12)  # relative difference below which a decimal is taken for the exact value
MAX_DIGITS = 400  # longer digit strings, or exponents beyond it, are not read as numbers

_PLAIN_INT = re.compile(r"\s*\$?\s*([+-]?[0-9]{1,400})\s*\$?\s*\.?\s*", re.ASCII)
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_FRACTION = re.compile(r"([+-]?)\\frac\{([+-]?[0-9.]+)\}\{([+-]?[0-9.]+)\}")
_SLASHED = re.compile(r"([+-]?[0-9.]+)/([+-]?[0-9.]+)")
_MIXED = re.compile(r"([+-]?)([0-9]+)\\frac\{([0-9]+)\}\{([0-9]+)\}")
_MIXED_PLAIN = re.compile(r"([+-]?)([0-9]+) ([0-9]+)/([0-9]+)")
_SCIENTIFIC = re.compile(r"([+-]?[0-9.]+)(?:[eE]|(?:\\times|\\cdot|\*)10(?:\^|\*\*))\{?([+-]?[0-9]{1,4})\}?")
_POWER = re.compile(r"([0-9]{1,6})\^\{?(-?[0-9]{1,3})\}?")
_HEAD = re.compile(r"[+-]?(?:[0-9][0-9,.]*|\.[0-9]+|\\frac\{)")

TEXT_UNIT = re.compile(r"(.*?)\\(?:text|mbox|mathrm|textrm|textbf|rm)\s*\{\s*([A-Za-z][A-Za-z .\-/%]*)\}(\^\{?[23]\}?)?", re.DOTALL)
_UNIT_CHAIN = re.compile(
    r"(.*?[0-9}])\s*(?:\\(?:text|mathrm|mbox|textrm|rm)\s*\{[^{}0-9]*\}\s*(?:\^\s*\{?\s*-?[0-9]\s*\}?)?\s*(?:/|\\cdot|\\times)?\s*)+",
    re.DOTALL,
)
_WORD_UNIT = re.compile(r"(.*?[0-9.}])\s*([A-Za-z][A-Za-z .\-/]*?)(\^\{?[23]\}?)?")
_NOT_UNITS = frozenset(re.findall("[a-z]+", "pi sin cos tan cot sec csc log ln exp sqrt mod and or to than if not e i x y z n k"))

_SPELLED = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
WORDS = {word: value for value, word in enumerate(_SPELLED.split())}

UNITS = {
    name: unit
    for unit, names in {
        "percent": "percent",
        "degree": "degree deg",
        "dollar": "dollar usd",
        "cent": "cent",
        "mm": "mm millimeter millimetre",
        "cm": "cm centimeter centimetre",
        "m": "m meter metre",
        "km": "km kilometer kilometre",
        "inch": "inch inche in",
        "foot": "foot feet ft",
        "yard": "yard yd",
        "mile": "mile mi",
        "second": "second sec s",
        "minute": "minute min",
        "hour": "hour hr h",
        "day": "day",
        "week": "week",
        "month": "month",
        "year": "year yr",
        "gram": "gram g",
        "kg": "kg kilogram",
        "pound": "pound lb",
        "ounce": "ounce oz",
        "liter": "liter litre l",
        "mph": "mph",
        "unit": "unit",
    }.items()
    for name in names.split()
}
"""Units known by name; two *different* known units make two answers different, an unknown unit never does."""


@dataclass(frozen=True, slots=True)
class Number:
    """An exact value and what was written around it: `unit` (normalised name, "" if none or unknown), `percent` for a percent sign."""

    value: Fraction
    unit: str = ""
    percent: bool = False

    @property
    def canonical(self) -> str:
        """The form votes are grouped by. A percent sign above 1 % is read as a unit ("10 %" votes with "10"), below as a factor."""
        value = self.value / 100 if self.percent and abs(self.value) <= 1 else self.value
        return render(value)

    def equals(self, other: Number, tolerance: float = 0.0) -> bool:
        """Exact equality, or within a relative `tolerance` (of `self`, the reference).

        10 % is 0.1, and 10 % may stand for 10 as in answer keys to "what percent"; but 0.5 % never stands for 0.5: the sign may be left out only above 1.
        Two different known units (10 m, 10 cm) are never equal; a unit on one side only is not held against it.
        """
        if self.unit and other.unit and self.unit != other.unit:
            return False
        readings = {self.value, other.value}
        if self.percent == other.percent:
            return close(self.value, other.value, tolerance)
        bare, signed = (other.value, self.value) if self.percent else (self.value, other.value)
        if abs(bare) > 1 and len(readings) == 1:
            return True
        left, right = (signed / 100, bare) if self.percent else (bare, signed / 100)
        return close(left, right, tolerance)


def close(reference: Fraction, value: Fraction, tolerance: float) -> bool:
    """Exactly equal, or |value - reference| <= tolerance * |reference|. A decimal in full double precision is as good as exact."""
    if value == reference:
        return True
    if value.denominator == reference.denominator == 1 and not tolerance:
        return False
    return abs(value - reference) <= abs(reference) * max(Fraction(tolerance), DOUBLE)


def render(value: Fraction) -> str:
    """ "7", "-3/2"."""
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def read_int(text: str) -> int | None:
    """The integer that `text` plainly is ("25", "025", "$-3$", "7."), else None. The fast path: no other cleaning."""
    match = _PLAIN_INT.fullmatch(text)
    return int(match[1]) if match else None


def read_number(tidy: str, loose: bool = False) -> Number | None:
    """The number that tidied LaTeX (see `latex.tidy`) is, else None.

    `loose` is for texts known to stand for a plain number (the reference is one): any trailing words are taken as a unit ("5 apples"), a
    bare letter as well ("10 m^2"), and of "m+n = 33" the right side counts.
    """
    text = tidy.strip()
    if len(text) > 2 * MAX_DIGITS:
        return None
    if loose and "=" in text:
        text = text.rpartition("=")[2].strip()
    text, unit, percent = _split_unit(text, loose)
    value = _value(text)
    if value is None and (word := _spelled(tidy)) in WORDS:
        value, unit = Fraction(WORDS[word]), ""
    return None if value is None else Number(value, "" if percent else unit, percent)


def _spelled(tidy: str) -> str:
    match = TEXT_UNIT.fullmatch(tidy) if len(tidy) < 40 else None
    return (match[2] if match and not match[1] else tidy).strip().lower()


def _split_unit(text: str, loose: bool) -> tuple[str, str, bool]:
    """(number part, unit, percent sign?)."""
    bare = text.removesuffix("%").removesuffix("\\").rstrip()
    if bare != text and text.endswith("%"):
        return bare, "", True
    if len(text) > 300:
        return text, "", False
    match = TEXT_UNIT.fullmatch(text)
    if loose and (match is None or "\\" in match[1]) and (chain := _UNIT_CHAIN.fullmatch(text)) and chain[1] != text:
        # "erg s^{-1}", "cm^{-3}": beside a plain reference no more than units
        single = _value(match[1]) if match else None
        if single is None:
            return chain[1], "", False
    known = bool(match)
    if not match:
        match = _WORD_UNIT.fullmatch(text) if _HEAD.match(text) else None
    if not match:
        return text, "", False
    number, words, power = match[1].strip(), match[2].strip().lower(), match[3] or ""
    tokens = words.replace(".", " ").replace("-", " ").replace("/", " ").split()
    if not tokens or not number:
        return text, "", False
    last = _singular(tokens[-1])
    square = {"square": "2", "sq": "2", "cubic": "3"}.get(tokens[0], power.strip("^{}"))
    unit = UNITS.get(last, "") + square if last in UNITS and len(tokens) <= 1 + (tokens[0] in ("square", "sq", "cubic")) else ""
    if not known:  # plain letters after a number: a unit only if they are words that say so
        if _NOT_UNITS.intersection(tokens):
            return text, "", False
        spoken = (unit and len(last) > 1) or all(len(token) > 3 for token in tokens)
        if not loose and not spoken:
            return text, "", False
    return number, unit, unit == "percent"


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 2 and word.endswith("s") else word


def _value(text: str) -> Fraction | None:
    text = text.strip()
    if not text or len(text) > MAX_DIGITS * 2:
        return None
    if match := _MIXED_PLAIN.fullmatch(text):
        return _mixed(*match.groups())
    text = text.replace(" ", "")
    if text[:1] == "{" and text[-1:] == "}" and text.count("{") == 1:
        text = text[1:-1]
    if text[:1] == "(" and text[-1:] == ")" and text.count("(") == 1 and "," not in text:
        text = text[1:-1]
    if _DECIMAL.fullmatch(text):
        return _decimal(text)
    if _GROUPED.fullmatch(text):
        return _decimal(text.replace(",", ""))
    if match := _FRACTION.fullmatch(text):
        return _ratio(match[2], match[3], -1 if match[1] == "-" else 1)
    if match := _SLASHED.fullmatch(text):
        return _ratio(match[1], match[2])
    if match := _MIXED.fullmatch(text):
        return _mixed(*match.groups())
    if match := _SCIENTIFIC.fullmatch(text):
        mantissa, exponent = _decimal(match[1]), int(match[2])
        return mantissa * Fraction(10) ** exponent if mantissa is not None and abs(exponent) <= MAX_DIGITS else None
    if match := _POWER.fullmatch(text):
        base, exponent = int(match[1]), int(match[2])
        return Fraction(base) ** exponent if base and abs(exponent) <= MAX_DIGITS else None
    return None


def _decimal(text: str) -> Fraction | None:
    return Fraction(text) if _DECIMAL.fullmatch(text) and len(text) <= MAX_DIGITS else None


def _ratio(top: str, bottom: str, sign: int = 1) -> Fraction | None:
    numerator, denominator = _decimal(top), _decimal(bottom)
    return sign * numerator / denominator if numerator is not None and denominator else None


def _mixed(sign: str, whole: str, top: str, bottom: str) -> Fraction | None:
    part = _ratio(top, bottom)
    if part is None or part >= 1 or len(whole) > MAX_DIGITS:  # 2\frac{3}{2} is a product, not a mixed number
        return None
    return (int(whole) + part) * (-1 if sign == "-" else 1)
