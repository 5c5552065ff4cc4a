"""Every error a user can cause or meet, in one tree.

A message has three parts: what was wrong, what was expected, what to do. Only `thinkwell.cli` turns these into exit codes:
`UsageError` and its children exit with 2, every other `ThinkwellError` with 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ThinkwellError(Exception):
    """Root of all errors raised on purpose by this package."""


class UsageError(ThinkwellError):
    """The user asked for something that cannot be: mend the request and run again (exit code 2)."""


class UnknownName(UsageError):
    """A method, task, knob, engine ... that does not exist; offers the nearest names that do."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        near = difflib.get_close_matches(name, self.known, n=3, cutoff=0.5)
        offer = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else f"known: {', '.join(self.known) or 'none'}."
        super().__init__(f"unknown {kind} {name!r}; {offer}{' ' + hint if hint else ''}")


class ConfigError(UsageError):
    """A knob has a value outside its range or of the wrong type."""


class BudgetError(UsageError):
    """A budget that no method could answer in (zero, negative, below one answer)."""


class MissingCapability(UsageError):
    """A method needs something that the engine cannot do; raised before anything runs."""

    def __init__(self, method: str, missing: Iterable[str], engine: str, have: Iterable[str]) -> None:
        self.method, self.engine, self.missing = method, engine, sorted(missing)
        able = sorted(have)
        where = f"engines that have it: {', '.join(able)}." if able else "no registered engine has it."
        super().__init__(f"method {method!r} needs {', '.join(self.missing)}, which engine {engine!r} does not offer; {where}")


class DataError(UsageError):
    """A data file that is missing, malformed (names the line) or of an unknown layout."""


class ModelError(UsageError):
    """A model folder or id that cannot be loaded."""


class UnsupportedModel(ModelError):
    """A model type that the local engine cannot run; names the type and the supported ones."""


class RunFolderError(UsageError):
    """A run folder that belongs to another configuration, another live process, or cannot be written."""


class MissingExtra(UsageError):
    """An optional dependency is not installed; names the extra that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed; it comes with the extra {extra!r}: pip install 'thinkwell[{extra}]'.")


class EngineError(ThinkwellError):
    """An engine failed while running (exit code 1)."""


class ServerError(EngineError):
    """A server answered with an error after all retries."""


class ServerUnreachable(ServerError, UsageError):
    """No server at the address, or it speaks something else (exit code 2: mend the address)."""


class ReplayExhausted(EngineError):
    """A method asked a replay engine for more samples than were recorded."""


class PathReused(ThinkwellError):
    """A method extended the same path value twice; the keyed noise would repeat. Fork it first."""


class PluginError(ThinkwellError):
    """An entry point that failed to load, with the original error as cause."""
