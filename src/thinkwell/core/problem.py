"""A problem: what is asked, and (for tasks) what the right answer is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from thinkwell.core.answer import AnswerKind
from thinkwell.core.rules import unseal


@dataclass(frozen=True, slots=True)
class Problem:
    """One question put to a method.

    `reference` never reaches a method's prompt: it is read by graders (and by methods that declare `needs = {ORACLE}`).
    `options` are the choices in the order shown (kind CHOICE), the allowed labels (kind LABEL) or the name of the rules (kind RULES, whose reference
    is a sealed item; `gold` is the answer inside). `meta` holds task facts
    such as `level` or `subject` that reports group by.
    """

    id: str
    question: str
    reference: str | None = None
    kind: AnswerKind = AnswerKind.MATH
    options: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    meta: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    @property
    def gold(self) -> str | None:
        """The reference as an answer that a model could write. Raises ValueError if rules decide and the reference is no sealed item."""
        if self.kind is AnswerKind.RULES and self.reference is not None:
            return str(unseal(self.reference)["answer"])
        return self.reference

    @classmethod
    def ask(cls, question: str, kind: AnswerKind = AnswerKind.MATH) -> Problem:
        """A problem without a reference, its id taken from the text (so its noise is reproducible)."""
        return cls(id="q-" + hashlib.blake2b(question.encode(), digest_size=6).hexdigest(), question=question, kind=kind)
