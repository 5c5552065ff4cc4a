"""Several engines in one run: which seat of a method (a role, or a name it gives) has an engine of its own, and whether that can work.

A method says by `seats` which there are; one that says nothing has the solver's. It gets the engines of its own seats and no others, so `--engine-for critic=...`
changes nothing for the methods of a comparison that have no critic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingCapability, UnknownName
from thinkwell.core.method import Method, examine, require, seats_of
from thinkwell.core.path import Role
from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Engine
from thinkwell.engines.registry import load_engine
from thinkwell.runs.spec import parse_method
from thinkwell.scorers.protocol import Scorer, WritingScorer


def engines_of(items: Sequence[str]) -> dict[str, str]:
    """`critic=lab` texts as {seat: engine}. Raises `ConfigError` for what is no such pair, and for a seat named twice."""
    found: dict[str, str] = {}
    for item in items:
        seat, sign, engine = (part.strip() for part in item.partition("="))
        if not (sign and seat and engine):
            raise ConfigError(f"--engine-for {item!r} names no engine; expected ROLE=ENGINE, write for example --engine-for critic=lab.")
        if seat in found:
            raise ConfigError(f"--engine-for names {seat!r} twice, {found[seat]!r} and {engine!r}; expected one engine. Leave one out.")
        found[seat] = engine
    return found


def refuse_seats(methods: Sequence[Method], seats: Sequence[str]) -> None:
    """Raise `UnknownName` for a seat that none of the methods has."""
    known = sorted({seat for method in methods for seat in seats_of(method)})
    for seat in seats:
        if seat not in known:
            raise UnknownName("role in --engine-for", seat, known, hint="These are the roles of the methods that run.")


def load_engines(wanted: Mapping[str, str | Engine], own: Mapping[str, Engine], owned: list[Engine | Scorer]) -> dict[str, Engine]:
    """An engine for every seat; one that is named for several is made once, and one in `own` (text -> engine) is taken from there. What is made is put into `owned`.

    An engine is written as its name, a model folder, or `name:option=value,option=value`.
    """
    made = dict(own)
    found: dict[str, Engine] = {}
    for seat, text in wanted.items():
        if not isinstance(text, str):
            found[seat] = text
            continue
        if text not in made:
            name, options = (text, {}) if Path(text).is_dir() else parse_method(text)
            made[text] = load_engine(name, **options)
            owned.append(made[text])
        found[seat] = made[text]
    return found


def engines_for(method: Method, engines: Mapping[str, Engine]) -> dict[str, Engine]:
    """Those that the method has a seat for."""
    return {seat: engine for seat, engine in engines.items() if seat in seats_of(method)}


def refuse_scorers(
    scorers: Mapping[str, Scorer], engine: Engine, engines: Mapping[str, Engine], others: Sequence[tuple[str, frozenset[Capability]]]
) -> None:
    """Raise `MissingCapability` for a scorer that judges by writing where the verifier's engine can write nothing new: it would be given recorded samples as verdicts."""
    writer = engines.get(Role.VERIFIER.value, engine)
    for name, scorer in scorers.items():
        if isinstance(scorer, WritingScorer) and Capability.FRESH_SAMPLES not in writer.capabilities:
            able = [other for other, have in others if Capability.FRESH_SAMPLES in have]
            raise MissingCapability(f"scorer {name}", [Capability.FRESH_SAMPLES], writer.info.name, able)


async def refuse_engines(
    methods: Sequence[Method], engines: Mapping[str, Engine], preset: Preset, others: Sequence[tuple[str, frozenset[Capability]]]
) -> None:
    """Raise `MissingCapability` or `ConfigError` for a method that the engine of one of its seats cannot run."""
    for method in methods:
        for engine in {id(engine): engine for engine in engines_for(method, engines).values()}.values():
            require(method, engine.info.name, engine.capabilities, others)
            await examine(method, engine, preset)
