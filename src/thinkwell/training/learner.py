"""The weights that learn, and one update of them: policy (all weights or adapters), reference, critic, optimisers.

    rows = learner.rows(experience, stage)       advantages, and what they need: old log-probs, KL, values
    metrics = learner.update(rows, stage, ...)   passes x mini-batches x micro-batches

The mathematics is that of `advantages.py`, `losses.py` and `value.py`; here it is only called. Losses of micro-batches are divided by what the whole mini-batch holds, so
the split changes nothing.
"""

from __future__ import annotations

import copy
import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from thinkwell.core.errors import ThinkwellError
from thinkwell.core.path import Origin
from thinkwell.training import advantages, losses
from thinkwell.training.experience import Experience
from thinkwell.training.policy import LogProbs, Values, critic_of, cuts, logprobs_of, padded, stacked, values_of
from thinkwell.training.sample import Row, Sample
from thinkwell.training.sft import sft_step
from thinkwell.training.stage import Critic, Kl, Optimiser, Preference, Rl, Stage, View
from thinkwell.training.value import value_loss


class NotFinite(ThinkwellError):
    """A loss or gradient that is not a number. batch: what was in the micro-batch, for the dump."""

    def __init__(self, what: str, batch: Mapping[str, Any]) -> None:
        super().__init__(f"the {what} is not finite")
        self.what, self.batch = what, dict(batch)


class Learner:
    """module: the causal LM that is trained in place. accelerator: where and in what precision (Accelerate)."""

    def __init__(
        self, module: Any, accelerator: Any, *, pad: int, micro_tokens: int, temperature: float, max_tokens: int, seed: int
    ) -> None:
        self.module, self.accelerator = module, accelerator
        self.pad, self.micro_tokens, self.temperature, self.max_tokens, self.seed = pad, micro_tokens, temperature, max_tokens, seed
        self.forward: Any = accelerator.prepare(LogProbs(module))
        self.optimiser: Any = None
        self.reference: LogProbs | None = None
        self.critic: Any = None
        self.critic_optimiser: Any = None
        self.version = 0
        self.stage: Stage | None = None

    def begin(self, stage: Stage) -> None:
        """Fresh optimisers, reference and critic for a stage."""
        self.stage = stage
        self.optimiser = self.accelerator.prepare(adamw(self.module, stage.optimiser))
        self.reference = self.critic = self.critic_optimiser = None
        if isinstance(stage, Preference) or (isinstance(stage, Rl) and stage.kl is not None):
            self.reference = LogProbs(frozen(self.module))
        if isinstance(stage, Rl) and stage.critic is not None:
            critic = Values(self.module)
            self.critic, self.critic_optimiser = self.accelerator.prepare(critic, adamw(critic, stage.critic.optimiser))

    # From experience to rows

    def rows(self, experience: Experience, stage: Rl) -> tuple[list[Row], dict[str, float]]:
        """The samples with advantages, and what a critic learns; metrics of both."""
        samples = experience.batch.samples
        if not samples:
            return [], {}
        ids = [sample.path.tokens for sample in samples]
        masks = [torch.tensor(sample.mask()) for sample in samples]
        width = max(map(len, ids))
        mask_BT = stacked(masks, width)
        view, metrics = self._view(experience, stage, ids, masks, mask_BT)
        kept = self._old_needed(stage)
        old = view.old_logp if view.old_logp is not None or not kept else stacked(self.logprobs(ids, masks), width)
        advantage_BT = stage.advantage(view.view)
        if stage.kl is not None and stage.kl.place == "centred" and old is not None and view.ref_logp is not None:
            advantage_BT = advantage_BT + losses.centred_kl(old, view.ref_logp, mask_BT, view.view.group_ids, coef=stage.kl.coef).to(
                advantage_BT
            )
        returns = self._returns(stage, view.view, samples, ids, width)
        found = []
        for place, sample in enumerate(samples):
            length = len(ids[place])
            found.append(
                Row(
                    sample,
                    float(experience.rewards.values[place]),
                    masks[place],
                    advantage_BT[place, :length].clone(),
                    None if old is None else old[place, :length].clone(),
                    None if returns is None else returns[place, :length].clone(),
                    None if view.values is None else view.values[place],
                )
            )
        acting = advantage_BT[mask_BT]
        metrics |= {
            "advantage/mean_abs": float(acting.abs().mean()) if len(acting) else 0.0,
            "advantage/zero": float((acting == 0).double().mean()) if len(acting) else 1.0,
        }
        return found, metrics

    def _view(
        self, experience: Experience, stage: Rl, ids: list[list[int]], masks: list[Tensor], mask_BT: Tensor
    ) -> tuple[_Seen, dict[str, float]]:
        batch, width, metrics = experience.batch, mask_BT.shape[1], dict[str, float]()
        rewards = experience.rewards.values.to(torch.float32)
        old = ref = None
        if stage.kl is not None and stage.kl.place != "loss":
            old, ref = stacked(self.logprobs(ids, masks), width), stacked(self._reference(ids, masks), width)
            metrics["kl"] = losses.aggregate(losses.kl(old, ref, mask_BT, estimator="k1"), mask_BT).item()
            if stage.kl.place == "token_reward":
                rewards = advantages.token_rewards(rewards, mask_BT, kl=old - ref, beta=stage.kl.coef)
            elif stage.kl.place == "reward":
                rewards = rewards + losses.kl_reward(old, ref, mask_BT, coef=stage.kl.coef, level="sequence")
        values = values_BT = bootstrap = None
        if self.critic is not None:
            values = values_of(self.critic, ids, [own_tokens(sample) for sample in batch.samples], tokens=self.micro_tokens, pad=self.pad)
            values_BT = stacked([value[:-1] for value in values], width)
            bootstrap = torch.stack([value[-1] for value in values])
        view = View(batch, rewards, mask_BT, batch.group_ids, batch.finished, batch.cut, values_BT, bootstrap)
        return _Seen(view, old, ref, None if values is None else [value[:-1] for value in values]), metrics

    def _returns(self, stage: Rl, view: View, samples: Sequence[Sample], ids: list[list[int]], width: int) -> Tensor | None:
        """Targets of the values. A critic that learns from finished responses sees all their tokens, of earlier windows too."""
        if stage.critic is None:
            return None
        if stage.critic.on == "all":
            return stage.critic.targets(view)
        whole = stacked([own_tokens(sample) for sample in samples], width)
        return stage.critic.targets(
            View(view.batch, view.rewards, whole, view.group_ids, view.finished, view.cut, view.values, view.bootstrap_values)
        )

    def _old_needed(self, stage: Rl) -> bool:
        """Whether the log-probs before the update must be kept: with one optimiser step on fresh samples they are those of the update itself."""
        return stage.passes * stage.minibatches > 1 or stage.buffer is not None or stage.importance_cap is not None

    def logprobs(self, ids: list[list[int]], masks: list[Tensor]) -> list[Tensor]:
        """Log-probs (T,) of rows' masked tokens under the present policy, at the rollouts' temperature."""
        with self.accelerator.autocast():
            return logprobs_of(self.forward, ids, masks, tokens=self.micro_tokens, temperature=self.temperature, pad=self.pad)

    def _reference(self, ids: list[list[int]], masks: list[Tensor]) -> list[Tensor]:
        assert self.reference is not None
        with self.accelerator.autocast():
            return logprobs_of(self.reference, ids, masks, tokens=self.micro_tokens, temperature=self.temperature, pad=self.pad)

    # Updates

    def update(self, rows: Sequence[Row], stage: Rl, step: int) -> dict[str, float]:
        """Train on the rows; mean metrics over what was trained on. Raises `NotFinite`."""
        began = time.perf_counter()
        total = Means()
        if stage.critic is not None:
            self._learn_values(rows, stage.critic, step, total)
        total.seconds("critic", began)
        rows = [row for row in rows if bool(row.mask.any())]
        if not rows or (stage.critic is not None and step < stage.critic.warmup):
            return total.result()
        refs = (
            self._reference([r.sample.path.tokens for r in rows], [r.mask for r in rows]) if stage.kl and stage.kl.place == "loss" else None
        )
        for attempt in range(stage.passes):
            for chosen in parts_of(len(rows), stage.minibatches, f"{self.seed}/{stage.name}/{step}/{attempt}"):
                self._policy_step([rows[i] for i in chosen], None if refs is None else [refs[i] for i in chosen], stage, step, total)
        if stage.kl is not None and stage.kl.to == "ema":
            self._follow(stage.kl, step)
        return total.result()

    def _policy_step(self, rows: list[Row], refs: list[Tensor] | None, stage: Rl, step: int, total: Means) -> None:
        began = time.perf_counter()
        self._zero(self.optimiser, stage.optimiser, step, stage.steps)
        counts = {
            "batch_tokens": float(sum(int(row.mask.sum()) for row in rows)),
            "batch_sequences": float(len(rows)),
            "max_length": float(stage.max_tokens or self.max_tokens),
        }
        positive = float(sum(int(row.mask.sum()) for row in rows if row.sample.correct))
        mine = range(self.accelerator.process_index, len(rows), self.accelerator.num_processes)
        micros = cuts(self.module, [rows[i].sample.path.tokens for i in mine], [rows[i].mask for i in mine], self.micro_tokens)
        loss_sum = 0.0
        for number, chosen in enumerate(micros):
            with self._synced(last=number == len(micros) - 1):
                places = [mine[i] for i in chosen]
                own_refs = None if refs is None else [refs[place] for place in places]
                loss = self._loss([rows[place] for place in places], own_refs, stage, counts, positive, total)
                loss_sum += float(loss.detach())
                self.accelerator.backward(loss * self.accelerator.num_processes)
        total.seconds("loss", began)
        began = time.perf_counter()
        norm = self._stepped(
            stage.optimiser, {"ids": [row.sample.path.tokens for row in rows], "advantages": [row.advantage for row in rows]}
        )
        total.add({"loss": loss_sum, "grad_norm": norm, "rate": self.optimiser.param_groups[0]["lr"]}, 1)
        total.seconds("optimiser", began)

    def _loss(
        self, rows: list[Row], refs: list[Tensor] | None, stage: Rl, counts: dict[str, float], positive: float, total: Means
    ) -> Tensor:
        device = self.accelerator.device
        ids_BT = padded([row.sample.path.tokens for row in rows], self.pad, device)
        width = ids_BT.shape[1]
        mask_BT = stacked([row.mask for row in rows], width, device)
        advantage_BT = stacked([row.advantage for row in rows], width, device)
        with self.accelerator.autocast():
            logp_BT, entropy_BT = self.forward(ids_BT, mask_BT, self.temperature, stage.entropy != 0.0)
        fresh = logp_BT.detach().cpu()
        old_BT = stacked([fresh[i, : len(r.mask)] if r.old_logp is None else r.old_logp for i, r in enumerate(rows)], width, device)
        weights, metrics = self._weights(rows, old_BT, mask_BT, stage)
        more: dict[str, Any] = {"rows": rows} if getattr(stage.loss, "wants_rows", False) else {}
        loss, found = stage.loss(logp_BT, old_BT, advantage_BT.to(logp_BT.dtype), mask_BT, weights=weights, **counts, **more)
        metrics |= found
        if stage.positive_nll and positive:
            right = torch.tensor([row.sample.correct for row in rows], device=device)
            term, found = losses.positive_nll(logp_BT, right, mask_BT, coef=stage.positive_nll, batch_positive_tokens=positive)
            loss, metrics = loss + term, metrics | found
        if entropy_BT is not None:
            term, found = losses.entropy_bonus(entropy_BT, mask_BT, coef=stage.entropy, batch_tokens=counts["batch_tokens"])
            loss, metrics = loss + term, metrics | found
        if refs is not None and stage.kl is not None:
            ref_BT = stacked(refs, width, device).to(logp_BT.dtype)
            term, found = losses.kl_loss(
                logp_BT, ref_BT, mask_BT, coef=stage.kl.coef, estimator=stage.kl.estimator, batch_tokens=counts["batch_tokens"]
            )
            loss, metrics = loss + term, metrics | found
        if not bool(torch.isfinite(loss)):
            raise NotFinite(
                "loss", {"ids": ids_BT, "mask": mask_BT, "advantages": advantage_BT, "logp": logp_BT.detach(), "old_logp": old_BT}
            )
        total.add(metrics, int(mask_BT.sum()))
        return loss

    def _weights(self, rows: list[Row], old_BT: Tensor, mask_BT: Tensor, stage: Rl) -> tuple[Tensor | None, dict[str, float]]:
        """Weights of tokens: of replayed rows, and of the difference between engine and trainer. Tokens that nobody sampled have no such difference."""
        weights, metrics = None, dict[str, float]()
        if stage.importance_cap is not None:
            behaviour = stacked(
                [torch.tensor(row.sample.behaviour(), dtype=old_BT.dtype) for row in rows], mask_BT.shape[1], mask_BT.device
            )
            sampled = mask_BT & torch.isfinite(behaviour)
            weights, metrics = losses.importance_weights(
                old_BT, torch.where(sampled, behaviour, old_BT), mask_BT, high=stage.importance_cap
            )
        if any(row.weight != 1.0 for row in rows):
            own = torch.tensor([row.weight for row in rows], dtype=old_BT.dtype, device=old_BT.device)[:, None].expand_as(old_BT)
            weights = own if weights is None else weights * own
        return weights, {f"importance/{name}": value for name, value in metrics.items()}

    def supervise(self, rows: Sequence[tuple[Sequence[int], Sequence[bool]]], how: Optimiser, step: int, steps: int) -> dict[str, float]:
        """One optimiser step of supervised learning on rows of (token ids, whether each is learnt), at temperature 1; see `sft.sft_step`. Raises `NotFinite`."""
        began, total = time.perf_counter(), Means()
        self._zero(self.optimiser, how, step, steps)
        processes = self.accelerator.num_processes

        def backward(loss: Tensor) -> None:
            if not bool(torch.isfinite(loss)):
                raise NotFinite("loss", {"rows": [list(ids) for ids, _ in rows]})
            self.accelerator.backward(loss * processes)

        @contextmanager
        def around(last: bool) -> Iterator[None]:
            with self._synced(last=last), self.accelerator.autocast():
                yield

        share = (self.accelerator.process_index, processes)
        _, metrics = sft_step(self.forward, rows, self.micro_tokens, pad=self.pad, backward=backward, around=around, share=share)
        norm = self._stepped(how, {"rows": [list(ids) for ids, _ in rows]})
        total.add(metrics | {"grad_norm": norm, "rate": self.optimiser.param_groups[0]["lr"]}, 1)
        total.seconds("loss", began)
        return total.result() | {"samples": len(rows)}

    def _stepped(self, how: Optimiser, batch: Mapping[str, Any]) -> float:
        """The optimiser's step; the gradient's norm before it was clipped. Raises `NotFinite`."""
        norm = float(self.accelerator.clip_grad_norm_(self.module.parameters(), how.clip))
        if not math.isfinite(norm):
            raise NotFinite("gradient", batch)
        self.optimiser.step()
        self.version += 1
        return norm

    def _learn_values(self, rows: Sequence[Row], critic: Critic, step: int, total: Means) -> None:
        masks = [row.mask if critic.on == "all" else own_tokens(row.sample) for row in rows]
        chosen = [
            i
            for i, row in enumerate(rows)
            if row.returns is not None and bool(masks[i].any()) and (critic.on == "all" or row.sample.finished)
        ]
        if not chosen:
            return
        tokens = float(sum(int(masks[i].sum()) for i in chosen))
        for _ in range(critic.passes):
            self._zero(self.critic_optimiser, critic.optimiser, step, 0)
            paths = [rows[i].sample.path.tokens for i in chosen]
            for cut in cuts(critic_of(self.critic), paths, [masks[i] for i in chosen], self.micro_tokens):
                micro = [chosen[i] for i in cut]
                ids_BT = padded([rows[i].sample.path.tokens for i in micro], self.pad, self.accelerator.device)
                width = ids_BT.shape[1]
                mask_BT = stacked([masks[i] for i in micro], width, ids_BT.device)
                with self.accelerator.autocast():
                    values_BT = self.critic(ids_BT, mask_BT)[:, :-1].float()
                old_BT = stacked([rows[i].old_values for i in micro if rows[i].old_values is not None], width, values_BT.device)
                returns_BT = stacked([rows[i].returns for i in micro if rows[i].returns is not None], width, values_BT.device).to(
                    values_BT.dtype
                )
                loss, found = value_loss(values_BT, old_BT, returns_BT, mask_BT, clip=critic.clip or math.inf, batch_tokens=tokens)
                if not bool(torch.isfinite(loss)):
                    raise NotFinite("value loss", {"ids": ids_BT, "returns": returns_BT, "values": values_BT.detach()})
                self.accelerator.backward(loss)
                total.add({f"value/{name}": value for name, value in found.items()}, int(mask_BT.sum()))
            self.accelerator.clip_grad_norm_(self.critic.parameters(), critic.optimiser.clip)
            self.critic_optimiser.step()

    def _zero(self, optimiser: Any, how: Optimiser, step: int, steps: int) -> None:
        for group in optimiser.param_groups:
            group["lr"] = how.rate * rate_at(how, step, steps)
        optimiser.zero_grad(set_to_none=True)

    def _synced(self, *, last: bool) -> AbstractContextManager[None]:
        """Gradients are exchanged between processes once, with the last micro-batch."""
        return nullcontext() if last or self.accelerator.num_processes == 1 else self.accelerator.no_sync(self.forward)

    @torch.no_grad()
    def _follow(self, kl: Kl, step: int) -> None:
        """Moves the anchor after the policy; every `reset_every` steps it becomes the policy."""
        assert self.reference is not None
        decay = 0.0 if kl.reset_every and (step + 1) % kl.reset_every == 0 else kl.ema
        anchor = self.reference.model
        anchor.load_state_dict(losses.ema_anchor(anchor.state_dict(), dict(self.module.state_dict()), decay=decay))

    # What a checkpoint keeps

    def state_dict(self) -> dict[str, Any]:
        return {
            "module": self.module.state_dict(),
            "optimiser": None if self.optimiser is None else self.optimiser.state_dict(),
            "reference": None if self.reference is None else self.reference.state_dict(),
            "critic": None if self.critic is None else self.accelerator.unwrap_model(self.critic).state_dict(),
            "critic_optimiser": None if self.critic_optimiser is None else self.critic_optimiser.state_dict(),
            "version": self.version,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes up where `state_dict` was made; `begin` was called with the same stage."""
        self.module.load_state_dict(state["module"])
        self.version = state["version"]
        mine = {
            "optimiser": self.optimiser,
            "reference": self.reference,
            "critic": None if self.critic is None else self.accelerator.unwrap_model(self.critic),
            "critic_optimiser": self.critic_optimiser,
        }
        for name, target in mine.items():
            if target is not None and state[name] is not None:
                target.load_state_dict(state[name])


class _Seen:
    """A view with what made it."""

    def __init__(self, view: View, old_logp: Tensor | None, ref_logp: Tensor | None, values: list[Tensor] | None) -> None:
        self.view, self.old_logp, self.ref_logp, self.values = view, old_logp, ref_logp, values


class Means:
    """Metrics of micro-batches, averaged by what they stand for; least and largest where the name says so; seconds add up."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[float, float]] = {}
        self.times: dict[str, float] = {}

    def add(self, metrics: Mapping[str, float], weight: float) -> None:
        for name, value in metrics.items():
            if name.endswith(("_min", "_max")):
                old = self.sums.get(name, (value, 1.0))[0]
                self.sums[name] = ((min if name.endswith("_min") else max)(old, value), 1.0)
            else:
                total, count = self.sums.get(name, (0.0, 0.0))
                self.sums[name] = (total + value * weight, count + weight)

    def seconds(self, phase: str, began: float) -> None:
        self.times[phase] = self.times.get(phase, 0.0) + time.perf_counter() - began

    def result(self) -> dict[str, float]:
        means = {name: total / count if count else 0.0 for name, (total, count) in self.sums.items()}
        return means | {f"time/{phase}": seconds for phase, seconds in self.times.items()}


def own_tokens(sample: Sample) -> Tensor:
    """(T,) bool: every token that the model wrote, of earlier windows too."""
    return torch.tensor([segment.origin is Origin.MODEL for segment in sample.path.segments for _ in range(segment.n_tokens)])


def parts_of(count: int, parts: int, key: str) -> Iterator[list[int]]:
    """Indices in `parts` mini-batches of like size, in an order that is a function of the key."""
    order = list(range(count))
    if parts > 1:
        random.Random(key).shuffle(order)
    for part in range(min(parts, count)):
        yield sorted(order[part::parts])


def rate_at(how: Optimiser, step: int, steps: int) -> float:
    """Share of the peak rate at a step: linear warm-up, then constant, or a cosine down to a tenth at the stage's end."""
    if step < how.warmup:
        return (step + 1) / (how.warmup + 1)
    if how.decay == "constant" or steps <= how.warmup:
        return 1.0
    done = min(1.0, (step - how.warmup) / (steps - how.warmup))
    return 0.1 + 0.9 * 0.5 * (1.0 + math.cos(math.pi * done))


def adamw(module: nn.Module, how: Optimiser) -> torch.optim.AdamW:
    """AdamW on the weights that learn; decay on matrices alone."""
    learnt = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learnt if p.ndim >= 2], "weight_decay": how.weight_decay},
        {"params": [p for p in learnt if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=how.rate, betas=how.betas)


def frozen(module: nn.Module) -> nn.Module:
    """A copy whose weights do not learn."""
    other = copy.deepcopy(module).eval()
    for parameter in other.parameters():
        parameter.requires_grad_(False)
    return other
