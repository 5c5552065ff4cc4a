"""Mixture of agents: layers of agents, each shown the answers of the layer before; one agent has the last word (Wang et al. 2024, arXiv 2406.04692).

    layer 1             n_agents answers to the question, side by side
    layers 2 ... L-1    n_agents answers each, every agent shown all answers of the layer before and asked to bring them together critically
    layer L             one such answer: the result

An answer is what stands after the thinking; thinking that a ceiling cut is closed and asked for its answer (as LeaP's comparison does). Chosen differently: answers are
quoted without boxes, so that an agent has to state its own; if the last agent has no answer, the majority of the latest layer that has one decides; a
budget is shared out so that every layer to come keeps the typical length of its answers. Agents may be several models: engine names agent1, agent2 ... and aggregator.
Cost per problem: (n_layers - 1) * n_agents + 1 paths, and prompts that hold n_agents answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, Turn, refuse_starved
from thinkwell.core.path import Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Message, Preset
from thinkwell.methods._conclude import conclude, room_to_think
from thinkwell.methods._sampling import paths_for
from thinkwell.methods._selection import Select, select
from thinkwell.methods._turns import WordingName, answering, end_of_thinking, wording_of
from thinkwell.methods.wording._inert import after_thinking
from thinkwell.methods.wording.mixture_of_agents import WORDINGS, quoted
from thinkwell.session import Session

LAYERS, AGENTS = 4, 3  # LeaP's comparison
MOST_AGENTS = 16  # a prompt holds an answer of each


class Config(Knobs):
    n_layers: int = Field(default=LAYERS, ge=1)
    """Layers, the last one with a single agent; sized to a token budget unless set."""
    n_agents: int = Field(default=AGENTS, ge=1)
    """Agents of every layer but the last; sized to a token budget unless set."""
    close_thinking: bool = True
    """Close the thinking of an agent that a ceiling cut and let it answer (needs an engine that continues from a prefix; others leave it)."""
    wording: WordingName = "auto"
    """How the answers are shown: auto (by the preset), instruct, reasoning or lab."""


class MixtureOfAgents:
    name: ClassVar[str] = "mixture_of_agents"
    about: ClassVar[About] = About(
        "layers of agents, each shown the answers of the layer before; one brings them together",
        "Mixture-of-Agents Enhances Large Language Model Capabilities (Wang et al. 2024)", "2406.04692", "discussion",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.FRESH_SAMPLES})
    scorers: ClassVar[tuple[str, ...]] = ()
    turns: ClassVar[frozenset[Turn]] = frozenset({Turn("mixture_of_agents", Role.AGGREGATOR.value)})
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        if self.config.n_layers == 1:
            self.turns = frozenset()  # type: ignore[misc]  # nobody sees another's answer
        elif self.config.n_layers > 2:
            self.turns = frozenset(Turn(self.name, seat) for seat in self.seats if seat != Role.SOLVER)  # type: ignore[misc]  # agents of the middle layers too

    @property
    def seats(self) -> tuple[str, ...]:
        """The engines that it can make use of, by name."""
        return (Role.SOLVER.value, Role.AGGREGATOR.value, *(f"agent{number}" for number in range(1, self.config.n_agents + 1)))

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None:
            return self
        config, given = self.config, self.config.model_fields_set
        least = ((config.n_layers if "n_layers" in given else 2) - 1) * (config.n_agents if "n_agents" in given else 1) + 1
        refuse_starved(self, budget, "n_layers", "n_agents", paths=least)
        layers, agents = shape_for(paths_for(budget, preset, 1))
        return type(self)(self.config.resized(n_layers=layers, n_agents=agents))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config = self.config
        words = WORDINGS[wording_of(session, config.wording)]
        *before, last = session.preset.messages(problem)
        layers: list[list[Path]] = []
        for layer in range(config.n_layers):
            final = layer == config.n_layers - 1
            messages: list[Message] = [*before, last]
            if layers:
                messages = [*before, *words.synthesize(last["content"], [said_by(session, path) for path in layers[-1]])]
            n = 1 if final else config.n_agents
            to_come = 0 if final else (config.n_layers - layer - 2) * config.n_agents + 1
            paths = await self._layer(session, messages, n, share_of(session, n, to_come), final=final and layer > 0)
            if layers:
                tell(session, layers[-1], paths, layer - 1)
            layers.append(paths)
            if session.exhausted:
                break
        tell(session, layers[-1], (), len(layers) - 1)
        return self._outcome(session, layers)

    async def _layer(self, session: Session, messages: Sequence[Message], n: int, share: int, *, final: bool) -> list[Path]:
        """The answers of one layer, written side by side within `share` tokens."""
        role = Role.AGGREGATOR if final else Role.SOLVER
        names = [""] if final else [f"agent{number}" for number in range(1, n + 1)]
        opened = [path for name in names for path in await session.open(1, messages=messages, role=role, engine=name)]
        if not self.config.close_thinking:
            return await session.extend(opened, max_tokens=min(session.preset.max_tokens, max(1, share // n)))
        most = min(session.preset.max_tokens, room_to_think(session, opened, share))
        return await conclude(session, await session.extend(opened, max_tokens=most))

    def _outcome(self, session: Session, layers: Sequence[Sequence[Path]]) -> Outcome:
        """The last agent's answer; where it has none, that of the majority of the latest layer that has one."""
        answers = [[session.answer(path) for path in paths] for paths in layers]
        speaks = next((index for index in reversed(range(len(layers))) if any(answers[index])), len(layers) - 1)
        chosen = select(session, layers[speaks], rule=Select.MAJORITY)
        paths = tuple(path for layer in layers for path in layer)
        facts = {
            "candidates": len(paths), "with_answer": sum(answer is not None for row in answers for answer in row),
            "layers": [[answer.text if answer else None for answer in row] for row in answers],
            "answered_by_layer": speaks + 1, "layers_planned": self.config.n_layers,
        }  # fmt: skip
        return Outcome(chosen.answer, paths, chosen.chosen, None, facts)


def shape_for(paths: int) -> tuple[int, int]:
    """Layers and agents that so many paths pay for: the usual 4 layers of 3 first, wider from there; fewer layers below."""
    layers = LAYERS if paths > (LAYERS - 1) * AGENTS else 3 if paths > 2 * AGENTS else min(2, max(1, paths))
    return layers, min(MOST_AGENTS, max(1, (paths - 1) // max(1, layers - 1)))


def share_of(session: Session, n: int, to_come: int) -> int:
    """Tokens that `n` agents may write so that `to_come` later ones keep a typical length each, at most their share of what is left."""
    left = session.tokens_left
    return left - min(to_come * session.preset.typical_tokens, left * to_come // (n + to_come))


def said_by(session: Session, path: Path) -> str:
    """What an agent says after its thinking; nothing where the thinking never ended."""
    return after_thinking(path.text, end_of_thinking(session, path)) or ""


def tell(session: Session, speakers: Sequence[Path], listeners: Sequence[Path], layer: int) -> None:
    """Put into the events what every agent of a layer said to all of the next (to nobody, if it is the last)."""
    names = [f"path {listener.id}" for listener in listeners]
    for path in speakers:
        verdict = answering(session, path)
        session.say(path, f"path {path.id}", names, quoted(said_by(session, path)), round=layer, decision=verdict)


METHODS.add(MixtureOfAgents.name)(MixtureOfAgents)
