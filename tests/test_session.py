"""The one door: budgets are exact, noise keys unique, every cost counted, every step an event."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkwell.core.answer import AnswerKind
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, EngineError, MissingCapability, PathReused, UnknownName
from thinkwell.core.events import (
    BudgetSpent,
    Cut,
    Drafted,
    Forked,
    NodeState,
    PathOpened,
    Pruned,
    Scored,
    SearchNode,
    Spliced,
    TokensWritten,
    Voted,
)
from thinkwell.core.path import Finish, Origin, Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.decoding.drafts import Drafting
from thinkwell.decoding.rivals import PromptLookup
from thinkwell.engines.protocol import LogitsHook
from thinkwell.engines.scripted import CAPABILITIES, Reply, ScriptedEngine
from thinkwell.scorers.scripted import ScriptedScorer
from thinkwell.session import Session

T = TypeVar("T")
PROBLEM = Problem("p", "How many?", "7", AnswerKind.INTEGER)
PRESET = Preset("test", 1, "{question}", max_tokens=100, typical_tokens=10)
TRACE = "one two\n\nthree four\n\nso \\boxed{7}"


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def session(script: Any = None, **options: Any) -> Session:
    engine = options.pop("engine", None) or ScriptedEngine(script if script is not None else {"*": TRACE})
    return Session(PROBLEM, engine, preset=PRESET, **options)


# ---- extending --------------------------------------------------------------------------------------------------------------


def test_a_path_is_written_to_its_end_and_counted() -> None:
    async def work() -> None:
        door = session()
        (path,) = await door.extend(await door.open())
        assert path.text == TRACE
        assert path.complete
        assert door.usage.generated_tokens == path.count(Origin.MODEL)
        assert door.usage.prompt == path.count(Origin.PROMPT)
        answer = door.answer(path)
        assert answer is not None
        assert answer.canonical == "7"

    run(work())


def test_steps_end_at_the_delimiter_and_join_to_the_same_text() -> None:
    async def work() -> None:
        door = session()
        (path,) = await door.open()
        steps = []
        while not path.done:
            before = path.text
            (path,) = await door.extend([path], stop=door.step_stop)
            steps.append(path.text[len(before) :])
        assert steps == ["one two\n\n", "three four\n\n", "so \\boxed{7}"]

    run(work())


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    ceiling=st.integers(1, 120),
    max_tokens=st.none() | st.integers(1, 60),
    stepwise=st.booleans(),
)
def test_no_extension_passes_the_budget_by_one_token(lengths: list[int], ceiling: int, max_tokens: int | None, stepwise: bool) -> None:
    """Whatever is asked for: generated tokens stay at or below the ceiling, and reach it if there was more to write."""

    async def work() -> None:
        engine = ScriptedEngine({"p": [" word" * n for n in lengths]})
        door = session(engine=engine, budget=Budget(tokens=ceiling))
        paths = await door.open(len(lengths))
        rounds = 0
        while any(not path.done for path in paths) and rounds < 200:
            paths = await door.extend(paths, max_tokens=3 if stepwise else max_tokens)
            rounds += 1
            if not stepwise and max_tokens is not None:
                break
        granted = sum(path.count(Origin.MODEL) for path in paths)
        assert door.usage.generated_tokens == granted <= ceiling
        wanted = sum(min(n + 1, (max_tokens if max_tokens is not None and not stepwise else 100)) for n in lengths)
        assert granted == min(ceiling, wanted), "what one path leaves over goes to the others"

    run(work())


def test_what_short_paths_leave_over_goes_to_long_ones() -> None:
    async def work() -> None:
        door = session({"p": [" a" * 2, " b" * 30]}, budget=Budget(tokens=30))
        short, long = await door.extend(await door.open(2))
        assert short.complete
        assert long.count(Origin.MODEL) == 27
        assert long.finish is Finish.BUDGET
        assert any(isinstance(event, BudgetSpent) for event in door.events)

    run(work())


def test_an_engine_that_oversteps_its_grant_is_an_error() -> None:
    async def work() -> None:
        door = session({"*": Reply(" word" * 50, overrun=1)}, budget=Budget(tokens=10))
        with pytest.raises(EngineError, match="11 tokens where 10 were granted"):
            await door.extend(await door.open())

    run(work())


def test_tokens_dropped_with_a_stop_string_cost_but_are_not_in_the_path() -> None:
    async def work() -> None:
        door = session({"*": "think </think> answer"})
        (path,) = await door.extend(await door.open(), stop=["</think>"], include_stop=False)
        assert path.text == "think "
        assert door.usage.generated_tokens > path.count(Origin.MODEL)

    run(work())


def test_a_spent_clock_stops_writing() -> None:
    async def work() -> None:
        door = session(budget=Budget(seconds=1e-9))
        (path,) = await door.extend(await door.open())
        assert path.finish is Finish.BUDGET
        assert door.usage.generated_tokens == 0

    run(work())


def test_the_context_window_is_a_ceiling_too() -> None:
    async def work() -> None:
        engine = ScriptedEngine({"*": " word" * 50}, context=20)
        door = session(engine=engine)
        (path,) = await door.extend(await door.open())
        assert len(path) == 20
        assert path.finish is Finish.CONTEXT

    run(work())


def test_done_paths_come_back_as_they_are() -> None:
    async def work() -> None:
        door = session()
        paths = await door.extend(await door.open(2))
        assert await door.extend(paths) == paths

    run(work())


# ---- keys -------------------------------------------------------------------------------------------------------------------


def test_extending_one_value_twice_is_refused() -> None:
    async def work() -> None:
        door = session()
        paths = await door.open()
        await door.extend(paths, max_tokens=2)
        with pytest.raises(PathReused, match="Fork it first"):
            await door.extend(paths)

    run(work())


def test_the_same_path_twice_in_one_call_is_refused() -> None:
    async def work() -> None:
        door = session()
        (path,) = await door.open()
        with pytest.raises(PathReused):
            await door.extend([path, path])

    run(work())


def test_a_path_of_another_session_is_refused() -> None:
    async def work() -> None:
        with pytest.raises(PathReused, match="not opened"):
            await session().extend([Path("9")])

    run(work())


def test_forks_and_cuts_get_names_of_their_own() -> None:
    async def work() -> None:
        door = session()
        (path,) = await door.extend(await door.open(), max_tokens=3)
        first, second = door.fork(path, 2)
        (third,) = door.fork(path, 1)
        cut = await door.cut(path, len(path) - 1)
        again = await door.cut(path, len(path) - 1)
        assert [p.id for p in (first, second, third, cut, again)] == ["0.0", "0.1", "0.2", "0~1", "0~2"]
        assert cut.tokens == path.tokens[:-1]
        assert cut.text == path.text[: len(cut.text)]
        assert len(await door.extend([path, first, second, third, cut, again])) == 6

    run(work())


def test_requests_carry_the_line_of_descent_and_the_sample_number() -> None:
    async def work() -> None:
        engine = ScriptedEngine({"*": TRACE})
        door = session(engine=engine, sample=2, seed=5)
        (path,) = await door.extend(await door.open(), max_tokens=1)
        (child,) = door.fork(path, 1)
        await door.extend([child])
        key = engine.requests[-1].key
        assert (key.seed, key.problem, key.path) == (5, "p#2", "0.0")
        assert engine.requests[-1].lineage == ("p#2:0.0", "p#2:0")

    run(work())


# ---- splicing, scoring, voting ----------------------------------------------------------------------------------------------


def test_splices_are_counted_apart_and_reopen_a_path() -> None:
    async def work() -> None:
        door = session({"*": "done"})
        (path,) = await door.extend(await door.open())
        spoken = door.usage.generated_tokens
        path = await door.splice(path, " Wait")
        path = await door.splice(path, " 42", Origin.TOOL)
        assert not path.done
        assert (door.usage.generated_tokens, door.usage.injected, door.usage.tool) == (spoken, 1, 3)
        assert path.text == "done Wait 42"

    run(work())


def test_what_is_spliced_may_come_with_its_ids() -> None:
    """Ids are the truth: a text whose ids are known is not tokenised again."""

    async def work() -> None:
        door = session({"*": "x"})
        (path,) = await door.open()
        ids = [ord(character) + 1 for character in "one"]  # the toy tokenizer would make one word of it
        path = await door.splice(path, "one", ids=ids)
        assert path.tokens[-3:] == ids
        assert path.text == "one"
        assert door.usage.injected == 3

    run(work())


def test_scores_are_paid_once_a_length_and_stop_at_the_ceiling() -> None:
    async def work() -> None:
        scorer = ScriptedScorer(lambda text: [0.25, 0.75])
        door = session(scorers={"prm": scorer}, budget=Budget(scorer_calls=3))
        paths = await door.extend(await door.open(2), max_tokens=2)
        assert [scores.steps for scores in await door.score(paths)] == [(0.25, 0.75)] * 2
        await door.score(paths)
        assert door.usage.scorer_calls == 2
        more = await door.open(2)
        scores = await door.score(more)
        assert door.usage.scorer_calls == 3
        assert [len(s.steps) for s in scores] == [2, 0]
        assert any(isinstance(event, BudgetSpent) and event.what == "scorer_calls" for event in door.events)

    run(work())


def test_an_unknown_scorer_is_named() -> None:
    with pytest.raises(UnknownName, match="'prm'"):
        run(session().score([], "prm"))


def test_paths_without_an_answer_never_vote() -> None:
    async def work() -> None:
        door = session({"p": ["none here", "\\boxed{3}", "\\boxed{4}", "nothing", "\\boxed{4}"]})
        paths = await door.extend(await door.open(5))
        choice = door.vote(paths)
        assert choice.answer is not None
        assert choice.answer.canonical == "4"
        assert choice.votes == {"3": 1.0, "4": 2.0}

    run(work())


# ---- capabilities and events ------------------------------------------------------------------------------------------------


def test_a_begun_path_needs_prefix_continuation() -> None:
    async def work() -> None:
        engine = ScriptedEngine({"*": TRACE}, capabilities=CAPABILITIES - {Capability.CONTINUE_PREFIX})
        door = session(engine=engine)
        paths = await door.extend(await door.open(), max_tokens=2)
        with pytest.raises(MissingCapability, match="continue_prefix"):
            await door.extend(paths)

    run(work())


def test_a_chat_server_gets_one_grant_and_is_not_asked_again() -> None:
    async def work() -> None:
        have = frozenset({Capability.FRESH_SAMPLES, Capability.CHAT_ONLY})
        engine = ScriptedEngine({"p": [" a" * 2, " b" * 30]}, capabilities=have)
        door = session(engine=engine, budget=Budget(tokens=20))
        short, long = await door.extend(await door.open(2))
        assert short.complete
        assert long.finish is Finish.BUDGET
        assert door.usage.generated_tokens == 3 + 10
        assert len(engine.requests) == 2

    run(work())


def test_opening_no_path_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        run(session().open(0))


def test_everything_that_happens_is_an_event() -> None:
    async def work() -> None:
        door = session(scorers={"prm": ScriptedScorer(lambda text: [0.5])})
        (path,) = await door.extend(await door.open(), max_tokens=2)
        path = await door.splice(path, " hm")
        (fork,) = door.fork(path, 1)
        cut = await door.cut(path, len(path) - 1)
        await door.score([fork])
        door.prune([cut], "for the test")
        door.vote([path])
        door.record_node(fork, "0", 1, NodeState.OPEN, {"f": 1.0})
        kinds = [type(event) for event in door.events]
        assert kinds == [PathOpened, TokensWritten, Spliced, Forked, Cut, Scored, Pruned, Voted, SearchNode]
        assert all(event.as_dict()["kind"] for event in door.events)

    run(work())


def test_live_pieces_join_to_the_final_text() -> None:
    async def work() -> None:
        seen: list[TokensWritten] = []
        door = session(live=lambda event: seen.append(event) if isinstance(event, TokensWritten) else None)
        (path,) = await door.extend(await door.open())
        assert "".join(event.text for event in seen if not event.final) == path.text
        starts = [event.start for event in seen if not event.final]
        assert starts == sorted(starts)
        assert all(event.final for event in door.events if isinstance(event, TokensWritten)), "pieces are not kept"

    run(work())


def test_the_role_in_which_something_is_written_is_in_its_event() -> None:
    async def work() -> None:
        door = session()
        (path,) = await door.extend(await door.open(), max_tokens=2)
        path = await door.splice(path, " sum up: ", role=Role.SUMMARY)
        await door.extend([replace(path, role=Role.SUMMARY)])
        roles = [event.role for event in door.events if isinstance(event, TokensWritten | Spliced)]
        assert roles == [Role.SOLVER, Role.SUMMARY, Role.SUMMARY]

    run(work())


def test_what_is_drafted_says_how_many_forwards_it_took() -> None:
    async def work(capabilities: frozenset[Capability]) -> list[Drafted]:
        door = session(engine=ScriptedEngine({"*": TRACE}, capabilities=capabilities))
        door.draft(Drafting(PromptLookup))
        (path,) = await door.extend(await door.open(), max_tokens=4)
        door.draft(None)
        await door.extend([path])
        return [event for event in door.events if isinstance(event, Drafted)]

    (drafted,) = run(work(CAPABILITIES | {Capability.TREE_VERIFY}))
    assert (drafted.path, drafted.n_tokens, drafted.calls, drafted.runs) == ("0", 4, 4, ())  # a script keeps no guess
    assert run(work(CAPABILITIES - {Capability.TREE_VERIFY})) == []


# ---- steering ---------------------------------------------------------------------------------------------------------------


def test_what_steers_a_session_steers_every_path_at_every_call_and_goes_before_the_callers_hook() -> None:
    heard: list[tuple[str, str, int]] = []

    def hook(name: str) -> Callable[[Path], LogitsHook]:
        def hook_for(path: Path) -> LogitsHook:
            return lambda logits, tokens: heard.append((name, path.id, len(tokens))) or logits

        return hook_for

    async def work() -> None:
        engine = ScriptedEngine({"*": "a b"}, capabilities=CAPABILITIES | {Capability.LOGITS})
        door = session(engine=engine)
        door.steer(hook("all"))
        (path,) = await door.extend(await door.open(), max_tokens=1)
        start = path.count(Origin.PROMPT)
        (twin,) = door.fork(path, 1)
        await door.extend([twin], max_tokens=1, hooks=[hook("own")(twin)])
        door.steer(None)
        await door.extend([path], max_tokens=1)
        assert heard == [("all", "0", start), ("all", "0.0", start + 1), ("own", "0.0", start + 1)]

    run(work())


def test_a_hook_lives_through_the_rounds_of_one_call() -> None:
    """Shares that are handed out again are the same stretch of the path: the hook is made once."""
    made: list[str] = []

    async def work() -> None:
        engine = ScriptedEngine({"*": ["a", "a b c d e f g"]}, capabilities=CAPABILITIES | {Capability.LOGITS})
        door = session(engine=engine, budget=Budget(tokens=10))

        def hook_for(path: Path) -> LogitsHook:
            made.append(path.id)
            return lambda logits, tokens: logits

        door.steer(hook_for)
        paths = await door.extend(await door.open(2))
        assert all(path.complete for path in paths)
        assert len(engine.requests) > 2
        assert made == ["0", "1"]

    run(work())


def test_a_peek_is_a_request_that_samples_nothing_and_may_be_repeated():
    engine = ScriptedEngine({"*": "a b"}, peeks=lambda prefix: {prefix[-1]: -0.5})

    async def work():
        session = Session(PROBLEM, engine, preset=PRESET, budget=Budget(tokens=3))
        paths = await session.open(2)
        first, again = await session.peek(paths), await session.peek(paths)
        assert first == again == [{paths[0].tokens[-1]: -0.5}] * 2
        assert (session.usage.engine_calls, session.usage.generated_tokens, session.tokens_left) == (4, 0, 3)
        assert (session.usage.prefill_computed, session.usage.engine_steps) == (0, 0)  # engines do not say what they forwarded for it
        await session.extend(paths[:1])
        assert session.usage.engine_calls == 5

    asyncio.run(work())
