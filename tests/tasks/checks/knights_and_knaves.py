"""An independent judge of knights and knaves: reads the sentences of the prompt, not the facts behind them, and goes through all worlds."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import product

from thinkwell.tasks.puzzle import Item

World = dict[str, bool]
NUMBERS = dict(zip(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"), range(1, 12), strict=True))


def check(answer: str, item: Item) -> bool:
    return re.sub(r"\W+", " ", answer).strip().lower() == label(item.prompt)


@cache  # a fuzzer asks thousands of times of one item
def label(prompt: str) -> str:
    people = re.search(r"^The people: (.*)\.$", prompt, re.MULTILINE)[1].split(", ")  # type: ignore[index]
    spoken = re.findall(r'^(\w+) says: "(.*)\."$', prompt, re.MULTILINE)
    assert [name for name, _ in spoken] == people
    claims = [(name, meaning(text, name)) for name, text in spoken]
    asked = meaning(re.search(r"^Statement: (.*)\.$", prompt, re.MULTILINE)[1], None)  # type: ignore[index]
    worlds = [dict(zip(people, kinds, strict=True)) for kinds in product((True, False), repeat=len(people))]
    possible = [world for world in worlds if all(claim(world) == world[name] for name, claim in claims)]
    assert possible
    truths = {asked(world) for world in possible}
    return "unknown" if len(truths) == 2 else "entailment" if True in truths else "contradiction"


def meaning(text: str, speaker: str | None) -> Callable[[World], bool]:
    text = text[0].lower() + text[1:] if re.match(r"(If|At|Exactly)\b", text) else text

    def who(name: str) -> str:
        return speaker if name in ("I", "me") else name  # type: ignore[return-value]

    if m := re.fullmatch(r"(exactly|at least|at most) (\w+) of (?:us|the people) (?:is a|are) (knight|knave)s?", text):
        n, of_knights = NUMBERS[m[2]], m[3] == "knight"
        test = {"exactly": int.__eq__, "at least": int.__ge__, "at most": int.__le__}[m[1]]
        return lambda world: bool(test(sum(kind == of_knights for kind in world.values()), n))
    if m := re.fullmatch(r"(\w+) and (\w+) are of (the same kind|different kinds)", text):
        return lambda world: (world[who(m[1])] == world[who(m[2])]) == (m[3] == "the same kind")
    if m := re.fullmatch(r"(\w+) and (\w+) are both (knight|knave)s", text):
        return lambda world: world[who(m[1])] == world[who(m[2])] == (m[3] == "knight")
    if m := re.fullmatch(r"at least one of (\w+) and (\w+) is a (knight|knave)", text):
        return lambda world: (m[3] == "knight") in (world[who(m[1])], world[who(m[2])])
    if m := re.fullmatch(r"if (.*), then (.*)", text):
        first, second = meaning(m[1], speaker), meaning(m[2], speaker)
        return lambda world: second(world) if first(world) else True
    if m := re.fullmatch(r"(.*) (and|or) (.*)", text):
        left, right, together = meaning(m[1], speaker), meaning(m[3], speaker), all if m[2] == "and" else any
        return lambda world: together((left(world), right(world)))
    m = re.fullmatch(r"(\w+) (?:is|am) a (knight|knave)", text)
    assert m, text
    return lambda world: world[who(m[1])] == (m[2] == "knight")
