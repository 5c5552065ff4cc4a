"""Methods that leave every kind of event that is drawn, with texts that would act if they could. What they leave can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

from runs_world import VoteConfig

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.events import Drafted, NodeState, TokensWritten
from thinkwell.core.method import About, Outcome
from thinkwell.core.path import Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.session import Session

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'> &lt;b&gt; \x00"


class Toy:
    about: ClassVar[About] = About("leaves events", "none")
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = VoteConfig

    def __init__(self, config: Any = None) -> None:
        self.config = config or VoteConfig()

    def fit(self, budget: Budget, preset: Preset) -> Self:
        return self


class Peers(Toy):
    """Three paths, each told by both others: 15 pieces in lanes, 6 arrows, 3 cards."""

    name = "peers"

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        paths = await session.extend(await session.open(3), max_tokens=5)
        paths = [await session.splice(path, "Sum up: ", role=Role.SUMMARY) for path in paths]
        paths = await session.extend([replace(path, role=Role.SUMMARY) for path in paths], max_tokens=3)
        paths = [await session.splice(replace(path, role=Role.SOLVER), f"They say: {HOSTILE}", role=Role.SUMMARY) for path in paths]
        for path in paths:
            session.say(
                path, path.id, [other.id for other in paths if other is not path], f"{path.id} says {HOSTILE}", round=0, how=HOSTILE
            )
        paths = await session.extend(paths)
        return Outcome(session.answer(paths[0]), tuple(paths), paths[0])


class Search(Toy):
    """Two expansions: the root with three children, one of them thrown away; the first child with two ends. The chosen branch has three nodes."""

    name = "search"

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        (root,) = await session.open()
        session.record_node(root, "", 0, NodeState.OPEN, {"f": 1.0})
        first, second, third = await session.extend(session.fork(root, 3), max_tokens=6)
        session.prune([third], HOSTILE)
        session.record_node(root, "", 0, NodeState.EXPANDED, {"f": 1.0})
        session.record_node(first, root.id, 1, NodeState.OPEN, {"f": 1.25, "h": 0.25})
        session.record_node(second, root.id, 1, NodeState.OPEN, {"f": 2.5, "h": 1.5})
        good, bad = await session.extend(session.fork(first, 2))
        session.record_node(first, root.id, 1, NodeState.EXPANDED, {"f": 1.25, "h": 0.25})
        session.record_node(good, first.id, 2, NodeState.GOAL, {"f": 1.5, "h": 0.0})
        session.record_node(bad, first.id, 2, NodeState.DEAD_END, {"f": 3.0, "h": 1.0})
        return Outcome(session.answer(good), (good, bad), good)


class Crew(Toy):
    """Two rounds, six remarks, one of which could not be read."""

    name = "crew"

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        async def write(role: Role) -> Any:
            return (await session.extend(await session.open(role=role)))[0]

        ceo, solver, critic, again = await write(Role.CEO), await write(Role.SOLVER), await write(Role.CRITIC), await write(Role.CRITIC)
        session.say(ceo, "CEO", ["experts"], HOSTILE, round=0, decision=f"go on, 3 experts {HOSTILE}")
        session.say(solver, "solver", ["critic"], f"{HOSTILE}\n\nit is 4" + " and so on" * 60, round=0, decision="answers 4")
        session.say(critic, "critic", (), HOSTILE, round=0, unread=True)
        session.say(again, "critic", ["solver"], "No.", round=0, decision="disagrees")
        better = await write(Role.SOLVER)
        session.say(better, "solver", ["critic"], better.text, round=1, decision="answers 5")
        session.say(None, "tool", ["solver"], "2 + 2 = 4", round=1, decision="correct")
        return Outcome(session.answer(better), (solver, better), better)


class Guesses(Toy):
    """One path of which two runs were guessed, of three tokens and of two."""

    name = "guesses"

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        (path,) = await session.extend(await session.open())
        wrote = next(event for event in session.events if isinstance(event, TokensWritten))
        session.events.append(Drafted(problem.id, path.id, wrote.start, wrote.n_tokens, wrote.n_tokens - 3, ((0, 3, 0, 7), (5, 2, 12, 4))))
        return Outcome(session.answer(path), (path,), path)


METHODS_THAT_ARE_DRAWN = (Peers, Search, Crew, Guesses)
