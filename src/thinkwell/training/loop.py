"""The whole of reinforcement learning on a language model, to be read in one sitting: GRPO, from a model and problems to a better model.

    for each step:
        1. write   `size` responses to each of `prompts` problems, with the present weights
        2. reward  1 for a right answer, else 0
        3. compare each response with the others of its group: A = (R - mean) / std
        4. learn   raise the log-prob of tokens with A > 0, lower that of tokens with A < 0 (PPO's clipped loss)

`trainer.py` does the same for every recipe, with checkpoints, critics, buffers, adapters and several processes; a test holds the two to the same numbers. What this file
leaves to others is what is no reinforcement learning: the engine that writes tokens, the grader, and the two formulas (`advantages.grpo`, `losses.ppo_clip`).

    python -m thinkwell.training.loop
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from thinkwell.answers.grade import grade_problem
from thinkwell.core.noise import NoiseKey
from thinkwell.core.path import Finish
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.protocol import Completion, Request
from thinkwell.training import advantages, losses
from thinkwell.training.policy import LogProbs, microbatches, padded
from thinkwell.training.problems import LabProblems, Problems


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run needs to know. max_tokens: of a response; micro_tokens: padded tokens of one forward and backward."""

    steps: int = 40
    prompts: int = 16
    size: int = 8
    max_tokens: int = 512
    temperature: float = 1.0
    rate: float = 1e-4
    warmup: int = 5
    clip: float = 1.0
    micro_tokens: int = 8192
    seed: int = 0


@dataclass(frozen=True)
class Response:
    """One response: all its token ids, how many of them are the prompt, what group it is in, what it is worth."""

    ids: tuple[int, ...]
    prompt: int
    group: int
    reward: float
    finished: bool


def train(module: Any, tokenizer: Any, problems: Problems, preset: Preset, how: Settings) -> list[dict[str, float]]:
    """Trains the module (a Hugging Face causal LM) in place. Returns a row a step: reward, tokens a response, loss, gradient norm, seconds."""
    return asyncio.run(_train(module, tokenizer, problems, preset, how))


async def _train(module: Any, tokenizer: Any, problems: Problems, preset: Preset, how: Settings) -> list[dict[str, float]]:
    engine = LocalEngine(module, tokenizer)  # shares the module's weights
    policy = LogProbs(module)
    matrices = [weight for weight in module.parameters() if weight.ndim >= 2]
    gains = [weight for weight in module.parameters() if weight.ndim < 2]
    optimiser = torch.optim.AdamW([{"params": matrices}, {"params": gains}], lr=how.rate, betas=(0.9, 0.95), weight_decay=0.0)
    rows = []
    for step in range(how.steps):
        began = time.perf_counter()
        responses = await write(engine, problems, preset, how, step)
        for group in optimiser.param_groups:
            group["lr"] = how.rate * min(1.0, (step + 1) / (how.warmup + 1))
        loss, norm = learn(policy, optimiser, responses, how, tokenizer.pad_token_id)
        engine.refresh()
        rows.append(
            {
                "step": step + 1,
                "reward": sum(r.reward for r in responses) / len(responses),
                "tokens": sum(len(r.ids) - r.prompt for r in responses) / len(responses),
                "loss": loss,
                "grad_norm": norm,
                "seconds": time.perf_counter() - began,
            }
        )
    return rows


async def write(engine: LocalEngine, problems: Problems, preset: Preset, how: Settings, step: int) -> list[Response]:
    """A group of responses to each of the step's problems, graded. The engine batches them all and computes each prompt once."""
    asked = [problems.at(step * how.prompts + number) for number in range(how.prompts)]
    prompts = [await engine.render(preset.messages(problem), problem.id) for problem in asked]
    requests = [
        Request(
            NoiseKey(how.seed, f"rl/{step}/{problem.id}", f"{number}.{place}"),
            how.max_tokens,
            prefix=prompt.tokens,
            lineage=(f"rl/{step}/{number}.{place}", f"rl/{step}/{number}"),
            sampling=Sampling(how.temperature),
        )
        for number, (problem, prompt) in enumerate(zip(asked, prompts, strict=True))
        for place in range(how.size)
    ]
    completions = await engine.generate(requests)

    def response(index: int, completion: Completion) -> Response:
        number = index // how.size
        finished = completion.finish is Finish.EOS
        opened = bool(preset.think_open) and prompts[number].text.rstrip().endswith(preset.think_open.strip())
        verdict = grade_problem(completion.text, asked[number], thinking=opened, finished=finished)
        if verdict.value.value in ("timeout", "error"):
            raise RuntimeError(f"the grader gave no judgement on {completion.text!r}: {verdict.detail}")
        return Response(prompts[number].tokens + completion.tokens, len(prompts[number].tokens), number, float(verdict.correct), finished)

    return [response(index, completion) for index, completion in enumerate(completions)]


def learn(policy: LogProbs, optimiser: torch.optim.Optimizer, responses: list[Response], how: Settings, pad: int) -> tuple[float, float]:
    """One optimiser step on the whole batch. Returns the loss and the gradient's norm before clipping."""
    longest = max(len(response.ids) for response in responses)
    mask_BT = torch.tensor([[r.prompt <= place < len(r.ids) for place in range(longest)] for r in responses])
    rewards = torch.tensor([response.reward for response in responses])
    groups = torch.tensor([response.group for response in responses])
    advantage_BT = advantages.grpo(rewards, mask_BT, groups)
    optimiser.zero_grad(set_to_none=True)
    total = 0.0
    for chosen in microbatches([len(response.ids) for response in responses], how.micro_tokens):
        loss = _loss(policy, [responses[i].ids for i in chosen], mask_BT[chosen], advantage_BT[chosen], len(responses), pad)
        loss.backward()
        total += loss.item()
    norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), how.clip).item()
    optimiser.step()
    return total, norm


def _loss(policy: LogProbs, ids: list[tuple[int, ...]], mask_BT: Tensor, advantage_BT: Tensor, batch: int, pad: int) -> Tensor:
    """The share of a micro-batch in the loss of the batch. With one step a batch the old policy is the present one, so the ratio is 1 and only its gradient counts."""
    ids_BT = padded(ids, pad)
    width = ids_BT.shape[1]
    logp_BT, _ = policy(ids_BT, mask_BT[:, :width])
    loss, _ = losses.ppo_clip(
        logp_BT, logp_BT.detach(), advantage_BT[:, :width], mask_BT[:, :width], aggregation="seq-mean-token-mean", batch_sequences=batch
    )
    return loss


def main() -> None:
    """GRPO on the lab's model, a line a step."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from thinkwell.lab import artifacts
    from thinkwell.tasks.presets import preset

    folder = artifacts.path("policy")
    module, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    for row in train(module, tokenizer, LabProblems(), preset("lab"), Settings()):
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()))


if __name__ == "__main__":
    main()
