"""Options that several commands share, and what they mean together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from thinkwell.cli.arguments import knobs_of
from thinkwell.core.errors import ConfigError

EngineName = Annotated[str, typer.Option("--engine", metavar="local|openai|replay", help="Who writes the tokens.")]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Model folder or hub id (local), served name (openai), recorded model (replay). Default of local: the bundled lab model.",
    ),
]
BaseUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Address of an OpenAI-compatible server, e.g. http://localhost:8000/v1; repeat it for several servers.",
    ),
]
PresetName = Annotated[str | None, typer.Option("--preset", help="How the question is put; default: the task's own for the engine.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of every random choice; the same seed gives the same tokens.")]
BudgetItems = Annotated[
    list[str] | None, typer.Option("--budget", metavar="KEY=VALUE", help="Ceilings a problem: tokens=1024 scorer_calls=64 seconds=3.")
]
KnobItems = Annotated[
    list[str] | None, typer.Option("--set", metavar="METHOD.KNOB=VALUE", help="A knob of a method, as `thinkwell methods NAME` lists them.")
]
Temperature = Annotated[float | None, typer.Option("--temperature", help="Sampling temperature; default: the preset's.")]
TopP = Annotated[float | None, typer.Option("--top-p", help="Nucleus sampling; default: the preset's.")]
EngineKnobs = Annotated[
    list[str] | None,
    typer.Option("--engine-set", metavar="KEY=VALUE", help="An option of the engine, such as dtype=float32 or concurrency=256."),
]
EnginesFor = Annotated[
    list[str] | None,
    typer.Option(
        "--engine-for",
        metavar="ROLE=ENGINE",
        help="Another engine for a role of a method: critic=lab, critic=./model, critic=openai:model=big,base_url=http://localhost:8000/v1. The budget is of all together.",
    ),
]
RewardModel = Annotated[
    str | None, typer.Option("--prm", metavar="PATH", help="Process reward model; default: the one that comes with the engine's model.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
RunFolder = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Run folder: results, resume, report.html.")]


def engine_options(engine: str, base_urls: Sequence[str] | None, knobs: Sequence[str] | None) -> dict[str, Any]:
    """Keywords of `load_engine` besides the model. Raises `ConfigError` for a --base-url that the engine does not take."""
    if base_urls and engine != "openai":
        raise ConfigError(
            f"--base-url is for servers, but the engine is {engine!r}; expected --engine openai with it. Add that or leave --base-url out."
        )
    named = knobs_of([f"engine.{knob}" for knob in knobs or []]).get("engine", {})
    return {**named, **({"base_url": list(base_urls)} if base_urls else {})}
