"""Our rewards, advantages and policy losses inside TRL's `GRPOTrainer`: TRL generates, steps, shards and saves; the mathematics is that of this package.

    trainer = ThinkwellGRPO(model=..., args=GRPOConfig(...), train_dataset=..., reward_funcs=[graded()],
                            algorithm=Algorithm(advantage=rloo, loss=gppo, loss_knobs={"eps_high": 0.3}))

Three private methods of the trainer are overridden, and no other: `_calculate_rewards` (the rewards are kept), `_generate_and_score_completions` (its
advantages are replaced) and `_compute_loss`. They may change in any release of TRL: `TESTED` says with which ones this was run, and the class is refused where
`differences` finds that the trainer is another. The trainer has no value model, so estimators with a critic (GAE, EGAE) are not to be had here.

`ThinkwellGRPO` is built when it is asked for: importing this module imports no TRL.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import torch
from torch import Tensor

from thinkwell.answers.grade import grade
from thinkwell.core.answer import AnswerKind, VerdictValue
from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import pick
from thinkwell.training._loss_conventions import LENGTHS
from thinkwell.training.losses import entropy_bonus, kl_loss

TESTED = ("1.16", "1.17")  # at least, below

# What each overridden method is called with, and what it needs of the trainer.
SIGNATURES = {
    "_calculate_rewards": ("self", "inputs", "prompts", "completions", "completion_ids_list"),
    "_generate_and_score_completions": ("self", "inputs"),
    "_compute_loss": ("self", "model", "inputs"),
    "_get_per_token_logps_and_entropies": ("self", "model", "input_ids", "attention_mask", "logits_to_keep"),
}
OUTPUT_KEYS = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "advantages", "num_items_in_batch")
FORWARD_KEYS = (
    "pixel_values", "image_grid_thw", "num_images", "pixel_attention_mask", "spatial_shapes", "num_tiles", "image_sizes", "token_type_ids",
    "mm_token_type_ids", "image_position_ids",
)  # fmt: skip
# Options of GRPOConfig that speak of what is replaced, and would be without effect.
ADVANTAGE_OPTIONS = ("scale_rewards", "multi_objective_aggregation")
LOSS_OPTIONS = (
    "loss_type", "epsilon", "epsilon_high", "delta", "importance_sampling_level", "top_entropy_quantile", "off_policy_mask_threshold",
    "use_adaptive_entropy",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """What replaces TRL's own. A part left at None stays TRL's, with TRL's options.

    advantage: a function of `thinkwell.training.advantages` that needs no values; advantage_knobs: its knobs. It sees the groups of all processes.
    loss: a function of `thinkwell.training.losses` (`ppo_clip`, `gspo`, `cispo`, `gppo`) or one with the same signature; loss_knobs: its knobs and those of
    `aggregate`. What the whole batch holds (`batch_tokens`, `batch_sequences`) is the trainer's to say, and `max_length` is its `max_completion_length` unless given.
    reward: a function of `thinkwell.training.rewards` on (correct, lengths, group_ids), with reward_knobs; it stands in the place of the reward function named
    `correct` (the first one), which says 1 for a right answer and 0 for a wrong one. `valid`: name of the reward function that says whether the format is kept, which is
    then no reward of its own. Other reward functions are added with their weights, as in TRL.
    """

    advantage: Callable[..., Tensor] | None = None
    advantage_knobs: Mapping[str, Any] = field(default_factory=dict)
    loss: Callable[..., tuple[Tensor, dict[str, float]]] | None = None
    loss_knobs: Mapping[str, Any] = field(default_factory=dict)
    reward: Callable[..., Tensor] | None = None
    reward_knobs: Mapping[str, Any] = field(default_factory=dict)
    correct: str | None = None
    valid: str | None = None

    def __post_init__(self) -> None:
        given = {"batch_tokens", "batch_sequences", "weights"} & self.loss_knobs.keys()
        if given:
            raise ConfigError(
                f"loss_knobs hold {', '.join(sorted(given))}; expected knobs of the loss alone. Leave them out: the trainer knows them."
            )
        if self.advantage is None and self.reward is not None:
            raise ConfigError(
                "reward without advantage: TRL's own advantage does not see it. Pass advantage=grpo with preset 'trl' for the same formula."
            )


class Mathematics:
    """The three methods. Comes before `GRPOTrainer` in the order of bases; `ThinkwellGRPO` is the two together."""

    def __init__(self, *args: Any, algorithm: Algorithm | None = None, **kwargs: Any) -> None:
        self.algorithm = algorithm or Algorithm()
        self._rewards_NF: Tensor | None = None
        self._lengths_N: Tensor | None = None
        super().__init__(*args, **kwargs)
        refuse_options(self.algorithm, self.args)  # type: ignore[attr-defined]
        if self.algorithm.loss is not None and getattr(self, "aux_loss_enabled", False):
            raise ConfigError(
                "the model adds a router loss, which our losses do not carry; expected router_aux_loss_coef=0. Set it in GRPOConfig."
            )
        for knob in ("correct", "valid"):
            name = getattr(self.algorithm, knob)
            if name is not None and name not in self.reward_func_names:  # type: ignore[attr-defined]
                raise ConfigError(f"{knob}={name!r} is no reward function; expected one of {self.reward_func_names}. Name one of them.")  # type: ignore[attr-defined]

    def _calculate_rewards(self: Any, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> Tensor:
        rewards_NF: Tensor = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)  # type: ignore[misc]
        lengths = torch.tensor([len(ids) for ids in completion_ids_list], device=self.accelerator.device)
        self._rewards_NF, self._lengths_N = rewards_NF, self.accelerator.gather(lengths)
        return rewards_NF

    def _generate_and_score_completions(self: Any, inputs: Any) -> dict[str, Any]:
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)  # type: ignore[misc]
        mode = "train" if self.model.training else "eval"
        mask_BT = trained_tokens(output)
        mask_NT = self.accelerator.gather(self.accelerator.pad_across_processes(mask_BT.long(), dim=1)).bool()
        how = self.algorithm
        if how.loss is not None:
            lengths = pick("aggregate", LENGTHS, how.loss_knobs.get("preset", "paper"), count_empty=how.loss_knobs.get("count_empty"))
            output["num_sequences_in_batch"] = mask_NT.new_tensor(
                len(mask_NT) if lengths.count_empty else int(mask_NT.any(1).sum()), dtype=torch.long
            )
        if how.advantage is None:
            return output
        size = self.num_generations if mode == "train" else self.num_generations_eval
        names, weights = list(self.reward_func_names), self.reward_weights.to(mask_NT.device)
        rewards_N, scorable_N = total_rewards(how, self._rewards_NF, self._lengths_N, size, names, weights)
        advantages_NT = scored(how, rewards_N, scorable_N, mask_NT, size)
        first = self.accelerator.process_index * len(mask_BT)
        output["advantages"] = advantages_NT[first : first + len(mask_BT), : mask_BT.shape[1]].contiguous()
        self._metrics[mode]["thinkwell/reward"].append(float(rewards_N[scorable_N].mean()) if bool(scorable_N.any()) else 0.0)
        self._metrics[mode]["thinkwell/unscorable"].append(float((~scorable_N).sum()))
        means_N = advantages_NT.sum(1) / mask_NT.sum(1).clamp(min=1)
        for _ in range(min(len(means_N), len(self._logs["advantages"]))):  # the table of completions shows what is trained on
            self._logs["advantages"].pop()
        self._logs["advantages"].extend(means_N.tolist())
        return output

    def _compute_loss(self: Any, model: Any, inputs: dict[str, Any]) -> Tensor:
        how = self.algorithm
        if how.loss is None:
            return super()._compute_loss(model, inputs)  # type: ignore[misc]
        mode = "train" if self.model.training else "eval"
        steps = self.current_gradient_accumulation_steps if mode == "train" else 1
        mask = trained_tokens(inputs)
        ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
        attention = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
        forward = {key: inputs.get(key) for key in FORWARD_KEYS}
        logp, entropies, _ = self._get_per_token_logps_and_entropies(model, ids, attention, mask.shape[1], compute_entropy=True, **forward)
        old_logp = inputs.get("old_per_token_logps")
        advantages = inputs["advantages"]
        advantages = advantages[:, None].expand_as(mask) if advantages.dim() == 1 else advantages
        weights = inputs.get("importance_sampling_ratio")
        # Gradients are averaged over processes, so that each divides by its share of what the step holds; a generation batch spans several steps.
        share = self.accelerator.num_processes * (self.args.steps_per_generation / steps if mode == "train" else 1)
        whole = {
            "batch_tokens": max(float(inputs["num_items_in_batch"]), 1.0) / share,
            "batch_sequences": max(float(inputs["num_sequences_in_batch"]), 1.0) / share,
            "max_length": how.loss_knobs.get("max_length", self.max_completion_length),
        }
        loss, metrics = how.loss(
            logp, logp.detach() if old_logp is None else old_logp, advantages, mask,
            weights=None if weights is None else weights.expand_as(mask), **{**how.loss_knobs, **whole},
        )  # fmt: skip
        reduction = {key: how.loss_knobs[key] for key in ("aggregation", "length_eps", "count_empty") if key in how.loss_knobs}
        reduction.setdefault("aggregation", _aggregation_of(how))
        if self.beta != 0.0:
            sampled = (logp.detach() if old_logp is None else old_logp) if self.args.use_bias_correction_kl else None
            added, more = kl_loss(
                logp, inputs["ref_per_token_logps"], mask, coef=self.beta, old_logp=sampled, preset="trl", **reduction, **whole
            )
            loss, metrics = loss + added, {**metrics, **more}
        loss = _scaled(loss, reduction["aggregation"], steps, self.accelerator.num_processes)
        if self.entropy_coef != 0.0:
            bonus, _ = entropy_bonus(entropies, mask, coef=self.entropy_coef, aggregation="local-token-mean")
            loss = loss + bonus / steps
        metrics["entropy"] = float(torch.where(mask, entropies.detach(), 0.0).sum() / mask.sum().clamp(min=1))
        self._note(mode, metrics, logp.device)
        return loss

    def _note(self: Any, mode: str, metrics: Mapping[str, float], device: torch.device) -> None:
        """Metrics of the loss, averaged over processes (the extremes are extremes), in TRL's log: `entropy` and `kl` under TRL's names."""
        names = sorted(metrics)
        rows = self.accelerator.gather(torch.tensor([[metrics[name] for name in names]], device=device))
        for name, column in zip(names, rows.unbind(1), strict=True):
            value = column.min() if name.endswith("_min") else column.max() if name.endswith("_max") else column.mean()
            self._metrics[mode][name if name in ("entropy", "kl") else f"thinkwell/{name}"].append(float(value))


def trained_tokens(inputs: Mapping[str, Any]) -> Tensor:
    """(B, T) bool: the tokens of completions that the model wrote, without padding and without what tools returned."""
    mask: Tensor = inputs["completion_mask"].bool()
    return mask & inputs["tool_mask"].bool() if "tool_mask" in inputs else mask


def total_rewards(
    how: Algorithm, rewards_NF: Tensor, lengths_N: Tensor, size: int, names: Sequence[str], weights_F: Tensor
) -> tuple[Tensor, Tensor]:
    """(N,) the reward of every completion of the batch, groups of `size` in a row, and (N,) bool whether it could be scored.

    A reward function that gave None for a completion adds nothing to it, as in TRL; one that all gave None, or whose correctness is not known where a shaped
    reward needs it, is not scorable: it is no member of its group. Raises `ConfigError` as the reward does.
    """
    unknown_NF = rewards_NF.isnan()
    scorable = ~unknown_NF.all(1)
    kept = torch.ones(len(names), dtype=torch.bool, device=rewards_NF.device)
    shaped = torch.zeros(len(rewards_NF), dtype=rewards_NF.dtype, device=rewards_NF.device)
    valid = None
    if how.valid is not None:
        column = names.index(how.valid)
        kept[column] = False
        valid = rewards_NF[:, column] == 1
    if how.reward is not None:
        column = names.index(how.correct) if how.correct is not None else 0
        kept[column] = False
        scorable = scorable & ~unknown_NF[:, column]
        group = torch.arange(len(rewards_NF), device=rewards_NF.device) // size
        flags = {} if valid is None else {"valid": valid[scorable]}
        if bool(scorable.any()):
            values = how.reward(rewards_NF[scorable, column], lengths_N[scorable], group[scorable], **flags, **how.reward_knobs)
            shaped[scorable] = weights_F[column] * values.to(shaped.dtype)
    return shaped + (rewards_NF * weights_F)[:, kept].nansum(1), scorable


def scored(how: Algorithm, rewards_N: Tensor, scorable_N: Tensor, mask_NT: Tensor, size: int) -> Tensor:
    """(N, T): advantages of all completions of the batch; zero for those that could not be scored."""
    assert how.advantage is not None
    group = torch.arange(len(rewards_N), device=rewards_N.device) // size
    advantages = torch.zeros(mask_NT.shape, dtype=rewards_N.dtype, device=rewards_N.device)
    if bool(scorable_N.any()):
        advantages[scorable_N] = how.advantage(rewards_N[scorable_N], mask_NT[scorable_N], group[scorable_N], **how.advantage_knobs)
    return advantages


def _aggregation_of(how: Algorithm) -> str:
    """What the loss takes when nothing is said; a loss that is not ours says it by the default of its `aggregation`."""
    from thinkwell.training import _loss_conventions as conventions
    from thinkwell.training import losses

    loss: Any = how.loss
    said = dict(how.loss_knobs)
    while isinstance(loss, partial):
        loss, said = loss.func, {**loss.keywords, **said}
    if "aggregation" in said:
        return str(said["aggregation"])
    ours: dict[Any, Any] = {
        losses.ppo_clip: conventions.PPO,
        losses.gspo: conventions.GSPO,
        losses.cispo: conventions.CISPO,
        losses.gppo: conventions.GPPO,
    }
    if loss in ours:
        return str(ours[loss][said.get("preset", "paper")].aggregation)
    default = inspect.signature(loss).parameters.get("aggregation")
    return str(default.default) if default is not None and isinstance(default.default, str) else "token-mean"


def _scaled(loss: Tensor, aggregation: str, steps: int, processes: int) -> Tensor:
    """Means of a micro-batch are averaged over the steps of an accumulation; a plain sum is a sum over processes too."""
    if aggregation == "local-token-mean":
        return loss / steps
    return loss * processes if aggregation == "token-sum" else loss


def refuse_options(how: Algorithm, args: Any) -> None:
    """Raises `ConfigError` for options of `GRPOConfig` that are set and would be without effect."""
    spoken = (ADVANTAGE_OPTIONS if how.advantage is not None else ()) + (LOSS_OPTIONS if how.loss is not None else ())
    defaults = {option.name: option.default for option in fields(args)}
    idle = [f"{name}={getattr(args, name)!r}" for name in spoken if name in defaults and getattr(args, name) != defaults[name]]
    if idle:
        raise ConfigError(
            f"GRPOConfig sets {', '.join(idle)}, which our advantage or loss would not read; expected TRL's defaults there. "
            "Say it with advantage_knobs and loss_knobs of Algorithm, or leave that part of Algorithm at None to have TRL's own."
        )


def graded(
    kind: AnswerKind | str = AnswerKind.MATH, column: str = "answer", *, thinking: bool = False, name: str = "correctness"
) -> Callable[..., list[float | None]]:
    """A reward function of TRL: 1 for a right answer, 0 for a wrong, missing or truncated one; None, which TRL leaves out, where the grader gave no judgement.

    kind: of the answers; column: of the data set that holds the reference; thinking: the prompt has opened the thinking. What could not be judged is counted in
    the log as `<name>/unjudged`.
    """

    def correctness(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        if column not in columns:
            raise ConfigError(f"the data set has no column {column!r}; expected the reference answers there. Name it with column=.")
        verdicts = [
            grade(text_of(text), str(answer), kind, thinking=thinking) for text, answer in zip(completions, columns[column], strict=True)
        ]
        judged = [verdict.value not in (VerdictValue.TIMEOUT, VerdictValue.ERROR) for verdict in verdicts]
        if "log_metric" in columns:
            columns["log_metric"](f"{name}/unjudged", float(judged.count(False)))
        return [float(verdict.correct) if known else None for verdict, known in zip(verdicts, judged, strict=True)]

    correctness.__name__ = name
    return correctness


def on_texts(function: Callable[..., Tensor], *, name: str | None = None, **knobs: Any) -> Callable[..., list[float]]:
    """A reward of ours on texts, such as `tag_format`, as a reward function of TRL."""

    def reward(completions: Sequence[Any], **_: Any) -> list[float]:
        return [float(value) for value in function([text_of(text) for text in completions], **knobs)]

    reward.__name__ = name or function.__name__
    return reward


def text_of(completion: Any) -> str:
    """The text of a completion, which is a string or, where prompts are conversations, a list of messages."""
    if isinstance(completion, str):
        return completion
    return "".join(str(message.get("content") or "") for message in completion if message.get("role", "assistant") == "assistant")


def differences(trainer: type) -> list[str]:
    """What of a `GRPOTrainer` is not as the three methods expect it, in words; empty where all is well."""
    found = []
    for method, expected in SIGNATURES.items():
        if not hasattr(trainer, method):
            found.append(f"{method} is gone")
            continue
        names = tuple(inspect.signature(inspect.unwrap(getattr(trainer, method))).parameters)
        if names[: len(expected)] != expected:
            found.append(f"{method} takes {', '.join(names)} instead of {', '.join(expected)}")
    if not found:
        scoring = inspect.getsource(inspect.unwrap(getattr(trainer, "_generate_and_score_completions")))  # noqa: B009  checked above
        found += [f"the scored batch has no {key}" for key in OUTPUT_KEYS if f'"{key}"' not in scoring]
    return found


def trainer_class() -> type:
    """`ThinkwellGRPO`, built once. Raises `ConfigError` where TRL is missing or its trainer is not the one that this was written for."""
    global _built
    if _built is None:
        try:
            import trl
            from trl import GRPOTrainer
        except ImportError as error:
            raise ConfigError(
                f"TRL cannot be imported ({error}); expected trl >={TESTED[0]}, <{TESTED[1]}. Install thinkwell[trl]."
            ) from error
        wrong = differences(GRPOTrainer)
        if wrong:
            raise ConfigError(
                f"the GRPOTrainer of trl {trl.__version__} is not the one expected: {'; '.join(wrong)}. Install trl >={TESTED[0]}, <{TESTED[1]}."
            )
        _built = type("ThinkwellGRPO", (Mathematics, GRPOTrainer), {"__module__": __name__, "__doc__": Mathematics.__doc__})
    return _built


_built: type | None = None


def __getattr__(name: str) -> Any:
    if name == "ThinkwellGRPO":
        return trainer_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
