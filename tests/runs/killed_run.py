"""A comparison on the scripted engine, slow enough to be killed in the middle: `python killed_run.py FOLDER`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import runs_world as world

from thinkwell.core.method import METHODS
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.runs.compare import compare


class SlowEngine(ScriptedEngine):
    async def generate(self, requests):  # type: ignore[no-untyped-def]
        await asyncio.sleep(0.01)
        return await super().generate(requests)


def reply(ask: Ask) -> Reply:
    return world.write(ask)


if __name__ == "__main__":
    for method in world.METHODS_OF_THE_WORLD:
        METHODS._entries[method.name] = method
    METHODS._loaded = True
    result = compare(
        "toy",
        ["one", "vote", "fork"],
        engine=SlowEngine(reply),
        problems=world.problems(60),
        preset=world.PRESET,
        out=sys.argv[1],
        in_flight=4,
    )
    print(json.dumps(result.as_dict()))
