"""Registries: a decorator for our own entries, entry points for other packages'.

Ours are found by importing the package's modules on first use; others' come from entry points (`thinkwell.methods`,
`thinkwell.tasks`, `thinkwell.scorers`, `thinkwell.engines`, `thinkwell.recipes`). A plugin that fails to load never breaks the others: it is kept
with its error, listed by `thinkwell doctor`, and raised as `PluginError` when asked for by name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from thinkwell.core.errors import PluginError, UnknownName

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """Named entries of one kind, loaded lazily."""

    def __init__(self, kind: str, package: str, group: str) -> None:
        self.kind, self.package, self.group = kind, package, group
        self.failures: dict[str, BaseException] = {}
        self._entries: dict[str, Entry] = {}
        self._loaded = False

    def add(self, name: str) -> Callable[[Entry], Entry]:
        """Decorator: register the decorated object under `name`."""

        def register(entry: Entry) -> Entry:
            if name in self._entries and self._entries[name] is not entry:
                raise PluginError(f"two {self.kind}s are named {name!r}; rename one of them.")
            self._entries[name] = entry
            return entry

        return register

    def get(self, name: str) -> Entry:
        """The entry called `name`. Raises `UnknownName` with the nearest names, or `PluginError` if it failed to load."""
        self._load()
        if name in self.failures:
            raise PluginError(f"{self.kind} {name!r} failed to load: {self.failures[name]!r}.") from self.failures[name]
        if name not in self._entries:
            raise UnknownName(self.kind, name, self._entries)
        return self._entries[name]

    def names(self) -> list[str]:
        self._load()
        return sorted(self._entries)

    def items(self) -> list[tuple[str, Entry]]:
        return [(name, self._entries[name]) for name in self.names()]

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True  # before the imports: a module may ask for another entry while it is imported
        try:
            package = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(package.__path__):
                if not module.name.startswith("_"):
                    importlib.import_module(f"{self.package}.{module.name}")
        except BaseException:
            self._loaded = False  # or the next question would be answered from half a list
            raise
        for point in entry_points(group=self.group):
            try:
                entry = point.load()
            except Exception as error:  # noqa: BLE001  another package's import can raise anything: kept, shown by doctor, raised by name
                self.failures[point.name] = error
                continue
            if point.name in self._entries and self._entries[point.name] is not entry:
                taken = f"{point.name} from {point.value}"  # the first owner of a name keeps it
                self.failures[taken] = PluginError(f"the {self.kind} name {point.name!r} is taken; the plugin must choose another.")
            else:
                self._entries[point.name] = entry
