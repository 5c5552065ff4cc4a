"""From problems to samples with rewards: roll out, grade, reward, filter, and again until the step has what it asked for.

Nothing fails in silence. A grader that died or a reward that raised stops the run with the sample shown, or is counted and its group left out, as the user chose;
neither is ever a reward of 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from thinkwell.answers.grade import grade_problem
from thinkwell.core.errors import ThinkwellError
from thinkwell.core.path import Finish
from thinkwell.core.prompt import Preset
from thinkwell.training.sample import Rewarded, Rollouts, Sample
from thinkwell.training.stage import Draw, Reward, Rl, Writer

OnError = Literal["stop", "count"]


class RewardError(ThinkwellError):
    """A reward raised or a grader gave no judgement; the message shows the sample."""


@dataclass
class Experience:
    """What a step learns from, and what was seen on the way. batch and rewards: after the filters. seen: everything that was written and graded. errors: samples
    without a judgement or whose reward raised. tokens: written by the model."""

    batch: Rollouts
    rewards: Rewarded
    seen: Rollouts
    seen_rewards: Rewarded
    errors: int = 0
    refills: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


async def gather(
    stage: Rl,
    writer: Callable[[int], Writer],
    draw: Draw,
    step: int,
    *,
    on_error: OnError = "stop",
    share: Callable[[list[Sample]], list[Sample]] = list,
) -> Experience:
    """One step's samples. writer(k): who writes the k-th collection of this step. share: gives every process the samples of all."""
    seconds = {"rollout": 0.0, "grade": 0.0, "reward": 0.0}
    kept: list[tuple[Rollouts, Rewarded]] = []
    seen: list[tuple[Rollouts, Rewarded]] = []
    errors, groups, refills = 0, 0, 0
    for refills in range(stage.refills + 1):
        now = writer(refills)
        began = time.perf_counter()
        samples = share(await stage.rollout.collect(now, draw))
        seconds["rollout"] += time.perf_counter() - began
        began = time.perf_counter()
        samples = judge(samples, now.preset, stage.valid)
        batch, lost = judged_only(Rollouts(tuple(samples)), on_error)
        seconds["grade"] += time.perf_counter() - began
        began = time.perf_counter()
        batch, rewards, raised = rewarded(stage.reward, batch, step, on_error)
        seconds["reward"] += time.perf_counter() - began
        errors += lost + raised
        seen.append((batch, rewards))
        keep = torch.ones(len(batch), dtype=torch.bool)
        for each in stage.filters:
            keep &= each(batch, rewards)
        kept.append((batch.where(keep), only(rewards, keep)))
        groups += len({sample.group for sample in kept[-1][0].samples})
        if groups >= stage.prompts or not any(each.refill for each in stage.filters):
            break
    batch, rewards = joined(kept)
    if any(each.refill for each in stage.filters):  # the surplus of the last refill: whole groups, in order
        wanted = set(list(dict.fromkeys(sample.group for sample in batch.samples))[: stage.prompts])
        inside = torch.tensor([sample.group in wanted for sample in batch.samples], dtype=torch.bool)
        batch, rewards = batch.where(inside), only(rewards, inside)
    return Experience(batch, rewards, *joined(seen), errors=errors, refills=refills, seconds=seconds)


def judge(samples: Sequence[Sample], preset: Preset, valid: Callable[[Sample], bool] | None = None) -> list[Sample]:
    """Samples with verdicts. Those that are not finished, that somebody graded before, or whose problem has no reference stay as they are."""
    result = []
    for sample in samples:
        if sample.finished and sample.verdict is None and sample.problem.reference is not None:
            opened = bool(preset.think_open) and sample.path.prompt.rstrip().endswith(preset.think_open.strip())
            verdict = grade_problem(sample.path.own_text, sample.problem, thinking=opened, finished=sample.path.finish is Finish.EOS)
            sample = replace(sample, verdict=verdict)
        if valid is not None:
            sample = replace(sample, valid=valid(sample))
        result.append(sample)
    return result


def judged_only(batch: Rollouts, on_error: OnError) -> tuple[Rollouts, int]:
    """Without the samples that the grader could not judge, and how many these are. Raises `RewardError` where the user did not say to count them."""
    failed = [sample for sample in batch.samples if sample.verdict is not None and not sample.judged]
    if failed and on_error == "stop":
        verdict = failed[0].verdict
        raise RewardError(
            f"the grader gave no judgement ({verdict.value if verdict else ''}: {verdict.detail if verdict else ''}) on this sample:\n{shown(failed[0])}\n"
            "Mend the grader or the problem, or count such samples and leave them out with --on-reward-error count."
        )
    return batch.where([sample.verdict is None or sample.judged for sample in batch.samples]) if failed else batch, len(failed)


def rewarded(reward: Reward, batch: Rollouts, step: int, on_error: OnError) -> tuple[Rollouts, Rewarded, int]:
    """The batch with its rewards; where the reward raises, without the groups that make it raise alone, and how many samples these hold."""
    try:
        return batch, checked(reward(batch, step), batch), 0
    except Exception as error:  # whatever it raises becomes a RewardError with the sample, or samples counted
        culprits = _culprits(reward, batch, step)
        if on_error == "stop" or not culprits or len(culprits) == len({sample.group for sample in batch.samples}):
            first = next((sample for sample in batch.samples if sample.group in culprits), batch.samples[0] if len(batch) else None)
            raise RewardError(
                f"the reward raised {type(error).__name__}: {error}\n"
                + (f"on this sample:\n{shown(first)}\n" if first is not None and culprits else "on the batch as a whole.\n")
                + "Mend the reward, or count such groups and leave them out with --on-reward-error count."
            ) from error
        rest = batch.where([sample.group not in culprits for sample in batch.samples])
        return rest, checked(reward(rest, step), rest), len(batch) - len(rest)


def checked(rewards: Rewarded, batch: Rollouts) -> Rewarded:
    """Raises `RewardError` unless there is one finite number a sample."""
    if rewards.values.shape != (len(batch),):
        raise RewardError(f"the reward gave shape {tuple(rewards.values.shape)} for {len(batch)} samples; expected one number a sample.")
    bad = ~torch.isfinite(rewards.values)
    if bool(bad.any()):
        place = int(bad.nonzero()[0])
        raise RewardError(
            f"the reward of this sample is {float(rewards.values[place])}; expected a finite number:\n{shown(batch.samples[place])}"
        )
    return rewards


def shown(sample: Sample, longest: int = 1500) -> str:
    """A sample for people: its question, its text, how it ended."""
    text = sample.path.text
    cut = text if len(text) <= longest else f"{text[: longest // 2]}\n[... {len(text) - longest} characters ...]\n{text[-longest // 2 :]}"
    return f"  problem {sample.problem.id}: {sample.problem.question}\n  response ({sample.length} tokens, ended by {sample.path.finish}):\n{cut}"


def only(rewards: Rewarded, keep: Tensor) -> Rewarded:
    return Rewarded(rewards.values[keep], {name: values[keep] for name, values in rewards.parts.items()})


def joined(pieces: Sequence[tuple[Rollouts, Rewarded]]) -> tuple[Rollouts, Rewarded]:
    """Batches one after the other; parts that some lack are NaN there."""
    batch = Rollouts(tuple(sample for piece, _ in pieces for sample in piece.samples))
    names = dict.fromkeys(name for _, rewards in pieces for name in rewards.parts)
    blank = float("nan")
    parts = {
        name: torch.cat([rewards.parts.get(name, torch.full((len(piece),), blank)).double() for piece, rewards in pieces]) for name in names
    }
    values = torch.cat([rewards.values.double() for _, rewards in pieces]) if pieces else torch.zeros(0, dtype=torch.float64)
    return batch, Rewarded(values, parts)


def _culprits(reward: Reward, batch: Rollouts, step: int) -> set[str]:
    """Groups on which the reward raises alone."""
    found = set()
    for group in dict.fromkeys(sample.group for sample in batch.samples):
        alone = batch.where([sample.group == group for sample in batch.samples])
        try:
            checked(reward(alone, step), alone)
        except Exception:  # noqa: BLE001  whatever a reward raises names its group; the caller raises or counts it
            found.add(group)
    return found
