"""Is the format of a response kept? Predicates on samples for `Rl.valid`. Linear in the text; nothing is parsed by a library and nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Callable

from thinkwell.answers.extract import THINK_CLOSE, THINK_OPEN, after_thinking, last_box
from thinkwell.answers.numbers import read_int
from thinkwell.core.answer import AnswerKind
from thinkwell.core.prompt import Preset
from thinkwell.training.sample import Sample

_PAIRS = {")": "(", "]": "[", "}": "{"}
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[-+*/=<>^_,]|[()\[\]{}]|[A-Za-z0-9.]+|\S")
_INFIX = frozenset({"*", "/", "=", "<", ">", "^", "_", "\\times", "\\cdot", "\\div", "\\le", "\\ge", "\\leq", "\\geq", "\\neq"})
_SIGNS = frozenset({"+", "-", "\\pm", "\\mp"})  # may stand before a number too


def closes_thinking(preset: Preset) -> Callable[[Sample], bool]:
    """Whether a response closes its thinking exactly once; every response of a model that does not mark its thinking."""

    def valid(sample: Sample) -> bool:
        return not preset.think_close or sample.path.text.count(preset.think_close) == 1

    return valid


def boxed(sample: Sample) -> bool:
    """The thinking, if there is one, has ended, and a complete box that is not empty follows it: LASER's format."""
    return _box(sample) is not None


def boxed_expression(sample: Sample) -> bool:
    """`boxed`, and what stands in the box can be read: a number for a problem with a whole-numbered answer, else a well-formed expression. Format-length's format."""
    content = _box(sample)
    if content is None:
        return False
    return read_int(content) is not None if sample.problem.kind is AnswerKind.INTEGER else well_formed(content)


def well_formed(expression: str) -> bool:
    """Brackets match, and no operator misses an operand: a grammar check in place of the paper's SymPy parse. The empty text is none."""
    opened: list[str] = []
    wants_operand = True  # at the start, after an operator, after an opening bracket
    for token in _TOKEN.findall(expression.strip().strip("$").replace("\\left", "").replace("\\right", "")):
        if token in ("(", "[", "{"):
            opened.append(token)
            wants_operand = True
        elif token in _PAIRS:
            if not opened or opened.pop() != _PAIRS[token] or wants_operand:
                return False
        elif token in _INFIX or token == ",":
            if wants_operand:
                return False
            wants_operand = True
        elif token in _SIGNS:
            wants_operand = True
        else:
            wants_operand = False
    return not opened and not wants_operand


def _box(sample: Sample) -> str | None:
    prompt = sample.path.prompt
    opened = max(prompt.rfind(mark) for mark in THINK_OPEN) > max(prompt.rfind(mark) for mark in THINK_CLOSE)
    rest, thinking = after_thinking(sample.path.own_text, opened)
    found = None if thinking else last_box(rest)
    return None if found is None else found.text
