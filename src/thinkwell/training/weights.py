"""The model of a run: loaded, put where it is trained, shared with the engine that writes the rollouts, saved as a Hugging Face folder.

With all weights trained, module and engine share them, so a step of the optimiser is at once what the engine writes with (`sync` only refreshes its caches and copies).
With low-rank adapters (peft) the engine has a copy, into which the adapters are merged after each step.
"""

from __future__ import annotations

import copy
import shutil
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch

from thinkwell.core.errors import MissingExtra, ModelError, UnknownName
from thinkwell.core.prompt import Preset
from thinkwell.training.checkpoint import CheckpointError
from thinkwell.training.recipe import TrainKnobs


class Weights:
    """module: what is trained; engine: what writes; tokenizer, pad; accelerator: device and precision."""

    def __init__(self, model: str, start: str, knobs: TrainKnobs) -> None:
        from thinkwell.engines.local.engine import LocalEngine
        from thinkwell.engines.local.loading import load

        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise MissingExtra("accelerate, which training needs,", "train") from error
        self.accelerator = Accelerator(mixed_precision="bf16" if knobs.precision == "bf16" else "no")
        loaded = load(place_of(model, start), dtype="float32", device=str(self.accelerator.device))
        self.tokenizer, self.module = loaded.tokenizer, loaded.module
        self.pad = next(int(i) for i in (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, 0) if i is not None)
        self.lora = knobs.lora_rank > 0
        written = copy.deepcopy(self.module) if self.lora else self.module
        self.engine = LocalEngine(written, self.tokenizer)
        if self.lora:
            self.module = adapted(self.module, knobs.lora_rank)

    def sync(self) -> None:
        """The engine writes with the present weights from now on."""
        if self.lora:
            merge(self.module, self.engine.module)
        self.engine.refresh()

    def save(self, out: Path) -> None:
        """The model as it is now, adapters merged, in Hugging Face format; each file whole or not at all. Raises `CheckpointError`."""
        draft = out / ".model"
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            # The engine's weights are views into fused tensors, which cannot be written as they are.
            state = {name: tensor.detach().clone().contiguous() for name, tensor in self.engine.module.state_dict().items()}
            self.engine.module.save_pretrained(draft, state_dict=state)
            self.tokenizer.save_pretrained(draft)
            for file in draft.iterdir():
                file.chmod(0o644)
                file.replace(out / file.name)
        except OSError as error:
            raise CheckpointError(
                f"cannot write the model to {out}: {error.strerror or error}. Free space, then go on with --resume."
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def place_of(model: str, start: str) -> str:
    """Folder or hub id: "lab" is the recipe's starting point, the name of a bundled model or starting point is that.

    Raises `UnknownName` for what is no folder and nearly the name of one of those.
    """
    from thinkwell.lab import starts

    if model not in starts.names() and not Path(model).exists() and get_close_matches(model, starts.names(), cutoff=0.85):
        raise UnknownName("model", model, ("lab", *starts.names()))
    name = {"lab": start, "lab-skills": "skills"}.get(model, model)
    return str(starts.path(name)) if name in starts.names() else name


def check_marks(model: str, start: str, preset: Preset) -> None:
    """Raises `ModelError` unless the model's tokenizer has the preset's end-of-thinking mark as one token."""
    from transformers import AutoTokenizer

    place = place_of(model, start)
    try:
        tokenizer = AutoTokenizer.from_pretrained(place)
    except (OSError, ValueError, KeyError):
        return  # loading the model says what is wrong with it
    if len(tokenizer.encode(preset.think_close, add_special_tokens=False)) != 1:
        raise ModelError(
            f"the tokenizer of {place} does not know the mark {preset.think_close!r} as one token; expected a model that marks its thinking. "
            "Give one that does, or a recipe that does not work on thoughts (grpo, dapo, rloo)."
        )


def adapted(module: Any, rank: int) -> Any:
    """The module with low-rank adapters on every linear layer; only these learn."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingExtra("peft, which low-rank adapters need,", "train") from error
    try:
        return get_peft_model(module, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"))
    except ValueError as error:
        raise ModelError(f"low-rank adapters cannot be put on this model: {error}. Train all weights (lora_rank=0).") from error


@torch.no_grad()
def merge(adapters: Any, plain: Any) -> None:
    """Writes base + adapters into a plain copy of the model."""
    targets = dict(plain.named_parameters())
    for name, layer in adapters.get_base_model().named_modules():
        if hasattr(layer, "get_delta_weight") and hasattr(layer, "base_layer"):
            weight = layer.base_layer.weight + sum(layer.get_delta_weight(active) for active in layer.active_adapters)
            targets[f"{name}.weight"].copy_(weight)
