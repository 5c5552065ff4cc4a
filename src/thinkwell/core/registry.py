"""Registries: a decorator for our own entries, entry points for other packages'.

Ours are found by importing the package's modules on first use; others' come from entry points (`thinkwell.methods`,
`thinkwell.tasks`, `thinkwell.scorers`, `thinkwell.engines`, `thinkwell.recipes`). A plugin that fails to load never breaks the others: it is kept
with its error, listed by `thinkwell doctor`, and raised as `PluginError` when asked for by name.

A registry may have folders below its package whose files register one entry each, called `folder/file` at any depth: those are imported only when asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from thinkwell.core.errors import PluginError, UnknownName

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """Named entries of one kind, loaded lazily."""

    def __init__(self, kind: str, package: str, group: str, folders: Sequence[str] = ()) -> None:
        self.kind, self.package, self.group, self.folders = kind, package, group, tuple(folders)
        self.failures: dict[str, BaseException] = {}
        self._entries: dict[str, Entry] = {}
        self._homes: dict[str, str] | None = None
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
        if module := self._find_homes().get(name):
            importlib.import_module(module)
        else:
            self._load()
        if name in self.failures:
            raise PluginError(f"{self.kind} {name!r} failed to load: {self.failures[name]!r}.") from self.failures[name]
        if name not in self._entries:
            raise UnknownName(self.kind, name, self.names())
        return self._entries[name]

    def names(self) -> list[str]:
        """All names; entries of folders are named without being imported."""
        self._load()
        return sorted({*self._entries, *self._find_homes()})

    def items(self) -> list[tuple[str, Entry]]:
        return [(name, self.get(name)) for name in self.names()]

    def home(self, name: str) -> str | None:
        """The module that registers `name`, where one file of a folder does; None for other entries."""
        return self._find_homes().get(name)

    def _find_homes(self) -> dict[str, str]:
        if self._homes is None:
            package = importlib.import_module(self.package) if self.folders else None
            self._homes = {
                f"{folder}/{module.rpartition('.')[2]}": module
                for folder in self.folders
                for module in (_modules(f"{self.package}.{folder}", [f"{path}/{folder}" for path in package.__path__]) if package else ())
            }
        return self._homes

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
            if point.name in self._find_homes() or (point.name in self._entries and self._entries[point.name] is not entry):
                taken = f"{point.name} from {point.value}"  # the first owner of a name keeps it
                self.failures[taken] = PluginError(f"the {self.kind} name {point.name!r} is taken; the plugin must choose another.")
            else:
                self._entries[point.name] = entry


def _modules(package: str, paths: list[str]) -> Iterator[str]:
    """Names of all modules below a package, found without importing any."""
    for module in pkgutil.iter_modules(paths):
        if module.ispkg:
            yield from _modules(f"{package}.{module.name}", [f"{path}/{module.name}" for path in paths])
        elif not module.name.startswith("_"):
            yield f"{package}.{module.name}"
