"""The rules of the house, checked mechanically: who may import whom, what is loaded when, what every method must have, what no file may hold."""

from __future__ import annotations

import ast
import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from thinkwell.core.method import METHODS
from thinkwell.core.rules import RULES
from thinkwell.tasks import TASKS
from thinkwell.training.recipe import RECIPES

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "thinkwell"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# room -> rooms it may import. A room is a folder or a module directly below the package.
EVERYTHING_BUT_CLI = {"core", "files", "answers", "engines", "scorers", "session", "methods", "tasks", "lab", "runs", "ask", "decoding"}
MAY_IMPORT: dict[str, set[str]] = {
    "core": {"core"},
    "files": {"core", "files"},
    "answers": {"core", "answers"},
    "engines": {"core", "engines", "decoding"},
    "scorers": {"core", "scorers", "engines"},
    "session": {"core", "answers", "decoding", "engines", "scorers"},
    "methods": {"core", "session", "methods", "decoding"},
    "decoding": {"core", "decoding"},
    "tasks": {"core", "files", "answers", "tasks"},
    "lab": {"core", "lab", "methods"},  # of the methods only their wording, which the lab learns
    "training": {"core", "files", "answers", "engines", "tasks", "training"},
    "runs": EVERYTHING_BUT_CLI,
    "ask": EVERYTHING_BUT_CLI,
    "claims": EVERYTHING_BUT_CLI | {"claims", "training"},
    "cli": EVERYTHING_BUT_CLI | {"cli", "claims", "training"},
    "__main__": {"cli"},
    "__init__": EVERYTHING_BUT_CLI,
}
# Allowed inside functions only: the artifacts that an engine or scorer is asked for by name, the generator that a task calls, the measuring of a model card.
MAY_IMPORT_LATE: dict[str, set[str]] = {
    "engines": {"lab"},
    "scorers": {"lab", "methods"},  # of the methods the steps of a verifier that writes
    "tasks": {"lab"},
    "training": {"lab"},  # its world, starting points and skills, which recipes train on
    "lab": EVERYTHING_BUT_CLI,
}
# heavy library -> where it may be imported when the module is loaded
HEAVY: dict[str, tuple[str, ...]] = {
    "torch": ("engines/local/", "scorers/", "lab/", "decoding/", "training/"),
    "transformers": ("engines/local/", "scorers/", "lab/"),
    "tokenizers": ("engines/local/", "lab/"),
    "safetensors": ("engines/local/", "scorers/", "lab/"),
    "math_verify": ("answers/worker.py",),
    "latex2sympy2_extended": ("answers/worker.py",),
    "sympy": ("answers/worker.py",),
    "httpx": ("engines/openai",),
    "datasets": (),
    "pyarrow": (),
    "scipy": (),
    "pysat": (),
    "chess": (),
    "vllm": ("decoding/vllm.py",),  # loaded by vLLM itself
    "trl": (),
    "verl": (),
    "ray": (),
}


@dataclass(frozen=True)
class Import:
    module: str
    line: int
    late: bool  # inside a function


def imports_of(file: Path) -> list[Import]:
    """Every import that runs (those for type checkers do not)."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    package = ["thinkwell", *file.relative_to(SOURCE).parts[:-1]] if SOURCE in file.parents else []
    return list(_imports(tree, package, late=False))


def _imports(node: ast.AST, package: list[str], late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _imports(other, package, late)
        elif isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, late)
        elif isinstance(child, ast.ImportFrom):
            base = (
                [*package[: len(package) - child.level + 1], *((child.module or "").split("."))]
                if child.level
                else (child.module or "").split(".")
            )
            name = ".".join(part for part in base if part)
            yield Import(name, child.lineno, late)
            for alias in child.names:
                yield Import(f"{name}.{alias.name}", child.lineno, late)
        else:
            yield from _imports(child, package, late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def room_of(file: Path) -> str:
    first = file.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def rel(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", MODULES, ids=rel)
def test_a_module_imports_only_from_rooms_below_it(file: Path) -> None:
    room = room_of(file)
    assert room in MAY_IMPORT, f"{room} is a new room: say in MAY_IMPORT what it may import"
    wrong = []
    for found in imports_of(file):
        parts = found.module.split(".")
        if parts[0] != "thinkwell" or len(parts) < 2 or parts[1] == "__version__":
            continue
        target = parts[1]
        allowed = MAY_IMPORT[room] | (MAY_IMPORT_LATE.get(room, set()) if found.late else set())
        if target in MAY_IMPORT and target not in allowed:
            wrong.append(f"line {found.line}: {found.module}")
    assert not wrong, f"{rel(file)} ({room}) may not import {wrong}"


def test_methods_reach_engines_and_scorers_only_through_the_session() -> None:
    for file in MODULES:
        if room_of(file) in ("methods", "decoding"):
            assert not [
                found for found in imports_of(file) if re.match(r"thinkwell\.(engines|scorers|answers|runs|tasks|lab)\b", found.module)
            ], rel(file)


@pytest.mark.parametrize("file", MODULES, ids=rel)
def test_heavy_libraries_are_loaded_only_where_they_are_needed(file: Path) -> None:
    inside = file.relative_to(SOURCE).as_posix()
    wrong = [
        f"line {found.line}: {found.module}"
        for found in imports_of(file)
        if not found.late and found.module.split(".")[0] in HEAVY and not inside.startswith(HEAVY[found.module.split(".")[0]] or ("\0",))
    ]
    assert not wrong, f"{rel(file)} loads {wrong}: import it inside the function that needs it"


LOADED = "import json, sys; print(json.dumps(sorted(m for m in sys.modules if '.' not in m)))"
NEVER_AT_START = {
    "torch",
    "transformers",
    "tokenizers",
    "vllm",
    "trl",
    "verl",
    "ray",
    "scipy",
    "pysat",
    "chess",
    "sympy",
    "math_verify",
    "datasets",
    "pyarrow",
}


@pytest.mark.parametrize(
    "start",
    ["import thinkwell", "from thinkwell.cli import main\ntry: main(['--help'])\nexcept SystemExit as done: assert not done.code"],
    ids=["import thinkwell", "thinkwell --help"],
)
def test_starting_is_quick_and_loads_nothing_heavy(start: str) -> None:
    def used() -> float:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    seconds = []
    for _ in range(3):  # processor seconds, the best of three: wall time on a busy machine says nothing
        before = used()
        done = subprocess.run([sys.executable, "-c", f"{start}\n{LOADED}"], capture_output=True, text=True, check=True)
        seconds.append(used() - before)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "thinkwell" in loaded
    assert not loaded & NEVER_AT_START
    assert min(seconds) < 0.5


def test_every_public_name_resolves() -> None:
    import thinkwell

    assert set(thinkwell.__all__) <= set(dir(thinkwell))
    for name in thinkwell.__all__:
        assert getattr(thinkwell, name) is not None


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_has_its_file_its_tests_and_its_page(name: str) -> None:
    assert (SOURCE / "methods" / f"{name}.py").exists()
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "methods").glob("test_*.py"))
    assert re.search(rf"[\"']{name}[\"']", tests), f"no test under tests/methods plays {name}"
    page = ROOT / "docs" / "methods" / f"{name}.md"
    assert page.exists(), f"{rel(page)} is missing; `thinkwell new method` shows its shape"


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_says_what_it_is_and_documents_every_knob(name: str) -> None:
    kind = METHODS.get(name)
    assert kind.name == name
    assert all((kind.about.summary, kind.about.paper, kind.about.family))
    module = sys.modules[kind.__module__]
    assert "Cost per problem" in (module.__doc__ or ""), f"{name}: the docstring must say the cost per problem"
    undocumented = [knob["name"] for knob in kind.Config.describe() if not knob["doc"]]
    assert not undocumented


@pytest.mark.parametrize("name", RECIPES.names())
def test_every_recipe_has_its_file_its_test_its_page_and_documented_knobs(name: str) -> None:
    stem = name.replace("-", "_")
    assert (SOURCE / "training" / "recipes" / f"{stem}.py").exists()
    assert (ROOT / "tests" / "training" / "recipes" / f"test_{stem}.py").exists()
    assert (ROOT / "docs" / "training" / f"{name}.md").exists()
    assert f"({name}.md)" in (ROOT / "docs" / "training" / "index.md").read_text(encoding="utf-8"), "the overview does not link its page"
    recipe = RECIPES.get(name)
    assert all((recipe.name == name, recipe.paper, recipe.summary))
    assert not [knob["name"] for knob in recipe.Config.describe() if not knob["doc"]]


def test_every_task_has_tests_and_is_in_the_docs() -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "tasks").glob("test_*.py"))
    page = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    puzzles = (ROOT / "docs" / "puzzles" / "index.md").read_text(encoding="utf-8")
    ruled = set(RULES.names())  # tested one by one, at every level, in tests/tasks/test_every_puzzle.py
    assert [name for name in TASKS.names() if name not in ruled and name not in page] == [], "docs/tasks.md does not mention them"
    assert [name for name in ruled if f"`{name}`" not in puzzles] == [], "run python -m thinkwell.tasks.catalogue docs/puzzles/index.md"
    assert [name for name in TASKS.names() if name not in ruled and name not in tests] == [], "no test under tests/tasks mentions them"


def test_every_source_module_is_reached_by_the_tests_of_its_room() -> None:
    """Imported by a test, or by a module of the same room that is; methods, tasks and recipes are played by name, one by one, in the tests above."""
    name_of = {
        file: ".".join(("thinkwell", *file.relative_to(SOURCE).with_suffix("").parts)) for file in MODULES if file.stem != "__init__"
    }
    file_of = {name: file for file, name in name_of.items()}
    reached = {found.module for file in TESTS for found in imports_of(file)} & file_of.keys()
    reached |= {name for name, file in file_of.items() if room_of(file) in ("methods", "tasks", "claims") and not file.stem.startswith("_")}
    reached |= {name for name, file in file_of.items() if file.parent.name == "recipes" and not file.stem.startswith("_")}
    reached |= {name for name, file in file_of.items() if room_of(file) in ("cli", "__main__")}  # run as commands by tests/cli
    open_ = list(reached)
    while open_:
        name = open_.pop()
        room = room_of(file_of[name])
        near = {found.module for found in imports_of(file_of[name])} & file_of.keys()
        fresh = {other for other in near if room_of(file_of[other]) == room} - reached
        reached |= fresh
        open_ += fresh
    assert sorted(file_of.keys() - reached) == []


def tracked() -> list[Path]:
    """Text files of the project, committed or about to be."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    kinds = {".py", ".md", ".toml", ".txt", ".json", ".html", ".js", ".css", ".yml", ".yaml", ""}
    return [
        file for name in listed.splitlines() if (file := ROOT / name).is_file() and file.suffix in kinds and file.stat().st_size < 1_000_000
    ]


def test_no_file_holds_two_concerns() -> None:
    """Above 500 lines a file is two files."""
    long = [rel(file) for file in tracked() if file.suffix == ".py" and file.read_text(encoding="utf-8").count("\n") > 500]
    assert long == []


FORBIDDEN = re.compile(
    "|".join(
        (
            r"(?<![\w.])/(?:" + "|".join(("ro" + "ot", "ho" + "me", "wo" + "rk")) + r")/",  # the paths of one machine
            r"\b(?:py" + r"pi\.org|python" + r"hosted|registry\.n" + r"pm)",  # package hosts
            r"\bs" + r"k-[A-Za-z0-9]{12}",  # secrets
        )
    )
)


def test_no_file_names_a_machine_a_package_host_or_a_secret() -> None:
    found = []
    for file in tracked():
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FORBIDDEN.search(line):
                found.append(f"{rel(file)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_the_constraints_pin_every_dependency_that_the_project_names() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *extras["local"], *extras["puzzles"], *extras["serve"], *extras["dev"]]
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    names = {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in named} - {"thinkwell"}
    assert names <= pinned
