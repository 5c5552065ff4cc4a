"""Rules by example: is a hidden sequence of steps determined, as far as one more input is concerned, by what it did to the examples?

The family of steps is stated in the prompt, so the question has an exact answer: run through all sequences of it. States (what became of the examples and of the test
input) that were reached before are not followed again, a last step that has an inverse is looked up from its end, and one that cannot have made the outputs is left out, so that
three steps of forty kinds take some tens of milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

Change = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of step. apply: defined for every value. undo: its inverse where it is one to one, so that apply(x) == y just if x == undo(y).

    idempotent: done twice it is done once, apply(apply(x)) == apply(x); so it makes y of some value only if it leaves y as it is.
    """

    name: str
    apply: Change
    undo: Change | None = None
    idempotent: bool = False


def determined(family: Sequence[Step], inputs: Sequence[Hashable], outputs: Sequence[Hashable], test: Hashable, steps: int) -> Any:
    """What every sequence of at most `steps` steps that leads from all inputs to their outputs makes of `test`.

    None if two of them differ, or if fewer steps than `steps` fit already (then the puzzle is easier than it says), or if none fits.
    """
    goal = tuple(outputs)
    layer = [(*inputs, test)]
    seen = set(layer)
    if layer[0][:-1] == goal:
        return None
    for _ in range(steps - 1):
        grown = []
        for state in layer:
            for step in family:
                after = tuple(map(step.apply, state))
                if after not in seen:
                    if after[:-1] == goal:
                        return None
                    seen.add(after)
                    grown.append(after)
        layer = grown
    reached: dict[tuple[Hashable, ...], list[Hashable]] = {}
    for state in seen:
        reached.setdefault(state[:-1], []).append(state[-1])
    # A last step is tried on the first example once for all states that agree in it.
    by_first: dict[Hashable, list[tuple[Hashable, ...]]] = {}
    for examples in reached:
        by_first.setdefault(examples[0], []).append(examples)
    results: set[Any] = set()
    for step in family:
        if step.undo is not None:
            results.update(map(step.apply, reached.get(tuple(map(step.undo, goal)), ())))
        elif not step.idempotent or tuple(map(step.apply, goal)) == goal:
            for first, states in by_first.items():
                if step.apply(first) == goal[0]:
                    for examples in states:
                        if tuple(map(step.apply, examples)) == goal:
                            results.update(map(step.apply, reached[examples]))
        if len(results) > 1:
            return None
    return results.pop() if results else None


def sequence(family: Sequence[Step], inputs: Sequence[Hashable], outputs: Sequence[Hashable], steps: int) -> list[Step]:
    """The first sequence, shortest first, that leads from all inputs to their outputs: tried one by one on the first example, then on the others.

    Raises ValueError if there is none of at most `steps` steps.
    """

    def search(value: Hashable, left: int, done: list[Step]) -> list[Step] | None:
        if left == 0:
            return done if value == outputs[0] and all(run(done, x) == y for x, y in zip(inputs, outputs, strict=True)) else None
        for step in family:
            found = search(step.apply(value), left - 1, [*done, step])
            if found is not None:
                return found
        return None

    for length in range(1, steps + 1):
        found = search(inputs[0], length, [])
        if found is not None:
            return found
    raise ValueError(f"no sequence of at most {steps} steps fits the examples")


def run(steps: Sequence[Step], value: Any) -> Any:
    for step in steps:
        value = step.apply(value)
    return value
