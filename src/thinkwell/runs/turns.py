"""Which methods put turns to a model that it was not taught: a line a reader must see before believing their numbers.

A small model answers only what it has learnt. A method says which turns of its own it puts to whom (`turns`), an engine what its model was taught
(`EngineInfo.taught`); where an engine does not say, as for served models that follow instructions, nothing is said here either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thinkwell.core.method import Method, Turn, turns_of
from thinkwell.core.path import Role
from thinkwell.engines.protocol import Engine
from thinkwell.runs.seats import engines_for
from thinkwell.scorers.protocol import Scorer

ROLES = frozenset(role.value for role in Role)


def untaught(
    methods: Sequence[tuple[str, Method]],
    engine: Engine,
    engines: Mapping[str, Engine],
    scorers: Mapping[str, Scorer],
    others: Sequence[tuple[str, frozenset[str]]],
) -> list[str]:
    """A sentence for each model that was not taught all it will be asked, naming the methods (by label) and the engines of `others` whose model was.

    engines: by seat, as `Session` takes them; others: engines by name with the wordings that their models were taught.
    """
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for label, method in methods:
        for model, turns, wanted in _missing(method, engine, engines, scorers):
            able = tuple(name for name, taught in others if {turn.wording for turn in turns} <= taught)
            seats = sorted({turn.seat for turn in turns})
            who = label if turns == wanted else f"{label} (as {', '.join(seats)})"
            found.setdefault((model, able), []).append(who)
    return [_sentence(model, able, labels) for (model, able), labels in found.items()]


def _missing(
    method: Method, engine: Engine, engines: Mapping[str, Engine], scorers: Mapping[str, Scorer]
) -> list[tuple[str, frozenset[Turn], frozenset[Turn]]]:
    """Each model with the turns it was not taught, and all turns of the method."""
    own = engines_for(method, engines)
    judged: frozenset[Turn] = frozenset().union(*(getattr(scorers.get(name), "turns", frozenset()) for name in method.scorers))
    wanted = turns_of(method) | judged
    models: dict[str, set[Turn]] = {}
    for turn in wanted:
        # As in `Session.open`: a role without an engine of its own has the run's, a name that the method gives has the solver's.
        writer = own.get(turn.seat, engine if turn.seat in ROLES else own.get(Role.SOLVER.value, engine))
        if writer.info.taught is not None and turn.wording not in writer.info.taught:
            models.setdefault(writer.info.model, set()).add(turn)
    return [(model, frozenset(turns), wanted) for model, turns in sorted(models.items())]


def _sentence(model: str, able: Sequence[str], labels: Sequence[str]) -> str:
    who = labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
    better = f"--engine {' or '.join(able)} was." if able else "no engine is known whose model was."
    return f"{who} {'talks' if len(labels) == 1 else 'talk'} in turns that the model {model!r} was not taught; {better}"
