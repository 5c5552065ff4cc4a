"""Where the files of the bundled models are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "artifacts"
MODELS = ("policy", "prm", "skills")


def path(name: str) -> Path:
    """Folder of a bundled model ("policy", "prm" or "skills"), in Hugging Face format."""
    if name not in MODELS:
        raise ValueError(f"the lab has no model {name!r}; expected one of {', '.join(MODELS)}")
    folder = FOLDER / name
    if not (folder / "config.json").exists():
        raise FileNotFoundError(f"{folder} holds no model; expected config.json and weights; run `thinkwell lab build`")
    return folder


def taught(name: str) -> frozenset[str] | None:
    """The methods' wordings whose turns a bundled model was trained on; None where this installation's card does not say."""
    try:
        return frozenset(card()["taught"][name])
    except (FileNotFoundError, KeyError):
        return None


def card() -> dict[str, Any]:
    """The measured numbers of the bundled models (see `thinkwell.lab.card`)."""
    file = FOLDER / "card.json"
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing; expected the model card; run `thinkwell lab build`")
    return json.loads(file.read_text())
