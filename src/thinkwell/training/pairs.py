"""Preference training: pairs made by the present policy, and MPO on them (Skywork R1V2, arXiv 2504.16656, sec. 3.1; MPO, arXiv 2411.10442).

    each round    sample n responses a problem, rank them by reward; the best with the worst, the second best with the second worst ...,
                  while the chosen one is ahead by at least min_gap
    each step     L = w_pref DPO + w_quality BCO (with a running shift) + w_gen likelihood of the chosen, on the next `batch` pairs

The gap is the reading of R1V2's "threshold" (its unit is not printed): a low one gives many pairs whose order is noise, a high one few and clear ones. Ties never make a pair,
and no pair has responses of two problems. Log-ratios are against the policy of the stage's start, over the tokens that the model wrote, at temperature 1.
Cost a round: prompts x samples responses; a step: two forwards and one backward of 2 x batch responses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import expect, finite
from thinkwell.training.experience import OnError, judge, judged_only, rewarded
from thinkwell.training.losses import mpo
from thinkwell.training.plain import plain_sample, sample_of
from thinkwell.training.rollouts.group import write
from thinkwell.training.sample import Rollouts, Sample
from thinkwell.training.stage import Draw, Reward, Writer


@dataclass(frozen=True)
class Pair:
    """Two responses to one problem. gap: reward of the chosen minus that of the rejected, above 0."""

    chosen: Sample
    rejected: Sample
    gap: float


@dataclass(frozen=True)
class Made:
    """The pairs of a round, the samples that they were made of, and what was counted on the way."""

    pairs: list[Pair]
    batch: Rollouts
    rewards: Tensor
    errors: int

    @property
    def metrics(self) -> dict[str, float]:
        groups = len({sample.group for sample in self.batch.samples})
        paired = len({pair.chosen.group for pair in self.pairs})
        gap = sum(pair.gap for pair in self.pairs) / len(self.pairs) if self.pairs else 0.0
        return {"pairs/made": float(len(self.pairs)), "pairs/groups": paired / groups if groups else 0.0, "pairs/gap": gap}


def pairs_of(batch: Rollouts, rewards: Tensor, *, min_gap: float = 0.0, per_group: int = 1) -> list[Pair]:
    """Up to per_group pairs of each group: the i-th best with the i-th worst, while their rewards (B,) differ by at least min_gap and by more than 0.

    No sample is in two pairs; of equal rewards the earlier sample ranks first. Samples without a judgement take no part. Raises `ConfigError`.
    """
    finite("min_gap", min_gap)
    expect("per_group", per_group, per_group >= 1, "at least one pair")
    if rewards.shape != (len(batch),) or not bool(rewards.isfinite().all()):
        raise ConfigError(
            f"rewards {tuple(rewards.shape)} for {len(batch)} samples; expected one finite number a sample. Pass those of the batch."
        )
    groups: dict[str, list[int]] = {}
    for place, sample in enumerate(batch.samples):
        if sample.verdict is None or sample.judged:
            groups.setdefault(sample.group, []).append(place)
    values = rewards.tolist()
    found = []
    for places in groups.values():
        ranked = sorted(places, key=lambda place: -values[place])
        for rank in range(min(per_group, len(ranked) // 2)):
            best, worst = ranked[rank], ranked[-1 - rank]
            gap = values[best] - values[worst]
            if gap <= 0 or gap < min_gap:
                break
            found.append(Pair(batch.samples[best], batch.samples[worst], gap))
    return found


async def make_pairs(
    writer: Writer,
    draw: Draw,
    reward: Reward,
    *,
    prompts: int = 32,
    samples: int = 8,
    min_gap: float = 0.0,
    per_group: int = 1,
    step: int = 0,
    valid: Callable[[Sample], bool] | None = None,
    share: Callable[[list[Sample]], list[Sample]] = list,
    on_error: OnError = "stop",
) -> Made:
    """Pairs of what `writer` writes now: `samples` responses to each of `prompts` problems, graded and rewarded. valid: is the format kept?

    share: gives every process the samples of all. Raises `RewardError` for a reward that raises and a grader without a judgement, as a step of reinforcement does.
    """
    written = share(await write(writer, draw(prompts), samples))
    batch, lost = judged_only(Rollouts(tuple(judge(written, writer.preset, valid))), on_error)
    batch, rewards, raised = rewarded(reward, batch, step, on_error)
    return Made(pairs_of(batch, rewards.values, min_gap=min_gap, per_group=per_group), batch, rewards.values, lost + raised)


class Pairs:
    """The pairs that a `Preference` stage learns from, and the shift of BCO: what it keeps between steps. Knobs as in `make_pairs`."""

    def __init__(
        self,
        reward: Reward,
        *,
        prompts: int = 32,
        samples: int = 8,
        min_gap: float = 0.0,
        per_group: int = 1,
        valid: Callable[[Sample], bool] | None = None,
        seed: int = 0,
    ) -> None:
        expect("prompts", prompts, prompts >= 1, "at least one problem a round")
        expect("samples", samples, samples >= 2, "at least two responses a problem, for a pair needs two")
        finite("min_gap", min_gap)
        expect("per_group", per_group, 1 <= per_group <= samples // 2, f"1 to {samples // 2}, half of the samples")
        self.reward, self.valid, self.seed = reward, valid, seed
        self.prompts, self.samples, self.min_gap, self.per_group = prompts, samples, min_gap, per_group
        self.shift = 0.0
        self.pairs: list[Pair] = []

    async def renew(self, writer: Writer, draw: Draw, step: int, share: Callable[[list[Sample]], list[Sample]], on_error: OnError) -> Made:
        """A new round: the pairs of the present policy take the place of the old ones."""
        knobs = {"prompts": self.prompts, "samples": self.samples, "min_gap": self.min_gap, "per_group": self.per_group}
        made = await make_pairs(writer, draw, self.reward, step=step, valid=self.valid, share=share, on_error=on_error, **knobs)  # type: ignore[arg-type]
        self.pairs = made.pairs
        return made

    def batch(self, number: int, size: int) -> list[Pair]:
        """The pairs of the round's step `number`: in a new order every time that all have been seen; fewer than `size` only where there are fewer."""
        if not self.pairs:
            return []
        count, chosen = len(self.pairs), []
        for place in range(number * min(size, count), (number + 1) * min(size, count)):
            order = list(range(count))
            random.Random(f"pairs/{self.seed}/{place // count}").shuffle(order)
            chosen.append(self.pairs[order[place % count]])
        return chosen

    def state_dict(self) -> dict[str, Any]:
        pairs = [{"chosen": plain_sample(p.chosen), "rejected": plain_sample(p.rejected), "gap": p.gap} for p in self.pairs]
        return {"pairs": pairs, "shift": self.shift, "reward": self.reward.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.pairs = [Pair(sample_of(p["chosen"]), sample_of(p["rejected"]), p["gap"]) for p in state["pairs"]]
        self.shift = state["shift"]
        self.reward.load_state_dict(state["reward"])


def preference_loss(
    logp_2PT: Tensor, ref_logp_2PT: Tensor, mask_2PT: Tensor, *, shift: float = 0.0, batch_pairs: float | None = None, **knobs: Any
) -> tuple[Tensor, dict[str, float]]:
    """MPO of P pairs whose rows are stacked: the chosen ones first, then the rejected ones in the same order; log-probs of tokens (2P, T), mask bool.

    shift, batch_pairs and knobs (w_pref, w_quality, w_gen, beta, preset ...) as in `losses.mpo`. Raises `ConfigError`.
    """
    if len(mask_2PT) % 2:
        raise ConfigError(f"{len(mask_2PT)} rows are no pairs; expected the chosen ones, then as many rejected ones. Stack them so.")
    (chosen, rejected), (ref_chosen, ref_rejected), (c_mask, r_mask) = (x.chunk(2) for x in (logp_2PT, ref_logp_2PT, mask_2PT))
    return mpo(chosen, rejected, ref_chosen, ref_rejected, c_mask, r_mask, shift=shift, batch_pairs=batch_pairs, **knobs)
