"""thinkwell makes language models think well: every reasoning method behind one interface, on any model, compared at equal cost.

    import thinkwell
    thinkwell.solve("Tom has 3 bags of 4 apples. How many apples?", method="self_consistency").answer
    thinkwell.compare("lab/arithmetic", ["single", "best_of_n"], limit=20, budget={"tokens": 1024})

Names are loaded on first use, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thinkwell.answers.grade import grade as grade
    from thinkwell.ask import Solution as Solution
    from thinkwell.ask import solve as solve
    from thinkwell.ask import solve_async as solve_async
    from thinkwell.core.answer import Answer as Answer
    from thinkwell.core.answer import AnswerKind as AnswerKind
    from thinkwell.core.answer import Verdict as Verdict
    from thinkwell.core.answer import VerdictValue as VerdictValue
    from thinkwell.core.budget import Budget as Budget
    from thinkwell.core.budget import Usage as Usage
    from thinkwell.core.capability import Capability as Capability
    from thinkwell.core.config import Knobs as Knobs
    from thinkwell.core.errors import ThinkwellError as ThinkwellError
    from thinkwell.core.method import METHODS as METHODS
    from thinkwell.core.method import About as About
    from thinkwell.core.method import Outcome as Outcome
    from thinkwell.core.path import Origin as Origin
    from thinkwell.core.path import Path as Path
    from thinkwell.core.path import Segment as Segment
    from thinkwell.core.problem import Problem as Problem
    from thinkwell.core.prompt import Preset as Preset
    from thinkwell.core.sampling import Sampling as Sampling
    from thinkwell.engines.registry import load_engine as load_engine
    from thinkwell.runs.compare import compare as compare
    from thinkwell.runs.compare import compare_async as compare_async
    from thinkwell.session import Session as Session

_HOMES = {
    "grade": "answers.grade",
    "Solution": "ask",
    "solve": "ask",
    "solve_async": "ask",
    "Answer": "core.answer",
    "AnswerKind": "core.answer",
    "Verdict": "core.answer",
    "VerdictValue": "core.answer",
    "Budget": "core.budget",
    "Usage": "core.budget",
    "Capability": "core.capability",
    "Knobs": "core.config",
    "ThinkwellError": "core.errors",
    "METHODS": "core.method",
    "About": "core.method",
    "Outcome": "core.method",
    "Origin": "core.path",
    "Path": "core.path",
    "Segment": "core.path",
    "Problem": "core.problem",
    "Preset": "core.prompt",
    "Sampling": "core.sampling",
    "load_engine": "engines.registry",
    "compare": "runs.compare",
    "compare_async": "runs.compare",
    "Session": "session",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("thinkwell")
    if name not in _HOMES:
        raise AttributeError(f"module 'thinkwell' has no attribute {name!r}")
    value = getattr(import_module(f"thinkwell.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
