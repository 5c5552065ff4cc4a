"""`thinkwell doctor`: what is installed, what each engine can do, what failed to load, what is missing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from thinkwell.cli.failure import FAILED, exits
from thinkwell.cli.options import AsJson
from thinkwell.cli.show import print_json

EXTRAS = ("local", "train", "trl", "verl", "data", "serve", "dev")


@exits
def doctor(as_json: AsJson = False) -> None:
    """Report the installation; exit code 1 if something that should work does not."""
    facts = examine()
    if as_json:
        print_json(facts)
    else:
        _show(facts)
    if facts["problems"]:
        raise typer.Exit(FAILED)


def examine() -> dict[str, Any]:
    """Everything the doctor knows. `problems` lists what should work and does not, with what to do."""
    from importlib import metadata

    extras = {extra: _extra(extra) for extra in EXTRAS}
    plugins = _plugins()
    bridges = {name: state for name in ("trl", "verl") if (state := _bridge(name)) is not None}
    artifacts = _artifacts()
    problems = [
        f"plugin {kind} {name} failed to load: {why}; mend or uninstall it."
        for kind, found in plugins.items()
        for name, why in found["failed"].items()
    ]
    problems += [f"the bridge to {name}: {state['problem']}" for name, state in bridges.items() if state["problem"]]
    if not artifacts["files"]:
        problems.append("the lab's artifacts are not in the package; build them with `thinkwell lab build` or reinstall.")
    return {
        "thinkwell": metadata.version("thinkwell"),
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "extras": extras,
        "engines": _engines(),
        "plugins": plugins,
        "bridges": bridges,
        "lab": artifacts,
        "machine": _machine(),
        "problems": problems,
    }


def _extra(extra: str) -> dict[str, Any]:
    """Version of each distribution that an extra asks for, and the names of those that are not there."""
    from importlib import metadata

    installed: dict[str, str] = {}
    missing: list[str] = []
    for requirement in metadata.requires("thinkwell") or []:
        name, _, condition = requirement.partition(";")
        if not re.search(rf"extra == ['\"]{extra}['\"]", condition):
            continue
        distribution = re.split(r"[\s\[<>=!~(]", name.strip())[0]
        if distribution == "thinkwell":
            continue
        try:
            installed[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            missing.append(distribution)
    return {
        "ok": not missing,
        "installed": installed,
        "missing": missing,
        "install": f"pip install 'thinkwell[{extra}]'" if missing else None,
    }


def _engines() -> list[dict[str, Any]]:
    from thinkwell.engines.registry import ENGINES

    return [{"name": name, "summary": kind.summary, "capabilities": sorted(kind.capabilities)} for name, kind in ENGINES.items()]


def _plugins() -> dict[str, dict[str, Any]]:
    from thinkwell.core.method import METHODS
    from thinkwell.core.registry import Registry
    from thinkwell.engines.registry import ENGINES
    from thinkwell.scorers.registry import SCORERS
    from thinkwell.tasks import TASKS

    registries: Sequence[Registry[Any]] = (METHODS, TASKS, ENGINES, SCORERS)
    return {f"{r.kind}s": {"loaded": r.names(), "failed": {name: repr(error) for name, error in r.failures.items()}} for r in registries}


def _bridge(library: str) -> dict[str, Any] | None:
    """Whether our mathematics is where TRL or verl looks for it; None where the library is not installed.

    verl swallows a plug-in that raises, so that only importing it and looking in verl's registries tells.
    """
    from importlib import metadata

    try:
        version = metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
    problem = ""
    try:
        if library == "trl":
            from thinkwell.training.trl import trainer_class

            trainer_class()
        else:
            from thinkwell.training.verl import plugin

            absent = plugin.missing()
            if absent:
                problem = (
                    f"verl's registries lack {', '.join(absent)}; expected all that start with thinkwell_. Reinstall thinkwell beside verl."
                )
            elif "thinkwell" not in {point.name for point in metadata.entry_points(group="verl.plugins")}:
                problem = (
                    "verl does not find the plug-in by itself; expected an entry point in the group verl.plugins. Reinstall thinkwell."
                )
            elif os.environ.get("VERL_USE_EXTERNAL_PLUGINS", "auto").strip().lower() == "none":
                problem = "VERL_USE_EXTERNAL_PLUGINS=none keeps verl from loading it; expected auto, or a list with thinkwell. Unset it."
    except Exception as error:  # noqa: BLE001  the import of another package can raise anything: it is the report
        problem = f"{type(error).__name__}: {error}; expected {library} to load. Install a version of the extra {library!r}."
    return {"version": version, "problem": problem}


def _artifacts() -> dict[str, Any]:
    from thinkwell import lab

    folder = Path(next(iter(lab.__path__))) / "artifacts"
    files = (
        {str(file.relative_to(folder)): file.stat().st_size for file in sorted(folder.rglob("*")) if file.is_file()}
        if folder.is_dir()
        else {}
    )
    return {"folder": str(folder), "files": files, "bytes": sum(files.values())}


def _machine() -> dict[str, Any]:
    from importlib import util

    disk = shutil.disk_usage(Path.cwd())
    gpus: list[str] = []
    kernels = False
    if util.find_spec("torch"):
        import torch

        from thinkwell.engines.local.native import load_native

        kernels = load_native() is not None
        gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpus": cpus, "memory_bytes": _memory(), "gpus": gpus, "native_kernels": kernels, "disk_free_bytes": disk.free}


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):  # not every system tells
        return None


def _show(facts: dict[str, Any]) -> None:
    machine, lab = facts["machine"], facts["lab"]
    memory = f"{machine['memory_bytes'] / 2**30:.0f} GiB" if machine["memory_bytes"] else "memory unknown"
    print(f"thinkwell {facts['thinkwell']}, Python {facts['python']} ({facts['executable']})")
    print(
        f"{facts['platform']}: {machine['cpus']} CPUs, {memory}, GPU {', '.join(machine['gpus']) or 'none'}, {machine['disk_free_bytes'] / 2**30:.1f} GiB free here"
    )
    print(
        f"compiled CPU kernels: {'yes' if machine['native_kernels'] else 'no, torch operations are used; a C compiler makes the local engine faster'}"
    )
    print("\nextras")
    for name, extra in facts["extras"].items():
        versions = ", ".join(f"{package} {version}" for package, version in extra["installed"].items())
        state = "ok" if extra["ok"] else f"missing {', '.join(extra['missing'])}: {extra['install']}"
        print(f"  {name:<6} {state}{f'  ({versions})' if versions else ''}")
    print("\nengines")
    for engine in facts["engines"]:
        print(f"  {engine['name']:<9} {', '.join(engine['capabilities'])}")
    print("\nplugins")
    for kind, found in facts["plugins"].items():
        print(f"  {kind:<9} {len(found['loaded'])} loaded, {len(found['failed'])} failed")
    if facts["bridges"]:
        print("\nbridges")
        for name, state in facts["bridges"].items():
            print(f"  {name:<9} {state['version']}, {'not working' if state['problem'] else 'ok'}")
    print(f"\nlab  {len(lab['files'])} files, {lab['bytes'] / 2**20:.1f} MiB in {lab['folder']}")
    for problem in facts["problems"]:
        print(f"\nproblem: {problem}")
    if not facts["problems"]:
        print("\nnothing to mend")
