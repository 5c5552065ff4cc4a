"""Is an extracted answer the reference? A chain of stages, cheap and certain ones first; the verdict says which one decided.

1. integer: both are plainly integers ("025" is 25). No cleaning, no SymPy.
   Under kind "integer" no later stage uses SymPy either: the answer must be written as a number ("49+216" is not).
2. normalised: both are numbers (exact fractions, so 0.333333 is not 1/3), both carry a base (which must match: 11111_2 is not 11111), both are words, or tidied spellings agree.
3. parts: tuples in order, sets in any order, never a subset; (2,1) is not {1,2}; a bare list may stand for a set or, in order, for a tuple.
4. math_verify: math-verify on `$reference$` and `$answer$` in a process killed at its deadline, behind our own guards: constants must agree to 1e-12 (2^-99 is not 2^-98),
   equations are compared as equations, nothing is parsed outside the LaTeX grammar.

Letters, labels, spans and answers that rules decide have stages of their own. The decisions about known doubtful cases are listed in docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from thinkwell.answers import latex, spans, worker
from thinkwell.answers import options as opt
from thinkwell.answers.canonical import canonical
from thinkwell.answers.latex import Parts, Shape
from thinkwell.answers.numbers import read_int, read_number
from thinkwell.core.answer import AnswerKind, Stage, Verdict, VerdictValue
from thinkwell.core.rules import RULES, unseal

CORRECT, WRONG, TIMEOUT, ERROR = VerdictValue.CORRECT, VerdictValue.WRONG, VerdictValue.TIMEOUT, VerdictValue.ERROR
_MOST_PARTS = 32  # unordered parts compared symbolically, pair by pair
_RELATIONS = ("<", ">", "\\leq", "\\geq", "\\cup", "\\cap", "\\in", "\\begin", "\\setminus", "\\mid", "|")


def compare(
    reference: str,
    answer: str,
    kind: AnswerKind | str = AnswerKind.MATH,
    options: Sequence[str] = (),
    aliases: Sequence[str] = (),
    *,
    tolerance: float = 0.0,
    deadline: float = worker.DEADLINE,
) -> Verdict:
    """Judge `answer` against `reference`.

    tolerance: relative, for numeric references of tasks that allow one (0 = exact). deadline: seconds for the symbolic stage in all.
    The verdict is CORRECT, WRONG, TIMEOUT (symbolic stage killed) or ERROR (it failed, or the reference itself cannot be read).
    """
    kind = AnswerKind(kind)
    if kind is AnswerKind.RULES:
        return _ruled(reference, answer)
    if kind is AnswerKind.CHOICE:
        return _choice(reference, answer, options)
    if kind is AnswerKind.LABEL:
        return _verdict(opt.same_label(reference) == opt.same_label(answer), Stage.LABEL, answer)
    if kind is AnswerKind.SPAN:
        golds = (reference, *aliases)
        bare = opt.plain(answer)
        if spans.exact(answer, golds) or spans.exact(bare, golds):
            return Verdict(CORRECT, answer, Stage.SPAN, 1.0)
        return Verdict(WRONG, answer, Stage.SPAN, max(spans.f1(answer, golds), spans.f1(bare, golds)))
    left, right = read_int(reference), read_int(answer)
    if left is not None and right is not None and not tolerance:
        return _verdict(left == right, Stage.INTEGER, answer)
    if len(answer) > latex.MAX_ANSWER or len(reference) > latex.MAX_ANSWER:
        same = answer.strip() == reference.strip()
        return _verdict(same, Stage.NORMALISED, answer, "" if same else f"longer than {latex.MAX_ANSWER} characters")
    chain = _Chain(kind, tolerance, deadline)
    value, stage, detail = chain.judge(latex.tidy(reference), latex.tidy(answer))
    return Verdict(value, answer, stage, float(value is CORRECT), detail)


def equivalent(left: str, right: str, kind: AnswerKind | str = AnswerKind.MATH) -> bool:
    """True if the chain finds the two answers equal: the wider equality by which `choose` can merge vote groups."""
    return compare(left, right, kind).correct


def _verdict(equal: bool, stage: Stage, answer: str, detail: str = "") -> Verdict:
    return Verdict(CORRECT if equal else WRONG, answer, stage, float(equal), detail)


def _ruled(reference: str, answer: str) -> Verdict:
    """The rules named by the sealed item decide, in this process: their readers are bounded and linear, see `tasks/reading.py`."""
    score = RULES.get(unseal(reference)["rules"]).judge(answer, reference)
    return Verdict(CORRECT if score.right else WRONG, answer, Stage.RULES, score.value, score.reason)


def _choice(reference: str, answer: str, options: Sequence[str]) -> Verdict:
    gold = opt.letter(reference, options)
    if gold is None:
        return Verdict(ERROR, answer, Stage.CHOICE, detail=f"the reference {reference!r} names none of the options")
    return _verdict(opt.letter(answer, options) == gold, Stage.CHOICE, answer)


Judgement = tuple[VerdictValue, Stage, str]


class _Chain:
    """The stages for mathematics, sharing one deadline. Texts are tidied."""

    def __init__(self, kind: AnswerKind, tolerance: float, deadline: float) -> None:
        self.kind, self.tolerance, self.deadline = kind, tolerance, deadline
        self.left = deadline  # seconds of the symbolic stage not yet used

    def judge(self, gold: str, pred: str, depth: int = 0) -> Judgement:
        if not pred:
            return WRONG, Stage.NORMALISED, "empty after tidying"
        gold_name, gold_side = latex.label(gold)
        pred_name, pred_side = latex.label(pred)
        named_apart = bool(gold_name and pred_name and gold_name != pred_name and "(" not in gold_name + pred_name)
        if not named_apart:
            gold, pred = (gold_side, pred_side) if not (gold_name and "=" in pred_side) else (gold, pred)
            decided = self._numbers(gold, pred)
            if decided is not None:
                return _judged(decided, Stage.NORMALISED)
            if latex.key(gold) == latex.key(pred) or canonical(gold, self.kind) == canonical(pred, self.kind):
                return CORRECT, Stage.NORMALISED, ""
            if depth < 4 and (by_parts := self._parts(gold, pred, depth)) is not None:
                return by_parts
        if self.kind is AnswerKind.INTEGER and read_number(gold, loose=True) is not None:
            return WRONG, Stage.NORMALISED, "not written as a number"
        plain_gold, plain_pred = latex.unwrap(gold), latex.unwrap(pred)
        if latex.word(plain_gold, 3 if "\\text" in gold else 4) or (latex.word(plain_pred, 4) and " " in plain_pred):
            return WRONG, Stage.NORMALISED, ""
        return self._symbolic(latex.unwrap(latex.without_unit(gold)), latex.unwrap(latex.without_unit(pred)))

    def _numbers(self, gold: str, pred: str) -> bool | None:
        """Decide when both are numbers, or either carries a base."""
        based = latex.based(gold), latex.based(pred)
        if any(based):
            return based[0] == based[1]
        loose = self.kind is AnswerKind.INTEGER
        reference = read_number(gold, loose)
        number = read_number(pred, loose=reference is not None) if reference is not None else None
        return reference.equals(number, self.tolerance) if reference is not None and number is not None else None

    def _parts(self, gold: str, pred: str, depth: int) -> Judgement | None:
        """Decide when at least one side has parts that the other must match one to one."""
        left, right = latex.parts(gold), latex.parts(pred)
        left, right = _unset(left), _unset(right)
        shapes = (left.shape, right.shape)
        if shapes == (Shape.SINGLE, Shape.SINGLE):
            same = (left.items[0], right.items[0]) == (gold, pred)
            return None if same else self.judge(left.items[0], right.items[0], depth + 1)
        if Shape.SINGLE in shapes:
            # x > 3 for (3, oo), a column for a tuple: for the symbolic stage
            foreign = any(sign in text for sign in _RELATIONS for text in (gold, pred))
            return None if foreign else (WRONG, Stage.PARTS, "one value against several")
        if len(left.items) != len(right.items):
            return WRONG, Stage.PARTS, f"{len(right.items)} parts for {len(left.items)}"
        if left.shape.ordered or right.shape.ordered:
            if left.shape is not right.shape and set(shapes) != {Shape.BARE, Shape.TUPLE}:
                return WRONG, Stage.PARTS, f"{right.shape} for {left.shape}"
            return self._ordered(left.items, right.items, depth)
        return self._unordered(list(left.items), list(right.items), depth)

    def _ordered(self, golds: Sequence[str], preds: Sequence[str], depth: int) -> Judgement:
        """WRONG as soon as one part is; else the first part without a verdict; else CORRECT."""
        undecided: Judgement | None = None
        for gold, pred in zip(golds, preds, strict=True):
            found = self.judge(gold, pred, depth + 1)
            if found[0] is WRONG:
                return WRONG, Stage.PARTS, found[2]
            undecided = undecided or (found if found[0] is not CORRECT else None)
        return undecided or (CORRECT, Stage.PARTS, "")

    def _unordered(self, golds: list[str], preds: list[str], depth: int) -> Judgement:
        forms = [canonical(pred, self.kind) for pred in preds]
        rest = []
        for gold in golds:
            form = canonical(gold, self.kind)
            if form in forms:
                preds.pop(forms.index(form))
                forms.remove(form)
            else:
                rest.append(gold)
        if len(rest) > _MOST_PARTS:
            return WRONG, Stage.PARTS, f"more than {_MOST_PARTS} parts differ"
        for gold in rest:
            undecided: Judgement | None = None
            for position, pred in enumerate(preds):
                found = self.judge(gold, pred, depth + 1)
                if found[0] is CORRECT:
                    preds.pop(position)
                    break
                if found[0] is not WRONG:
                    undecided = found
            else:
                return undecided or (WRONG, Stage.PARTS, f"no part equals {gold}"[:200])
        return CORRECT, Stage.PARTS, ""

    def _symbolic(self, gold: str, pred: str) -> Judgement:
        equation = gold.count("=") == pred.count("=") == 1
        if gold.count("=") != pred.count("=") and gold.count("=") == 1 and not latex.label(gold)[0]:
            return WRONG, Stage.MATH_VERIFY, "not an equation like the reference"
        if not latex.parsable(pred) and len(pred) > 2 * len(gold):
            return WRONG, Stage.NORMALISED, "too long, too deep or unbalanced for mathematics"
        question: _Question = ("equation" if equation else "verify", gold, pred, self.tolerance)
        reply = _KNOWN.get(question)
        if reply is None:
            if self.left <= 0:
                return TIMEOUT, Stage.MATH_VERIFY, f"no verdict within {self.deadline:g} s"
            reply = worker.pool().ask(question[0], gold, pred, self.left, self.tolerance)
            self.left -= reply.seconds
            if reply.equal is not None:
                if len(_KNOWN) >= _MOST_KNOWN:
                    _KNOWN.clear()
                _KNOWN[question] = reply
        if reply.equal is None:
            return (TIMEOUT if reply.status == "timeout" else ERROR), Stage.MATH_VERIFY, reply.detail
        return (CORRECT if reply.equal else WRONG), Stage.MATH_VERIFY, reply.detail


_Question = tuple[worker.Op, str, str, float]
_KNOWN: dict[_Question, worker.Reply] = {}  # replies of this process; the same pairs come back in votes and repeated samples
_MOST_KNOWN = 65536


def _judged(equal: bool, stage: Stage) -> Judgement:
    return (CORRECT if equal else WRONG), stage, ""


def _unset(taken: Parts) -> Parts:
    """A set of one element is that element."""
    return Parts(Shape.SINGLE, taken.items) if taken.shape is Shape.SET and len(taken.items) == 1 else taken
