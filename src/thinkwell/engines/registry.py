"""The engines by name, what each can do, and how to make one. Torch is imported only when a local engine is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingExtra, ModelError, UnknownName
from thinkwell.core.registry import Registry
from thinkwell.engines.protocol import Engine


@dataclass(frozen=True, slots=True)
class EngineKind:
    """capabilities: what an engine of this kind can do at best (a server may offer less; the engine itself says). load: makes one from `model` and options."""

    summary: str
    capabilities: frozenset[Capability]
    load: Callable[..., Engine]


ENGINES: Registry[EngineKind] = Registry("engine", "thinkwell.engines", "thinkwell.engines")
LAB = "lab"
BUNDLED = {LAB: "policy", "lab-skills": "skills"}
"""Engines of models that come with the package, and which model that is: the policy, and the one that also learnt what the methods ask (stickers, verdicts, comments ...)."""
WRITES = frozenset({Capability.CONTINUE_PREFIX, Capability.RESUME_OWN, Capability.FRESH_SAMPLES})
SERVED = WRITES | {Capability.TOKEN_IDS, Capability.LOGPROBS, Capability.PEEK, Capability.SCORE}


def load_engine(spec: str | Path | Engine = LAB, model: str | Path | None = None, **options: Any) -> Engine:
    """Make an engine.

    spec: "lab" (the bundled model), "lab-skills" (the bundled one that learnt the methods' skills), "local" (model: a folder or hub id; default the bundled one),
    "openai" (base_url: one or several; model: the served name),
    "replay" (file: recorded samples; model: one of those recorded), "scripted" (script), the name of a plugin's engine, a model folder, or an engine (given back as it is).
    Raises `UnknownName` for an engine or option that does not exist, `ModelError`, `DataError`, `ServerUnreachable`, `MissingExtra`.
    """
    if not isinstance(spec, str | Path):
        return spec
    if spec in BUNDLED:
        if model is not None:
            raise ConfigError(
                f"engine {spec!r} is the bundled model, but model={str(model)!r} was given; expected none. Use engine 'local' with it."
            )
        if spec == LAB:
            return _load("local", _local, {**options, "model": None})
        engine = _load("local", _local, {**options, "model": bundled(BUNDLED[str(spec)])})
        engine.info = replace(engine.info, model=str(spec), taught=_taught(str(spec)))
        return engine
    if isinstance(spec, Path) or (spec not in ENGINES.names() and _is_place(spec)):
        if model is not None:
            raise ConfigError(f"two models were given, {str(spec)!r} and {str(model)!r}; expected one. Leave one out.")
        return _load("local", _local, {**options, "model": spec})
    try:
        kind = ENGINES.get(spec)
    except UnknownName:
        raise UnknownName("engine", spec, [*BUNDLED, *ENGINES.names()], hint="A model folder works too.") from None
    return _load(spec, kind.load, {**options, **({} if model is None else {"model": model})})


def known_capabilities() -> list[tuple[str, frozenset[Capability]]]:
    """Every engine with what it can do at best, without loading any; for messages that name the engines a method could run on."""
    return [(name, kind.capabilities) for name, kind in ENGINES.items()]


def known_lessons() -> list[tuple[str, frozenset[str]]]:
    """Every engine of a bundled model with the wordings whose turns that was taught, without loading any; for messages that name the engines whose model was."""
    return [(name, taught) for name in BUNDLED if (taught := _taught(name)) is not None]


def _taught(name: str) -> frozenset[str] | None:
    """What the card says that a bundled model was taught; None where the card does not say."""
    from thinkwell.lab.artifacts import taught

    return taught(BUNDLED[name])


def _load(name: str, load: Callable[..., Engine], options: Mapping[str, Any]) -> Engine:
    known = inspect.signature(load).parameters
    if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values()):
        for option in options:
            if option not in known:
                raise UnknownName(f"option of engine {name!r}", option, known)
    for option, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD and option not in options:
            raise ConfigError(f"engine {name!r} needs {option}=...; expected it among the engine's options.")
    return load(**options)


def _is_place(spec: str) -> bool:
    return spec.startswith((".", "/", "~")) or "/" in spec or Path(spec).is_dir()


# ---- ours -------------------------------------------------------------------------------------------------------------------


def _local(
    model: str | Path | None = None,
    dtype: str = "auto",
    device: str = "auto",
    rows: int = 256,
    chunk: int = 1024,
    cache_bytes: int = 2 << 30,
    live_bytes: int = 1 << 30,
) -> Engine:
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtra(f"{error.name} (for the local engine)", "local") from error
    from thinkwell.engines.local.engine import LocalEngine

    source = bundled("policy") if model is None else model
    engine = LocalEngine(source, dtype=dtype, device=device, rows=rows, chunk=chunk, cache_bytes=cache_bytes, live_bytes=live_bytes)
    if model is None:
        engine.info = replace(engine.info, model=LAB, taught=_taught(LAB))
    return engine


def _openai(
    base_url: str | Sequence[str] = "http://localhost:8000/v1",
    model: str | None = None,
    mode: str = "auto",
    tokenizer: str | Path | None = None,
    api_key: str | None = None,
    concurrency: int = 64,
    timeout: float = 600.0,
    retries: int = 6,
    patience: float = 120.0,
    backoff: float = 0.5,
    seeds: bool = True,
) -> Engine:
    from thinkwell.engines.openai import OpenAIEngine

    return OpenAIEngine.connect(
        base_url,
        model,
        mode=mode,
        tokenizer=tokenizer,
        api_key=api_key,
        concurrency=concurrency,
        timeout=timeout,
        retries=retries,
        patience=patience,
        backoff=backoff,
        seeds=seeds,
    )


def _replay(
    file: str | Path | Sequence[str | Path],
    model: str | None = None,
    benchmark: str | None = None,
    pool: bool = False,
    duplicates: str = "refuse",
    scores: str = "auto",
    shuffle: int | None = None,
) -> Engine:
    from thinkwell.engines.replay import ReplayEngine

    return ReplayEngine.from_file(file, shuffle=shuffle, model=model, benchmark=benchmark, pool=pool, duplicates=duplicates, scores=scores)


def _scripted(script: Any, model: str = "scripted", level: str = "word") -> Engine:
    from thinkwell.engines.scripted import ScriptedEngine

    return ScriptedEngine(script, model, level)


def bundled(name: str) -> Path:
    """The folder of a model that comes with the package. Raises `ModelError` if this installation lacks it."""
    try:
        from thinkwell.lab.artifacts import path

        return Path(path(name))
    except (ImportError, FileNotFoundError) as error:
        raise ModelError(f"this installation has no lab {name}: {error}. Run `thinkwell lab build`, or name a model folder.") from error


for _name, _kind in {
    "local": EngineKind("a Hugging Face model in this process (white box)", frozenset(Capability) - {Capability.CHAT_ONLY}, _local),
    "openai": EngineKind("any OpenAI-compatible server: vLLM, SGLang, Ollama, an API", SERVED | {Capability.TOKEN_BIAS}, _openai),
    "replay": EngineKind("recorded samples of any model", frozenset({Capability.RESUME_OWN}), _replay),
    "scripted": EngineKind("a fake for tests and documentation", SERVED | {Capability.TOKEN_BIAS}, _scripted),
}.items():
    ENGINES.add(_name)(_kind)
