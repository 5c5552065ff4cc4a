"""The scorers by name, and how to make one for an engine. Importing this module imports no scorer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from thinkwell.core.errors import UnknownName
from thinkwell.core.registry import Registry
from thinkwell.engines.protocol import Engine
from thinkwell.scorers.protocol import Scorer

SCORERS: Registry[Callable[..., Scorer]] = Registry("scorer", "thinkwell.scorers", "thinkwell.scorers")


def load_scorer(name: str, engine: Engine | None = None, **options: Any) -> Scorer:
    """Make the scorer that methods call `name`, for the paths of `engine`. With recorded samples, "prm" and "orm" are what was recorded.

    Raises `UnknownName`, `ModelError`, `MissingExtra`.
    """
    try:
        load = SCORERS.get(name)
    except UnknownName:
        raise UnknownName("scorer", name, SCORERS.names()) from None
    return load(engine, **options)


@SCORERS.add("prm")
def prm(engine: Engine | None = None, model: str | Path | None = None, **options: Any) -> Scorer:
    """A process reward model: a score a step. model: a folder (default: the bundled one); options: those of `ProcessRewardModel`."""
    if model is None and callable(getattr(engine, "recorded_scores", None)):
        from thinkwell.scorers.recorded import RecordedScorer

        return RecordedScorer(engine)
    from thinkwell.scorers.prm import ProcessRewardModel

    return ProcessRewardModel.load(model, engine, **options)


@SCORERS.add("flexive")
def flexive(engine: Engine | None = None, **options: Any) -> Scorer:
    """A generative verifier: it writes its judgements through the session that asks. options: the knobs of `Verifier`, e.g. verify="flex@8"."""
    from thinkwell.scorers.flexive import FlexiVe

    return FlexiVe(engine, **options)


@SCORERS.add("orm")
def orm(engine: Engine | None = None, model: str | Path | None = None, **options: Any) -> Scorer:
    """An outcome reward model: one score a path."""
    from thinkwell.scorers.outcome import OutcomeScorer

    return OutcomeScorer(prm(engine, model, **options))
