"""S-GRPO's serial groups in verl: one whole path of a prompt and early exits from its thought, each with a reward of its own.

    # agents.yaml, named by actor_rollout_ref.rollout.agent.agent_loop_config_path
    - name: thinkwell_serial
      _target_: thinkwell.training.verl.agent_loop.SerialExits
      exits: 8

Where to cut is `thinkwell.training.rollouts.serial`'s to say, what an exit is worth `thinkwell.training.rewards.decaying_exit`'s. Two habits of verl matter. Its worker gives
every output of a session the reward of the last one: the outputs here bring their own in `as_dict`. And its estimators group by prompt: `rollout.n` must be 1, more
would put the exits of several thoughts in one group. Validation should name another loop in its data (column `agent_name`: single_turn_agent), or exits are counted there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import torch

from thinkwell.answers.grade import grade
from thinkwell.core.answer import AnswerKind, VerdictValue
from thinkwell.core.errors import ConfigError
from thinkwell.core.noise import NoiseKey, generator
from thinkwell.core.path import Finish
from thinkwell.training.rewards import decaying_exit
from thinkwell.training.rollouts.serial import ExitLaw, Thought, TrainOn, exit_positions, find_thought
from thinkwell.training.verl.rewards import NotGraded

INDUCER = "\n\nTime is limited, stop thinking and start answering.\n</think>\n\n"


@dataclass(frozen=True)
class Decoder:
    """What `find_thought` asks of an engine."""

    tokenizer: Any

    async def decode(self, ids: Any) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))


@dataclass(frozen=True)
class Written:
    """A response as the server wrote it."""

    tokens: list[int]
    logprobs: list[float] | None
    finish: Finish


@dataclass(frozen=True)
class Marks:
    think_open: str
    think_close: str


@dataclass(frozen=True)
class Member:
    """An output of the group. kept: thinking tokens before the exit. start: first trained token of the response. injected: whose tokens nobody sampled."""

    ids: list[int]
    logprobs: list[float]
    kept: int
    start: int
    injected: range
    full: bool


def assembled(whole: Written, cut: int, inducer: list[int], answer: Written, thought: Thought, train_on: TrainOn) -> Member:
    """An early exit: the first `cut` tokens, the inducer, the answer. Log-probs of the inducer's tokens, which nobody sampled, are 0."""
    ids = [*whole.tokens[:cut], *inducer, *answer.tokens]
    logprobs = [
        *(whole.logprobs or [0.0] * len(whole.tokens))[:cut],
        *[0.0] * len(inducer),
        *(answer.logprobs or [0.0] * len(answer.tokens)),
    ]
    start = {"all": 0, "exit_only": cut, "answer_only": cut + len(inducer)}[train_on]
    return Member(ids, logprobs, cut - thought.begin, start, range(cut, cut + len(inducer)), False)


class Exits:
    """Comes before verl's `AgentLoopBase` in the order of bases; `SerialExits` is the two together.

    exits, law, span, answer_tokens, train_on, inducer: as in `thinkwell.training.rollouts.serial.Serial`; decay: of the reward; kind: of the answers, whose reference is the row's
    `reward_model.ground_truth`; think_open, think_close: the marks of the model's thinking; seed: of the exits' positions.
    """

    def __init__(
        self,
        *args: Any,
        exits: int = 8,
        law: ExitLaw = "uniform_random",
        span: tuple[float, float] = (0.0, 1.0),
        answer_tokens: int = 256,
        train_on: TrainOn = "all",
        inducer: str = INDUCER,
        decay: float = 2.0,
        kind: str = AnswerKind.MATH.value,
        think_open: str = "<think>",
        think_close: str = "</think>",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if int(self.rollout_config.n) != 1:  # type: ignore[attr-defined]
            raise ConfigError(
                "rollout.n is above 1; expected 1 for serial groups: verl groups by prompt, and the exits of a thought are the group. Train on more prompts."
            )
        if think_close not in inducer:
            raise ConfigError(f"the inducer {inducer!r} does not end the thought; expected {think_close!r} in it. Add the mark.")
        self.exits, self.law, self.span, self.answer_tokens, self.train_on = exits, law, tuple(span), answer_tokens, train_on
        self.inducer, self.decay, self.kind, self.marks, self.seed = inducer, decay, AnswerKind(kind), Marks(think_open, think_close), seed
        self.response_length = int(self.rollout_config.response_length)  # type: ignore[attr-defined]

    async def run(self: Any, sampling_params: dict[str, Any], **kwargs: Any) -> list[Any]:
        """The exits from the earliest to the latest, then the whole path. Raises `NotGraded` where the whole path could not be graded."""
        prompt_ids = await self.ct_build_initial_tokens(list(kwargs["raw_prompt"]))
        whole, facts = await self._write(prompt_ids, sampling_params, self.response_length)
        thought = await find_thought(cast(Any, Decoder(self.tokenizer)), cast(Any, whole), cast(Any, self.marks))
        rng = generator(NoiseKey(self.seed, str(kwargs.get("index", "")), f"{kwargs.get('global_steps', '')}/exits"))
        inducer = list(self.tokenizer.encode(self.inducer, add_special_tokens=False))
        cuts = [cut for cut in exit_positions(thought, self.exits, self.law, self.span, rng) if cut + len(inducer) < self.response_length]
        asked = [
            self._write(
                [*prompt_ids, *whole.tokens[:cut], *inducer],
                sampling_params,
                min(self.answer_tokens, self.response_length - cut - len(inducer)),
            )
            for cut in cuts
        ]
        answers = [answer for answer, _ in await asyncio.gather(*asked)]
        members = [assembled(whole, cut, inducer, answer, thought, self.train_on) for cut, answer in zip(cuts, answers, strict=True)]
        own_start = {"all": 0, "exit_only": thought.end, "answer_only": thought.answer}[self.train_on]
        logprobs = whole.logprobs or [0.0] * len(whole.tokens)
        members.append(Member(whole.tokens, logprobs, thought.end - thought.begin, own_start, range(0), True))
        return await self._rewarded(prompt_ids, members, whole.logprobs is not None, facts, kwargs)

    async def _write(self: Any, prompt_ids: list[int], sampling_params: dict[str, Any], most: int) -> tuple[Written, dict[str, Any]]:
        params = {**sampling_params, "max_tokens": most}
        said = await self.server_manager.generate(request_id=uuid4().hex, prompt_ids=list(prompt_ids), sampling_params=params)
        ids = list(said.token_ids)[:most]
        ended = bool(ids) and ids[-1] == self.tokenizer.eos_token_id
        logprobs = None if said.log_probs is None else list(said.log_probs)[: len(ids)]
        return Written(ids, logprobs, Finish.EOS if ended else Finish.LENGTH), dict(said.extra_fields)

    async def _rewarded(
        self: Any, prompt_ids: list[int], members: list[Member], sampled: bool, facts: dict[str, Any], row: dict[str, Any]
    ) -> list[Any]:
        reference = str(row["reward_model"]["ground_truth"])
        texts = [self.tokenizer.decode(member.ids, skip_special_tokens=True) for member in members]
        loop = asyncio.get_running_loop()
        verdicts = await asyncio.gather(*(loop.run_in_executor(None, grade, text, reference, self.kind) for text in texts))
        judged = [verdict.value not in (VerdictValue.TIMEOUT, VerdictValue.ERROR) for verdict in verdicts]
        if not judged[-1]:
            raise NotGraded(f"the whole path could not be graded ({verdicts[-1].value}: {verdicts[-1].detail}); expected a verdict.")
        kept = [place for place, known in enumerate(judged) if known]  # an exit that could not be graded is no member
        rewards = decaying_exit(
            torch.tensor([verdicts[place].correct for place in kept]),
            torch.tensor([members[place].kept for place in kept]),
            torch.zeros(len(kept), dtype=torch.int64),
            decay=self.decay,
            full=torch.tensor([members[place].full for place in kept]),
        )
        forced = self.train_on != "answer_only"  # tokens that nobody sampled carry the loss: there are no log-probs for all
        outputs = []
        for place, reward in zip(kept, rewards.tolist(), strict=True):
            member, correct = members[place], float(verdicts[place].correct)
            told = {
                "acc": correct,
                "score": reward,
                "kept": float(member.kept),
                "full": float(member.full),
                "ungraded": float(judged.count(False)),
            }
            outputs.append(
                exit_output()(
                    prompt_ids=list(prompt_ids),
                    response_ids=member.ids,
                    response_mask=[int(token >= member.start) for token in range(len(member.ids))],
                    response_logprobs=member.logprobs if sampled and not forced else None,
                    reward_score=reward,
                    exit_reward=reward,
                    num_turns=2,
                    metrics={},
                    extra_fields={**facts, "turn_scores": [], "tool_rewards": [], "reward_extra_info": told},
                )
            )
        return outputs


def exit_output() -> Any:
    """verl's output of an agent loop, with a reward that its worker does not overwrite."""
    if "ExitOutput" not in globals():
        from verl.experimental.agent_loop.agent_loop import AgentLoopOutput

        class ExitOutput(AgentLoopOutput):
            exit_reward: float

            def as_dict(self) -> dict[str, Any]:
                fields = dict(super().as_dict())
                del fields["exit_reward"]
                fields["rm_scores"] = torch.zeros_like(fields["response_mask"], dtype=torch.float32)
                fields["rm_scores"][-1] = self.exit_reward
                return fields

        globals()["ExitOutput"] = ExitOutput
    return globals()["ExitOutput"]


def __getattr__(name: str) -> Any:
    if name != "SerialExits":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from verl.experimental.agent_loop.agent_loop import AgentLoopBase

    return globals().setdefault(name, type(name, (Exits, AgentLoopBase), {"__module__": __name__, "__doc__": Exits.__doc__}))
