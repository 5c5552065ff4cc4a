"""First-order items: syllogisms with known answers, the decision against a solver of another kind, labels, and that the premises are needed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzles.logic._people import Models, canonical, english, plain
from thinkwell.tasks.puzzles.logic.folio import _premises, solve

TASK = load("puzzles/folio")
A, B, C = [0, True, None], [1, True, None], [2, True, None]
NOT_A, NOT_B, NOT_C = [0, False, None], [1, False, None], [2, False, None]


def every(one: list, other: list) -> list:
    return ["all", ["if", [one], ["is", other]]]


def some(one: list, other: list) -> list:
    return ["some", ["and", one, other]]


def named(literal: list, person: int = 0) -> list:
    return ["named", ["is", [*literal[:2], person]]]


@pytest.mark.parametrize(
    ("premises", "conclusion", "label"),
    [
        ([every(A, B), every(B, C)], every(A, C), "True"),  # Barbara
        ([every(A, B), every(B, C)], every(C, A), "Uncertain"),
        ([every(A, B), every(B, C)], some(A, C), "Uncertain"),  # there need be no A at all
        ([every(A, B), every(B, C), ["some", ["is", A]]], some(A, C), "True"),
        ([every(A, NOT_B), some(C, A)], some(C, NOT_B), "True"),  # Ferio
        ([every(A, B), some(C, NOT_B)], every(C, A), "False"),
        ([every(A, B), named(NOT_B)], named(A), "False"),
        ([every(A, B), named(B)], named(A), "Uncertain"),
        ([["all", ["or", A, B]], ["all", ["xor", A, B]], named(A)], named(B), "False"),
        ([["all", ["is", A]], every(A, B)], every(C, B), "True"),
        ([["all", ["is", A]]], some(A, A), "True"),  # a domain has somebody
        ([every(A, B), every(A, NOT_B), named(A)], named(C), None),  # no model
        ([named(A), named(NOT_A, 1), every(C, A)], named(C, 1), "False"),
        ([["named", ["if", [[0, True, 0]], ["is", [1, True, 1]]]], named(NOT_B, 1)], named(A), "False"),
    ],
)
def test_syllogisms(premises: list, conclusion: list, label: str | None) -> None:
    assert Models(3, 2).of(*premises).label(conclusion) == label
    item = replace(TASK.item(0, 0), meta={"premises": premises, "conclusion": conclusion, "predicates": 3, "people": 2})
    if label is None:
        with pytest.raises(ValueError, match="contradict"):
            solve(item)
    else:
        assert solve(item) == label


def test_two_ways_to_decide_agree() -> None:
    rng = random.Random(5)
    config = load("puzzles/folio", predicates=4, people=2).config
    seen: Counter[str | None] = Counter()
    for _ in range(150):
        *premises, conclusion = _premises(rng, config, rng.randint(3, 7))
        label = Models(4, 2).of(*premises).label(conclusion)
        item = replace(TASK.item(0, 0), meta={"premises": premises, "conclusion": conclusion, "predicates": 4, "people": 2})
        seen[label] += 1
        assert label is None or solve(item) == label
    assert len(seen) >= 3


def test_every_true_or_false_conclusion_needs_as_many_premises_as_the_level_says() -> None:
    task = load("puzzles/folio", "medium")
    labels = Counter()
    for i in range(30):
        item = task.item(1, i)
        labels[item.answer] += 1
        if item.answer != "Uncertain":
            premises = item.meta["premises"]
            left = [solve(replace(item, meta={**item.meta, "premises": premises[:k] + premises[k + 1 :]})) for k in range(len(premises))]
            assert sum(label != item.answer for label in left) >= 3
    assert len(labels) == 3


@pytest.mark.parametrize(
    ("sentence", "variant", "text"),
    [
        (every(A, B), 0, "Everyone who is a student plays chess."),
        (every(A, B), 1, "If someone is a student, then that person plays chess."),
        (every(A, NOT_B), 0, "No one who is a student plays chess."),
        (every(A, NOT_B), 1, "If someone is a student, then that person does not play chess."),
        (every(NOT_A, NOT_B), 2, "No one who is not a student plays chess."),
        (["all", ["if", [A, B], ["or", C, NOT_A]]], 4, "If someone is a student and plays chess, then that person owns a dog or is not a student, or both."),
        (["all", ["if", [A], ["or", NOT_B, C]]], 0, "Everyone who is a student owns a dog or does not play chess, or both."),
        (["all", ["if", [A], ["or", NOT_B, NOT_C]]], 0, "If someone is a student, then that person does not play chess or does not own a dog, or both."),
        (["all", ["or", NOT_A, B]], 0, "Everyone plays chess or is not a student, or both."),
        (["all", ["or", NOT_A, NOT_B]], 0, "No one both is a student and plays chess."),
        (some(NOT_A, B), 0, "At least one person is not a student and plays chess."),
        (["named", ["xor", [0, True, 1], [2, False, 1]]], 0, "Bo either is a student or does not own a dog, but not both."),
        (["named", ["or", [0, True, 0], [2, True, 1]]], 0, "Ann is a student or Bo owns a dog, or both."),
        (["named", ["if", [[0, False, 0]], ["is", [2, False, 0]]]], 0, "If Ann is not a student, then Ann does not own a dog."),
    ],
)  # fmt: skip
def test_english(sentence: list, variant: int, text: str) -> None:
    assert english(sentence, ["is a student", "plays chess", "owns a dog"], ["Ann", "Bo"], variant) == text


def test_unknown_is_read_as_uncertain_and_the_paper_s_rule_wants_the_text() -> None:
    item = replace(TASK.item(0, 0), answer="Uncertain")
    scores = [
        (TASK.verify(f"```\n{text}\n```", item).value, TASK.verify(f"```\n{text}\n```", item, "paper").value)
        for text in ("Uncertain", "unknown", "uncertain", "True")
    ]
    assert scores == [(1.0, 1.0), (1.0, 0.0), (1.0, 0.0), (0.0, 0.0)]
    assert TASK.verify("```\nTrue\n```", item).reason == "the conclusion does not follow from the premises"


def test_knobs_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="more than min_premises"):
        load("puzzles/folio", needed=4)
    with pytest.raises(ConfigError, match="too many to decide"):
        load("puzzles/folio", predicates=8, people=3)


def test_a_contraposition_is_the_same_sentence() -> None:
    assert plain(every(A, B)) == plain(every(NOT_B, NOT_A)) == plain(["all", ["or", B, NOT_A]])
    assert plain(every(A, B)) != plain(every(B, A))
    assert plain(["named", ["xor", [0, True, 0], [1, False, 0]]]) == plain(["named", ["xor", [1, True, 0], [0, False, 0]]])
    assert plain(["named", ["xor", [0, True, 0], [1, True, 0]]]) != plain(["named", ["xor", [1, True, 0], [0, False, 0]]])


def test_copies_under_other_names_are_the_same_puzzle() -> None:
    rng = random.Random(2)
    forms = set()
    for i in range(40):
        meta = load("puzzles/folio", "hard").item(6, i).meta
        predicates, people = (rng.sample(range(meta[what]), meta[what]) for what in ("predicates", "people"))

        def moved(part: Any, predicates: list[int] = predicates, people: list[int] = people) -> Any:
            if not isinstance(part, list):
                return part
            if isinstance(part[0], int):
                return [predicates[part[0]], part[1], None if part[2] is None else people[part[2]]]
            return [moved(inner) for inner in part]

        premises = [moved(premise) for premise in rng.sample(meta["premises"], len(meta["premises"]))]
        form = canonical(meta["premises"], meta["conclusion"])
        assert canonical(premises, moved(meta["conclusion"])) == form
        forms.add(form)
    assert len(forms) == 40


def test_no_premise_is_there_twice_in_other_words() -> None:
    for i in range(40):
        premises = load("puzzles/folio", "hard").item(7, i).meta["premises"]
        assert len({str(plain(premise)) for premise in premises}) == len(premises)
