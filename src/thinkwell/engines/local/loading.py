"""From a folder, a hub id or a module in memory to a model that the local engine can run; every way this can fail has its own message."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForTokenClassification, AutoTokenizer

from thinkwell.core.errors import ConfigError, ModelError
from thinkwell.engines.local.model import check_supported, refuse_type

WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "float64": torch.float64}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A module in evaluation mode on its device, and what it came with."""

    module: Any
    tokenizer: Any
    name: str
    fingerprint: str


def load(
    source: str | Path | nn.Module, tokenizer: Any = None, *, dtype: str = "auto", device: str = "auto", classifier: bool = False
) -> Loaded:
    """`dtype` "auto" is float32 on CPU and the checkpoint's own elsewhere; `device` "auto" is CUDA where there is one. `classifier`: a token
    classifier (process reward model) instead of a language model."""
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    if dtype != "auto" and dtype not in DTYPES:
        raise ConfigError(f"dtype {dtype!r} is not known; expected auto, {', '.join(DTYPES)}.")
    kind = torch.float32 if dtype == "auto" and place.type == "cpu" else dtype if dtype == "auto" else DTYPES[dtype]
    if isinstance(source, nn.Module):
        check_supported(source.config)
        module = (
            source if dtype == "auto" and device == "auto" else source.to(device=place, dtype=None if dtype == "auto" else DTYPES[dtype])
        )
        return Loaded(module.eval(), tokenizer, module.config.name_or_path or type(module).__name__, fingerprint(module))
    where, folder = str(source), Path(source)
    if folder.exists() or where.startswith((".", "/", "~")) or where.count("/") != 1:
        check_folder(folder.expanduser(), needs_tokenizer=tokenizer is None)
    try:
        config = AutoConfig.from_pretrained(where)
        check_supported(config)
        builder = AutoModelForTokenClassification if classifier else AutoModelForCausalLM
        module = builder.from_pretrained(where, dtype=kind).to(place).eval()
        tokenizer = tokenizer or AutoTokenizer.from_pretrained(where)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"model {where!r} cannot be loaded: {reason} Give a folder with a Hugging Face model, or a hub id (org/name)."
        ) from error
    return Loaded(module, tokenizer, where, fingerprint(module))


def check_folder(folder: Path, needs_tokenizer: bool = True) -> None:
    """Raises `ModelError` naming what a folder lacks to be a model, `UnsupportedModel` if it is one of a type that cannot run here."""
    advice = "Give a folder with config.json, weights (*.safetensors) and a tokenizer, or a hub id (org/name)."
    if not folder.is_dir():
        raise ModelError(f"no model folder at {str(folder)!r}. {advice}")
    missing = [] if (folder / "config.json").is_file() else ["config.json"]
    if not any(file for pattern in WEIGHTS for file in folder.glob(pattern)):
        missing.append("weights (*.safetensors)")
    if needs_tokenizer and not any((folder / name).is_file() for name in TOKENIZERS):
        missing.append("a tokenizer (tokenizer.json)")
    if missing:
        raise ModelError(f"{str(folder)!r} is not a model folder: it lacks {', '.join(missing)}. {advice}")
    try:
        kind = json.loads((folder / "config.json").read_text()).get("model_type")
    except (ValueError, AttributeError) as error:
        raise ModelError(f"{str(folder / 'config.json')!r} is not a JSON object: {error}. {advice}") from error
    refuse_type(kind)


def fingerprint(module: nn.Module) -> str:
    """Changes when the configuration or the weights do (64 numbers of every parameter are looked at)."""
    digest = hashlib.blake2b(digest_size=8)
    settings = {
        key: value for key, value in module.config.to_dict().items() if key not in ("_name_or_path", "dtype", "transformers_version")
    }
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, parameter in sorted(module.named_parameters()):
        flat = parameter.detach().flatten()
        probe = flat[:: max(1, flat.numel() // 64)][:64].float().cpu().numpy()
        digest.update(name.encode() + probe.tobytes())
    return digest.hexdigest()
