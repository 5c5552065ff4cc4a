"""An independent judge of first-order items: reads the sentences of the prompt, not the facts behind them, and goes through kinds of people."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import chain, combinations, product

from thinkwell.tasks.puzzle import Item

Kind = frozenset[str]
World = dict[str, Kind]
VERBS = "is|plays|sings|reads|speaks|wears|lives|owns|works|drives|likes|keeps|grows|travels|collects|drinks|runs|swims|climbs|cooks|writes|does"
PHRASE = rf"(?:(?:{VERBS})(?: (?!(?:{VERBS}|and|or)\b)\w+)+)"

NO_NAMES = {"Everyone", "French", "Spanish", "German", "Bach"}


def check(answer: str, item: Item) -> bool:
    return re.sub(r"\W+", " ", answer).strip().lower().replace("unknown", "uncertain") == label(item.prompt)


@cache  # a fuzzer asks thousands of times of one item
def label(prompt: str) -> str:
    said = re.findall(r"^[0-9]+\. (.*)\.$", prompt, re.MULTILINE)
    asked = re.search(r"^Conclusion: (.*)\.$", prompt, re.MULTILINE)[1]  # type: ignore[index]
    phrases = sorted({plain(phrase)[0] for text in (*said, asked) for phrase in re.findall(PHRASE, text)})
    names = sorted(set(re.findall(rf"\b([A-Z][a-z]+) (?=(?:either )?{PHRASE})", " ".join([*said, asked]))) - NO_NAMES)
    premises, conclusion = [meaning(text) for text in said], meaning(asked)
    return {(True, False): "true", (False, True): "false", (True, True): "uncertain"}[
        has_model([*premises, conclusion], phrases, names), has_model([*premises, denied(conclusion)], phrases, names)
    ]


def has_model(sentences: list, phrases: list[str], names: list[str]) -> bool:
    """The more kinds occur, the more "some" sentences hold; so all kinds that no "all" sentence forbids are taken to occur."""
    kinds = [frozenset(kind) for kind in chain.from_iterable(combinations(phrases, n) for n in range(len(phrases) + 1))]
    for quantifier, test in sentences:
        if quantifier == "all":
            kinds = [kind for kind in kinds if test(kind)]
    if not kinds or not all(any(map(test, kinds)) for quantifier, test in sentences if quantifier == "some"):
        return False
    tests = [test for quantifier, test in sentences if quantifier == "named"]
    return any(all(test(dict(zip(names, given, strict=True))) for test in tests) for given in product(kinds, repeat=len(names)))


def denied(sentence: tuple[str, Callable]) -> tuple[str, Callable]:
    quantifier, test = sentence
    return {"all": "some", "some": "all", "named": "named"}[quantifier], lambda x: not test(x)


def plain(phrase: str) -> tuple[str, bool]:
    if m := re.fullmatch(r"does not (\w+)( .*)", phrase):
        return f"{m[1]}s{m[2]}", False
    return phrase.replace("is not ", "is ", 1), not phrase.startswith("is not ")


def of_kind(text: str) -> Callable[[Kind], bool]:
    """ "is tall", "is tall and plays chess", "is tall or plays chess, or both", "either is tall or plays chess, but not both"."""
    m = re.fullmatch(rf"(?:either )?({PHRASE})(?: (and|or) ({PHRASE}))?(?:, (or|but not) both)?", text)
    assert m, text
    first, one = plain(m[1])
    if m[2] is None:
        return lambda kind: (first in kind) is one
    second, other = plain(m[3])
    needed = {"and": (2,), "or": (1, 2)}[m[2]] if m[4] != "but not" else (1,)
    return lambda kind: ((first in kind) is one) + ((second in kind) is other) in needed


def meaning(text: str) -> tuple[str, Callable]:
    if m := re.fullmatch(rf"Everyone who ({PHRASE}(?: and {PHRASE})?) (.*)", text) or re.fullmatch(
        r"If someone (.*), then that person (.*)", text
    ):
        condition, then = of_kind(m[1]), of_kind(m[2])
        return "all", lambda kind: then(kind) if condition(kind) else True
    if m := re.fullmatch(rf"No one who ({PHRASE}(?: and {PHRASE})?) ({PHRASE})", text):
        condition, then = of_kind(m[1]), of_kind(m[2])
        return "all", lambda kind: not (condition(kind) and then(kind))
    if m := re.fullmatch(rf"No one both ({PHRASE}) and ({PHRASE})", text):
        first, second = of_kind(m[1]), of_kind(m[2])
        return "all", lambda kind: not (first(kind) and second(kind))
    if m := re.fullmatch(r"(Everyone|At least one person) (.*)", text):
        return {"E": "all", "A": "some"}[text[0]], of_kind(m[2])
    if m := re.fullmatch(r"If (\w+) (.*), then (\w+) (.*)", text):
        condition, then = of_kind(m[2]), of_kind(m[4])
        return "named", lambda world: then(world[m[3]]) if condition(world[m[1]]) else True
    if m := re.fullmatch(rf"([A-Z]\w+) ({PHRASE}) (and|or) ([A-Z]\w+) ({PHRASE})(?:, (or|but not) both)?", text):
        first, second = of_kind(m[2]), of_kind(m[5])
        needed = {"and": (2,), "or": (1, 2)}[m[3]] if m[6] != "but not" else (1,)
        return "named", lambda world: first(world[m[1]]) + second(world[m[4]]) in needed
    m = re.fullmatch(r"([A-Z]\w+) (.*)", text)
    assert m, text
    test = of_kind(m[2])
    return "named", lambda world: test(world[m[1]])
