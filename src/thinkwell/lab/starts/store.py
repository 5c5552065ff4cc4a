"""How a starting point is kept in the package: as its difference to the policy in eight bits, a quarter of its size.

    W = P + scale * Q     Q int8 (rows, columns); scale float32, one a row: largest |W - P| of the row / 127

What was measured was measured on the unpacked weights, so that rounding is part of every number.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

SCALE, KIND = ".scale", "difference"


def pack(weights: dict[str, Tensor], policy: dict[str, Tensor], file: Path) -> None:
    """Write a model's weights, with a rename at the end, as a difference to `policy`."""
    packed: dict[str, Tensor] = {}
    for name, weight in weights.items():
        difference = weight.float() - policy[name].float()
        if weight.ndim == 2:
            scale = difference.abs().amax(1).clamp(min=1e-12) / 127
            packed[name] = (difference / scale[:, None]).round().to(torch.int8)
            packed[name + SCALE] = scale
        else:
            packed[name] = difference.contiguous()
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".partial")
    save_file(packed, partial, {"kind": KIND})
    partial.chmod(0o644)
    os.replace(partial, file)


def unpack(file: Path, policy: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights in float32."""
    with safe_open(file, "pt") as opened:
        kind = (opened.metadata() or {}).get("kind")
    packed = load_file(file)
    if kind != KIND:
        raise ValueError(f"{file} says kind {kind!r}; expected {KIND!r}, a packed starting point; run `thinkwell lab build`")
    found: dict[str, Tensor] = {}
    for name, base in policy.items():
        difference = packed[name].float()
        scale = packed.get(name + SCALE)
        found[name] = base.float() + (difference if scale is None else difference * scale[:, None])
    return found


def unpacked(file: Path, policy: Path) -> Path:
    """The folder of a packed model, written into the cache if it is not there; the policy's folder gives configuration and tokenizer.

    Its name holds a hash of all that it is made from, so that a rebuilt lab never meets an old folder.
    """
    made_from = hashlib.blake2b(file.read_bytes(), digest_size=8)
    for part in sorted(policy.iterdir()):
        made_from.update(part.read_bytes())
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "thinkwell" / "starts"
    folder = home / f"{file.stem}-{made_from.hexdigest()}"
    if (folder / "model.safetensors").exists():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        made = Path(scratch) / "model"
        write(file, policy, made)
        try:
            made.replace(folder)  # in one step: two processes may unpack at once
        except OSError:
            if not (folder / "model.safetensors").exists():
                raise
    return folder


def write(file: Path, policy: Path, folder: Path) -> None:
    """Unpack into a new folder in Hugging Face format."""
    folder.mkdir()
    for part in policy.iterdir():
        if part.suffix != ".safetensors":
            shutil.copy(part, folder / part.name)
    config = json.loads((folder / "config.json").read_text())
    weights = unpack(file, load_file(policy / "model.safetensors"))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float32"}, indent=2) + "\n")
