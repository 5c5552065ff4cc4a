"""Answers that rules decide: what a set of rules offers to graders and to votes, and where it is found by name.

A puzzle has many right answers, or one that no comparison of texts can recognise. Its problem therefore has the kind `AnswerKind.RULES`, and its reference is a *sealed item*:
one JSON object with the name of the rules, the gold answer and the facts that the rules need. Everything that carries a reference (run stores, checkpoints, bridges to other
trainers) carries a puzzle without knowing of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from thinkwell.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Score:
    """What rules say of an answer. `value` is in [0, 1], 1 for a right answer; `reason` says in words which rule was broken, and is empty for a right answer."""

    value: float
    reason: str = ""

    @property
    def right(self) -> bool:
        return self.value == 1.0


RIGHT = Score(1.0)


class Rules(Protocol):
    """One set of rules. Both take what was extracted from a model's output; neither raises for any text, and both are linear in it."""

    @property
    def name(self) -> str: ...

    def form_of(self, answer: str) -> str | None:
        """The form by which votes are grouped; None if the text does not read as an answer at all."""
        ...

    def judge(self, answer: str, sealed: str) -> Score:
        """Score an answer against a sealed item. Raises ValueError if `sealed` is none of these rules."""
        ...


RULES: Registry[Rules] = Registry("puzzle", "thinkwell.tasks", "thinkwell.puzzles", folders=("puzzles", "games"))


def seal(rules: str, answer: str, facts: Mapping[str, Any]) -> str:
    """The reference of a problem that rules decide."""
    return json.dumps({"rules": rules, "answer": answer, **facts}, ensure_ascii=False, sort_keys=True)


def unseal(reference: str) -> dict[str, Any]:
    """The content of a sealed item. Raises ValueError for any other text."""
    sealed = json.loads(reference) if reference.startswith("{") else None
    if not isinstance(sealed, dict) or not isinstance(sealed.get("rules"), str) or not isinstance(sealed.get("answer"), str):
        raise ValueError(f"the reference {reference[:60]!r} is no sealed item; expected JSON with the rules' name and a gold answer")
    return sealed
