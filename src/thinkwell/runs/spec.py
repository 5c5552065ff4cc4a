"""What to compare: the request as the user gave it, and the methods as they will run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Literal

import yaml

from thinkwell.core.budget import SHORTEST_ANSWER, Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import BudgetError, ConfigError, DataError, UnknownName
from thinkwell.core.method import METHODS, Method, examine, require
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.engines.protocol import Engine

IN_FLIGHT = 128  # problems at a time: fills the local engine's batch; raise it for a big server


@dataclass(frozen=True, slots=True)
class CompareSpec:
    """A comparison of methods on one task.

    methods: `name` or `name:knob=value,knob=value`. knobs: of each method by name, for all its labels; a label's own knob wins.
    engines_for: engines by role, as `--engine-for` takes them. samples: repetitions of every (method, problem). in_flight: problems at a time.
    order: "method" finishes one method before the next, so that `seconds` is the method's own; "mixed" starts the next one while the last
    problems of the one before still run. out: run folder (None: nothing is kept). grow: methods, limit and samples may differ from what the
    folder has; what is there is reused.
    """

    task: str
    methods: tuple[str, ...]
    knobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    data: str | None = None
    limit: int | None = None
    seed: int = 0
    budget: Budget = field(default_factory=Budget)
    engine: str = "lab"
    model: str | None = None
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    engines_for: Mapping[str, str | Engine] = field(default_factory=dict)
    task_options: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    sampling: Sampling | None = None
    samples: int = 1
    in_flight: int = IN_FLIGHT
    order: Literal["method", "mixed"] = "method"
    out: FilePath | None = None
    grow: bool = False
    command: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("samples", "in_flight"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} leaves nothing to do; give at least 1.")
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"limit={self.limit} leaves no problems; give at least 1.")
        if self.order not in ("method", "mixed"):
            raise ConfigError(f"order={self.order!r} is unknown; expected 'method' or 'mixed'.")
        if not self.methods:
            raise ConfigError("no method to compare; name at least one, see `thinkwell methods`.")


@dataclass(frozen=True, slots=True)
class Arm:
    """A method ready to run: `label` is what the user wrote, `config` every knob after fitting to the budget."""

    label: str
    method: Method

    @property
    def name(self) -> str:
        return self.method.name

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.method.config.model_dump(mode="json")
        return config


def parse_method(text: str) -> tuple[str, dict[str, Any]]:
    """`name:knob=value,knob=value` as (name, knobs); values are YAML, so lists and strings with commas are written `[1, 2]` and `"a, b"`."""
    name, colon, rest = text.strip().partition(":")
    knobs: dict[str, Any] = {}
    for item in _split(rest) if colon else []:
        knob, sign, value = item.partition("=")
        if not sign or not knob.strip():
            raise ConfigError(f"method {text!r}: {item!r} is no knob; write name:knob=value,knob=value.")
        try:
            knobs[knob.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"method {text!r}: the value of {knob.strip()!r} is not YAML; quote it.") from None
    return name, knobs


def arms_of(spec: CompareSpec, preset: Preset) -> list[Arm]:
    """The methods of a specification, fitted to its budget. Raises `UnknownName` and `ConfigError` for what does not exist or fit."""
    if len(set(spec.methods)) < len(spec.methods):
        twice = next(label for label in spec.methods if spec.methods.count(label) > 1)
        raise ConfigError(f"method {twice!r} is named twice; every method of a comparison must differ in its name or a knob.")
    names = {parse_method(label)[0] for label in spec.methods}
    for name in spec.knobs:
        if name not in names:
            raise UnknownName("method in --set", name, names, hint="It is not among the methods compared.")
    arms = []
    for label in spec.methods:
        name, own = parse_method(label)
        knobs = {**spec.knobs.get(name, {}), **own}
        kind = METHODS.get(name)
        arms.append(Arm(label, kind(kind.Config.parse(knobs, name)).fit(spec.budget, preset)))
    return arms


async def refuse_impossible(
    arms: Sequence[Arm],
    problems: Sequence[Problem],
    preset: Preset,
    engine: Engine,
    budget: Budget,
    others: Sequence[tuple[str, frozenset[Capability]]],
) -> None:
    """Raise the `UsageError` of anything that cannot work, before anything runs: problems without a reference, a method that the engine
    cannot run or whose knobs do not fit its vocabulary, a budget in which not even the shortest answer fits."""
    if not problems:
        raise DataError("the task gave no problems; expected at least one. Check --data and --limit.")
    for problem in problems:
        if problem.reference is None:
            raise DataError(f"problem {problem.id!r} has no reference answer; expected one to grade against. Add it to the data file.")
    ids = {problem.id for problem in problems}
    if len(ids) < len(problems):
        raise DataError(f"{len(problems) - len(ids)} problems repeat another one's id; expected every id once. Mend the data file.")
    for arm in arms:
        require(arm.method, engine.info.name, engine.capabilities, others)
        await examine(arm.method, engine, preset)
    await refuse_budget(budget, engine, min((problem.gold or "" for problem in problems), key=len))


async def refuse_budget(budget: Budget, engine: Engine, answer: str = "7") -> None:
    """Raise `BudgetError` for a budget in which not even `answer` fits."""
    if budget.tokens is None:
        return
    boxed = f"\\boxed{{{answer}}}"
    needed = len(await engine.encode(boxed)) if Capability.TOKEN_IDS in engine.capabilities else SHORTEST_ANSWER
    if budget.tokens < needed:
        raise BudgetError(
            f"budget tokens={budget.tokens} is below one answer: {boxed} alone takes {needed} tokens. Give more, 1024 for example."
        )


def _split(text: str) -> list[str]:
    """Split at commas that stand outside brackets and quotes."""
    items, depth, quote, start = [], 0, "", 0
    for position, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[{(":
            depth += 1
        elif char in "]})":
            depth -= 1
        elif char == "," and depth == 0:
            items.append(text[start:position])
            start = position + 1
    return [item for item in (*items, text[start:]) if item.strip()]
