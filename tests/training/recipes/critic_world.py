"""Views made by hand for recipes with a critic, and small runs of the trainer on the bundled policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.training.small import sample, setting
from thinkwell.lab import artifacts
from thinkwell.training.recipe import RECIPES
from thinkwell.training.sample import Rollouts
from thinkwell.training.stage import Rl, View
from thinkwell.training.trainer import train

SIZES = {"steps": 2, "prompts": 2, "group_size": 4, "max_tokens": 160, "levels": (1, 2)}


def stage_of(name: str, **knobs: Any) -> Rl:
    recipe = RECIPES.get(name)
    (stage,) = recipe.stages(recipe.Config(**knobs), setting())
    assert isinstance(stage, Rl)
    return stage


def view(
    rewards: list[float],
    values: list[list[float]],
    *,
    finished: list[bool] | None = None,
    cut: list[bool] | None = None,
    after: float = 0.0,
) -> View:
    """Every token of every row is trained."""
    rows = len(rewards)
    batch = Rollouts(tuple(sample(group=str(row)) for row in range(rows)))
    return View(
        batch,
        torch.tensor(rewards, dtype=torch.float64),
        torch.ones(rows, len(values[0]), dtype=torch.bool),
        torch.arange(rows),
        torch.tensor(finished or [True] * rows),
        torch.tensor(cut or [False] * rows),
        torch.tensor(values, dtype=torch.float64),
        torch.full((rows,), after, dtype=torch.float64),
    )  # fmt: skip


GOLDEN = [[0.5, 0.6, 0.4, 0.7]]
"""The values of the golden numbers of GAE and EGAE."""


def run(name: str, out: Path, model: str | Path | None = None, **knobs: Any) -> list[dict[str, Any]]:
    report = train(name, out=out, model=str(model or artifacts.path("policy")), knobs={**SIZES, **knobs}, eval_problems=0)
    return report.steps


def untimed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without what a clock says."""
    return [{name: value for name, value in row.items() if not name.startswith(("seconds", "time/"))} for row in rows]
