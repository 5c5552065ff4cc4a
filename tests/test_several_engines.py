"""Several engines behind one session: who writes what, one budget over all, nothing lost and nothing mixed up."""

import asyncio

import pytest

from thinkwell.core.answer import AnswerKind
from thinkwell.core.budget import Budget, equal_shares
from thinkwell.core.capability import Capability
from thinkwell.core.errors import EngineError, MissingCapability
from thinkwell.core.events import PathOpened, Said
from thinkwell.core.path import Finish, Origin, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import CAPABILITIES, Reply, ScriptedEngine, uniform
from thinkwell.engines.together import together
from thinkwell.session import Session

PROBLEM = Problem("p", "How many?", "7", AnswerKind.INTEGER)
PRESET = Preset("toy", 1, "{question}", max_tokens=60, typical_tokens=10)
USER = [{"role": "user", "content": "check"}]


def session(engines, main=None, **more):
    return Session(PROBLEM, main or ScriptedEngine({"*": "main says"}, name="main"), preset=PRESET, engines=engines, **more)


def test_a_path_is_written_by_the_engine_of_its_name_else_of_its_role_else_the_sessions():
    critic, second = ScriptedEngine({"*": "critic says"}, name="c"), ScriptedEngine({"*": "second says"}, name="s")
    door = session({"critic": critic, "second": second})

    async def work():
        solver = await door.open(1)
        reviewer = await door.open(2, messages=USER, role=Role.CRITIC)
        named = await door.open(1, role=Role.CRITIC, engine="second")
        unnamed = await door.open(1, role=Role.CRITIC, engine="third")
        return await door.extend([*solver, *reviewer, *named, *unnamed])

    paths = asyncio.run(work())
    assert [path.text for path in paths] == ["main says", "critic says", "critic says", "second says", "critic says"]
    assert [event.engine for event in door.events if isinstance(event, PathOpened)] == ["", "scripted", "scripted", "scripted", "scripted"]
    assert (len(door.engine.requests), len(critic.requests), len(second.requests)) == (1, 3, 1)
    assert door.usage.generated["critic"] == 4 * 3  # two words and the end
    assert door.usage.generated["solver"] == 3


def test_one_budget_holds_over_all_engines_together():
    endless = [ScriptedEngine(lambda ask: Reply("on", eos=False), name=name) for name in ("a", "b", "c")]
    door = session({"critic": endless[1], "x": endless[2]}, endless[0], budget=Budget(tokens=31))

    async def work():
        paths = [*await door.open(1), *await door.open(1, role=Role.CRITIC), *await door.open(1, engine="x")]
        return await door.extend(paths)

    paths = asyncio.run(work())
    assert [path.count(Origin.MODEL) for path in paths] == [11, 10, 10]
    assert door.usage.generated_tokens == 31
    assert all(path.finish is Finish.BUDGET for path in paths)
    assert asyncio.run(door.extend(paths)) == paths


def test_what_a_finished_path_of_one_engine_left_over_goes_to_the_other_engine():
    door = session({"critic": ScriptedEngine(lambda ask: Reply("on", eos=False))}, budget=Budget(tokens=20))

    async def work():
        return await door.extend([*await door.open(1), *await door.open(1, role=Role.CRITIC)])

    short, long = asyncio.run(work())
    assert (short.count(Origin.MODEL), long.count(Origin.MODEL)) == (3, 17)


def test_forks_cuts_and_splices_stay_with_the_engine_of_their_path():
    other = ScriptedEngine({"*": "a b c"}, level="char")
    door = session({"critic": other})

    async def work():
        (path,) = await door.extend(await door.open(1, role=Role.CRITIC), max_tokens=2)
        (fork,) = door.fork(path, 1)
        cut = await door.cut(path, len(path) - 1)
        spliced = await door.splice(fork, "wait")
        assert spliced.segments[-1].n_tokens == 4  # characters: the other engine's tokens
        assert cut.text == "a"
        assert [door.engine_of(p) for p in (path, fork, cut, spliced)] == [other] * 4
        await door.extend([spliced, cut])
        door.prune([cut], "enough")

    asyncio.run(work())
    assert door.engine.requests == []
    assert other.released == ["p#0:0~1"]
    assert door.engine.released == ["p#0:0~1"]  # a hint: every engine is told


def test_what_one_engine_cannot_do_is_refused_for_its_paths_alone():
    short = ScriptedEngine({"*": Reply("on", eos=False)}, name="short", context=12)
    chat = ScriptedEngine({"*": Reply("on", eos=False)}, name="chat", capabilities=frozenset({Capability.CHAT_ONLY}))
    door = session({"critic": chat, "verifier": short})

    async def work():
        solver, critic, verifier = [(await door.open(1, messages=USER, role=role))[0] for role in (Role.SOLVER, Role.CRITIC, Role.VERIFIER)]
        solver, critic, verifier = await door.extend([solver, critic, verifier], max_tokens=30)
        assert (solver.finish, critic.finish, verifier.finish) == (Finish.EOS, Finish.LENGTH, Finish.CONTEXT)
        await door.extend([await door.splice(solver, "more")])
        with pytest.raises(MissingCapability, match="'chat'"):
            await door.extend([critic])

    asyncio.run(work())


def test_an_engine_that_cannot_go_on_strands_its_own_path_and_no_other():
    chat = ScriptedEngine(lambda ask: Reply("on", eos=False), capabilities=frozenset({Capability.CHAT_ONLY}))
    door = session(
        {"critic": chat}, ScriptedEngine({"solver": "x", "*": ["a b c d e f g h i j k l m n", "", "a"]}), budget=Budget(tokens=30)
    )

    async def work():
        return await door.extend([*await door.open(1), *await door.open(1, role=Role.CRITIC), *await door.open(1)])

    long, stranded, short = asyncio.run(work())
    assert stranded.finish is Finish.BUDGET
    assert stranded.count(Origin.MODEL) == 10
    assert (long.finish, short.finish) == (Finish.EOS, Finish.EOS)
    assert long.count(Origin.MODEL) == 15  # ten, then what the short path left over


def test_an_engine_that_fails_is_heard_when_the_others_have_finished():
    slow = ScriptedEngine({"*": Reply("late", delay=20)})
    door = session({"critic": slow}, ScriptedEngine({"*": Reply("", fail=EngineError("gone"))}))

    async def work():
        await door.extend([*await door.open(1), *await door.open(1, role=Role.CRITIC)])

    with pytest.raises(EngineError, match="gone"):
        asyncio.run(work())
    assert slow.live == 0
    assert door.tokens_left > 1000


def test_peeking_asks_each_paths_own_engine():
    door = session(
        {"critic": ScriptedEngine({"*": ""}, peeks=lambda prefix: uniform([7]))},
        ScriptedEngine({"*": ""}, peeks=lambda prefix: uniform([8])),
    )

    async def work():
        return await door.peek([*await door.open(1, role=Role.CRITIC), *await door.open(1), *await door.open(1, role=Role.CRITIC)])

    assert [list(row) for row in asyncio.run(work())] == [[7], [8], [7]]


def test_without_other_engines_everything_is_as_ever():
    engine = ScriptedEngine({"*": "a"}, capabilities=CAPABILITIES)
    door = session(None, engine)
    (path,) = asyncio.run(door.open(1, role=Role.EVALUATOR, engine="nobody"))
    assert door.engine_of(path) is engine
    assert [event.engine for event in door.events] == [""]


def test_a_dialogue_is_in_the_events_by_name():
    door = session(None)
    (path,) = asyncio.run(door.open(1))
    door.say(path, "solver", ["critic", "ceo"], "it is 7")
    assert door.events[-1] == Said("p", "0", "solver", ("critic", "ceo"), "it is 7")
    assert door.events[-1].as_dict()["kind"] == "said"
    door.say(None, "critic", ["solver"], "hm", round=1, decision="wrong", unread=True)
    assert door.events[-1] == Said("p", "", "critic", ("solver",), "hm", round=1, decision="wrong", unread=True)


def test_equal_shares_give_early_paths_the_remainder_and_nobody_more_than_it_wants():
    assert equal_shares([10, 10, 10], 8) == [3, 3, 2]
    assert equal_shares([1, 10, 10], 9) == [1, 4, 4]
    assert equal_shares([0, 5], 3) == [0, 3]
    assert equal_shares([], 3) == []


def test_each_engine_is_asked_once_and_the_results_come_in_the_order_of_the_items():
    asked = []

    async def ask(engine, items):
        asked.append((engine.name, list(items)))
        return [f"{engine.name}{item}" for item in items]

    a, b = ScriptedEngine({}, name="a"), ScriptedEngine({}, name="b")
    assert asyncio.run(together([b, a, b, a], [1, 2, 3, 4], ask)) == ["b1", "a2", "b3", "a4"]
    assert asked == [("b", [1, 3]), ("a", [2, 4])]
    assert asyncio.run(together([], [], ask)) == []
