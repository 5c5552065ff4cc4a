"""The windowed rollout of T-PPO (arXiv 2506.15050): a pool of slots, each of which goes on by at most W tokens a step, under the weights of that step.

    step       every slot: go on with its response for at most W tokens
    finished   the model ended it, or it has the greatest length there is: the next step begins another response in that slot
    else       it stays in its slot with all its ids; the policy is trained on this step's tokens, which the present weights wrote

So a step never waits for the longest response, the slots stay busy, and each token is trained on exactly once. A sample is one response in one step: the path so
far, `start` where this step's window begins, and whether it is `finished`. A response cut at the greatest length is finished (and `cut`).

`refill` says when a finished slot goes on: "window", at once, with what is left of the window, so that the slots stay full where windows are long beside responses, or
"update", in the next step. The paper's abstract has slots refilled at once, readers' notes after the update. With a window of the greatest length, "update" is the group rollout,
token for token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.path import Finish, Origin, Path, Segment
from thinkwell.engines.protocol import Request
from thinkwell.training.rollouts.slots import Occupancy, Refill, Response, Waiting, plain, response_of, waiting_of
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Draw, Writer


@dataclass(kw_only=True)
class Windowed:
    """prompts * size slots, `size` responses of each problem. window: W, tokens a slot may write in a step. occupancy: since the run began; last: of the newest step.

    Problems are drawn `prompts` at a time; where a draw gives fewer, because other processes have their share, there are as many fewer slots.
    """

    prompts: int = 16
    size: int = 8
    window: int = 128
    refill: Refill = "window"
    live: list[Response | None] = field(init=False, default_factory=list)
    turns: list[int] = field(init=False, default_factory=list)  # responses that each slot has begun
    waiting: dict[int, Waiting] = field(init=False, default_factory=dict)  # by their number in the sequence of all problems
    drawn: int = field(init=False, default=0)
    occupancy: Occupancy = field(init=False, default=Occupancy())
    last: Occupancy = field(init=False, default=Occupancy())

    def __post_init__(self) -> None:
        for name, value in (("prompts", self.prompts), ("size", self.size), ("window", self.window)):
            if value < 1:
                raise ConfigError(f"windowed rollout: {name}={value} is out of range; expected at least 1. Choose more.")
        if self.refill not in ("update", "window"):
            raise ConfigError(f"windowed rollout: refill={self.refill!r} is unknown; expected 'update' or 'window'. Choose one.")

    @property
    def slots(self) -> int:
        """0 before the first step."""
        return len(self.live)

    async def collect(self, writer: Writer, draw: Draw) -> list[Sample]:
        """This step's windows, slot by slot; with refill "window" a slot may give several. Every slot gives at least one."""
        before = self.drawn
        if not self.live:
            self._draw(writer, draw, before)
            self.live, self.turns = [None] * (self.drawn * self.size), [0] * (self.drawn * self.size)
        windows = await asyncio.gather(*(self._run(slot, writer, draw, before) for slot in range(self.slots)))
        written = [sum(len(sample.path) - sample.start for sample in samples) for samples in windows]
        self.last, self.occupancy = Occupancy().plus(written), self.occupancy.plus(written)
        return [sample for samples in windows for sample in samples]

    async def _run(self, slot: int, writer: Writer, draw: Draw, before: int) -> list[Sample]:
        samples: list[Sample] = []
        left = self.window
        while left:
            response = self.live[slot] or await self._begin(slot, writer, draw, before)
            self.live[slot] = response
            sample = await _advance(response, writer, left)
            samples.append(sample)
            left -= len(sample.path) - sample.start
            if not sample.finished:
                break
            self.live[slot] = None
            if self.refill == "update" or sample.start == len(sample.path):  # a prompt that fills the context leaves nothing to write
                break
        return samples

    async def _begin(self, slot: int, writer: Writer, draw: Draw, before: int) -> Response:
        """The slot's next response. No other slot runs between its choice and the draw, so problems keep their numbers."""
        number, place = divmod(self.turns[slot] * self.slots + slot, self.size)
        self.turns[slot] += 1
        while self.drawn <= number:
            self._draw(writer, draw, before)
        entry = self.waiting[number]
        entry.left -= 1
        if not entry.left:
            del self.waiting[number]
        prompt = await writer.engine.render(writer.preset.messages(entry.problem), entry.problem.id)
        return Response(entry.problem, entry.tag, f"{entry.number}.{place}", prompt.tokens, prompt.text)

    def _draw(self, writer: Writer, draw: Draw, before: int) -> None:
        for problem in draw(self.prompts):
            self.waiting[self.drawn] = Waiting(problem, writer.tag, self.drawn - before, self.size)
            self.drawn += 1

    @property
    def metrics(self) -> dict[str, float]:
        """Slot utilisation, tokens / (slots * decode steps): of the newest step, and since the run began. decode_steps: of the newest step, as many as its longest slot wrote."""
        return {
            "utilisation": self.last.utilisation(self.slots),
            "utilisation_so_far": self.occupancy.utilisation(self.slots),
            "decode_steps": float(self.last.steps),
        }

    def state_dict(self) -> dict[str, Any]:
        """Paths in flight with their ids and log-probs, waiting problems and counters, as JSON has it: what is written after a resume is what would have been written."""
        return {
            "prompts": self.prompts,
            "size": self.size,
            "live": [None if response is None else plain(response) for response in self.live],
            "turns": list(self.turns),
            "waiting": {str(number): plain(entry) for number, entry in self.waiting.items()},
            "drawn": self.drawn,
            "occupancy": [self.occupancy.tokens, self.occupancy.steps],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raises `DataError` for the state of a pool of another size."""
        if (state["prompts"], state["size"]) != (self.prompts, self.size):
            raise DataError(
                f"the checkpoint has {state['prompts']} prompts with {state['size']} responses each; expected {self.prompts} with {self.size}. "
                "Resume with the prompts and group_size that the run began with."
            )
        self.live = [None if facts is None else response_of(facts) for facts in state["live"]]
        self.turns = list(state["turns"])
        self.waiting = {int(number): waiting_of(facts) for number, facts in state["waiting"].items()}
        self.drawn = int(state["drawn"])
        self.occupancy = Occupancy(*state["occupancy"])


async def _advance(response: Response, writer: Writer, window: int) -> Sample:
    """Goes on with the response for at most `window` tokens. Its noise is keyed by the call that drew its problem, so that windows continue one another."""
    room = max(1, writer.max_tokens - len(response.tokens))
    lineage = f"{response.tag}/{response.name}"
    asked = Request(
        replace(writer, tag=response.tag).key(response.problem, response.name),
        min(window, room),
        prefix=(*response.prompt, *response.tokens),
        lineage=(lineage, response.group),
        sampling=writer.sampling,
        logprobs=True,
    )
    (completion,) = await writer.engine.generate([asked])
    writer.engine.release([lineage])
    start = len(asked.prefix)
    known = completion.logprobs if completion.logprobs is not None else (float("nan"),) * completion.n_tokens
    response.tokens += completion.tokens
    response.logprobs += known
    response.text += completion.text
    finished = completion.finish is not Finish.LENGTH or completion.n_tokens >= room
    path = Path(
        response.name,
        (
            Segment(response.prompt_text, Origin.PROMPT, response.prompt),
            Segment(response.text, Origin.MODEL, tuple(response.tokens), logprobs=tuple(response.logprobs)),
        ),
        completion.finish if finished else None,
    )
    return Sample(path, response.problem, response.group, version=writer.version, start=start, finished=finished)
