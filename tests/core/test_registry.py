"""Registries find our modules and others' entry points; a broken plugin is named, never swallowed."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from thinkwell.core import registry as module
from thinkwell.core.errors import PluginError, UnknownName
from thinkwell.core.registry import Registry


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry[object]:
    points = [
        EntryPoint("good", "math:pi", "t.things"),
        EntryPoint("broken", "no_such_module:x", "t.things"),
        EntryPoint("ours", "math:e", "t.things"),
    ]
    monkeypatch.setattr(module, "entry_points", lambda group: points if group == "t.things" else [])
    made: Registry[object] = Registry("thing", "thinkwell.scorers", "t.things")
    made.add("ours")("mine")
    return made


def test_own_and_plugged_entries_are_found(registry: Registry[object]) -> None:
    assert registry.names() == ["good", "ours"]
    assert registry.get("good") == pytest.approx(3.14159, abs=1e-4)


def test_a_broken_plugin_is_kept_and_raised_by_name(registry: Registry[object]) -> None:
    assert registry.names()
    assert isinstance(registry.failures["broken"], ModuleNotFoundError)
    with pytest.raises(PluginError, match="'broken' failed to load"):
        registry.get("broken")


def test_a_plugin_cannot_take_a_name_and_is_reported(registry: Registry[object]) -> None:
    assert registry.get("ours") == "mine"
    assert "ours from math:e" in registry.failures


def test_unknown_name_offers_the_nearest(registry: Registry[object]) -> None:
    with pytest.raises(UnknownName, match="did you mean 'good'"):
        registry.get("goood")


def test_two_entries_of_one_name_are_refused(registry: Registry[object]) -> None:
    with pytest.raises(PluginError, match="two things"):
        registry.add("ours")("other")


def test_an_own_module_that_cannot_be_imported_is_an_error_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "broken_things"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "first.py").write_text("raise ZeroDivisionError\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    made: Registry[object] = Registry("thing", "broken_things", "t.none")
    for _ in range(2):  # the second time the list is not taken for whole
        with pytest.raises(ZeroDivisionError):
            made.names()
