"""The scaffold writes what passes at once; the doctor says what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import thinkwell.cli.doctor as doctor
from thinkwell.core.method import METHODS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A checkout with the folders that a method lives in."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "artifacts", ".build"))
    for folder in ("tests/methods", "docs/methods"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "methods" / "conftest.py", tmp_path / "tests" / "methods")
    return tmp_path


def test_a_new_method_has_its_three_files_and_its_test_passes_at_once(cli, house):
    done = cli("new", "method", "first_answer", "--paper", 'A "paper" (2025)', "--arxiv", "2501.00000", "--root", house, "--json")
    assert done.code == 0, done.err
    files = [Path(file) for file in done.json["files"]]
    assert [file.relative_to(house).as_posix() for file in files] == [
        "src/thinkwell/methods/first_answer.py",
        "tests/methods/test_first_answer.py",
        "docs/methods/first_answer.md",
    ]
    assert not any("@" in file.read_text().replace("@pytest", "") for file in files)
    environment = {**os.environ, "PYTHONPATH": str(house / "src")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=house,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    assert "3 passed" in run.stdout
    lint = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), *map(str, files[:2])],
        capture_output=True,
        text=True,
    )
    assert lint.returncode == 0, lint.stdout
    form = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "--config", str(ROOT / "pyproject.toml"), *map(str, files[:2])],
        capture_output=True,
        text=True,
    )
    assert form.returncode == 0, form.stdout


@pytest.mark.parametrize("name", ["My-Method", "2fast", "class", "", "_hidden", METHODS.names()[0]])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(cli, house, name):
    before = sorted(house.rglob("*"))
    done = cli("new", "method", "--root", house, "--", name)
    assert done.code == 2
    assert "error:" in done.err
    assert sorted(house.rglob("*")) == before


def test_a_file_that_exists_is_never_overwritten(cli, house):
    page = house / "docs" / "methods" / "mine.md"
    page.write_text("precious")
    assert cli("new", "method", "mine", "--root", house).code == 2
    assert page.read_text() == "precious"
    assert not (house / "src" / "thinkwell" / "methods" / "mine.py").exists()


def test_outside_of_a_checkout_the_error_says_where_to_go(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("new", "method", "mine")
    assert done.code == 2
    assert "--root" in done.err


def test_the_doctor_reports_every_part(cli):
    done = cli("doctor", "--json")
    facts = done.json
    assert {"thinkwell", "python", "extras", "engines", "plugins", "lab", "machine", "problems"} <= facts.keys()
    assert set(facts["extras"]) == {"local", "train", "trl", "verl", "data", "serve", "dev"}
    assert facts["extras"]["local"]["ok"]
    assert {"local", "openai", "replay"} <= {engine["name"] for engine in facts["engines"]}
    assert facts["plugins"]["methods"]["loaded"] == METHODS.names()
    assert facts["machine"]["cpus"] >= 1
    assert done.code == (1 if facts["problems"] else 0)
    assert cli("doctor").out.startswith("thinkwell ")


def test_a_plugin_that_failed_to_load_is_reported_with_its_reason(cli, monkeypatch):
    METHODS.names()
    monkeypatch.setitem(METHODS.failures, "broken", ImportError("no such thing"))
    done = cli("doctor")
    assert done.code == 1
    assert "broken" in done.out
    assert "no such thing" in done.out
    asked = cli("methods", "broken")
    assert asked.code == 1
    assert "no such thing" in asked.err


def test_a_bridge_that_does_not_load_is_reported_though_its_library_would_be_silent(cli, monkeypatch):
    from importlib import metadata

    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.9.1" if name == "verl" else real(name))
    monkeypatch.setitem(sys.modules, "verl", None)  # an import of it raises
    done = cli("doctor", "--json")
    assert done.code == 1
    assert done.json["bridges"]["verl"]["version"] == "0.9.1"
    assert any("bridge to verl" in problem for problem in done.json["problems"])


def test_missing_artifacts_and_extras_come_with_what_to_do(cli, monkeypatch):
    from importlib import metadata

    real = metadata.version

    def version(name: str) -> str:
        if name == "torch":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(doctor, "_artifacts", lambda: {"folder": "nowhere", "files": {}, "bytes": 0})
    done = cli("doctor")
    assert done.code == 1
    assert "pip install 'thinkwell[local]'" in done.out
    assert "thinkwell lab build" in done.out
