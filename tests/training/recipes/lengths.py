"""What tests of the recipes on length and format share: a recipe's stages, and a run of two steps."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from tests.training.small import SHORT, folder, setting
from thinkwell.training.stage import Rl
from thinkwell.training.trainer import train


def stages_of(recipe: ModuleType, **knobs: Any) -> list[Rl]:
    found = list(recipe.stages(recipe.Config(**knobs), setting()))
    assert all(isinstance(stage, Rl) for stage in found)
    return found


def stage_of(recipe: ModuleType, **knobs: Any) -> Rl:
    (only,) = stages_of(recipe, **knobs)
    return only


def run(name: str, place: Path, model: str | None = None, **knobs: Any) -> list[dict[str, Any]]:
    """Two steps on a tiny model of fresh weights, or on a named one."""
    known = {**SHORT, **knobs}
    return train(name, out=place / "run", model=model or folder(place / "tiny"), knobs=known, eval_problems=0).steps
