"""The local engine against Hugging Face `generate` and vLLM on CPU, interleaved in one run: 256 requests of ragged, natural length, useful tokens a second.

All three write the same number of tokens for the same prompts with the same random weights in float32, sampling at temperature 1. `generate` runs static batches in
order of arrival and gets its best batch size. vLLM runs offline in its own Python (--vllm-python, or THINKWELL_VLLM_PYTHON) with its defaults; without one its rows say
so loudly. Each system's best round counts, as the machine may be busy.

    python benchmarks/engine.py --vllm-python ~/vllm/bin/python --rounds 3
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from _memory import LENGTH, PATHS, NoTokenizer  # noqa: E402
from _workload import CONTEXT, SHAPES, VOCAB, Workload, workload  # noqa: E402

THREADS = 2
BATCHES = (16, 32, 64, 128)
TARGETS = {"lab": (4.0, 1.2), "4.9M": (5.0, 0.9)}  # over generate, over vLLM
MEMORY_TARGET = 2e9
COMMAND = "python benchmarks/engine.py"


def random_model(shape: str) -> Any:
    """A Qwen3 model of the shape with random weights, the same for the same shape."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=VOCAB, max_position_embeddings=CONTEXT, tie_word_embeddings=True, bos_token_id=None, eos_token_id=None, pad_token_id=0, **SHAPES[shape]
    )  # fmt: skip
    return Qwen3ForCausalLM(config).eval()


class Ours:
    """The local engine through its public door."""

    def __init__(self, model: Any, work: Workload) -> None:
        from thinkwell.core.noise import NoiseKey
        from thinkwell.core.sampling import Sampling
        from thinkwell.engines.local.engine import LocalEngine
        from thinkwell.engines.protocol import Request

        self.engine = LocalEngine(model, NoTokenizer())
        self.requests = [
            Request(NoiseKey(0, "benchmark", str(index)), length, tuple(prompt), sampling=Sampling(1.0), ignore_eos=True)
            for index, (prompt, length) in enumerate(zip(work.prompts, work.lengths, strict=True))
        ]
        asyncio.run(self.engine.generate(self.requests[:32]))
        self.tokens = work.tokens

    def seconds(self) -> float:
        start = time.perf_counter()
        done = asyncio.run(self.engine.generate(self.requests))
        seconds = time.perf_counter() - start
        assert sum(one.n_tokens for one in done) == self.tokens
        return seconds


class Generate:
    """Hugging Face generate, static left-padded batches; tokens beyond a request's length are thrown away."""

    def __init__(self, model: Any, work: Workload, batches: tuple[int, ...]) -> None:
        self.model, self.work, self.batches = model, work, list(batches)

    def seconds(self) -> float:
        """The first call tries every batch size; later ones use the best."""
        timed = {batch: self._run(batch) for batch in self.batches}
        self.batches = [min(timed, key=lambda batch: timed[batch])]
        return min(timed.values())

    def _run(self, batch: int) -> float:
        import torch

        start = time.perf_counter()
        for first in range(0, len(self.work.prompts), batch):
            prompts, lengths = self.work.prompts[first : first + batch], self.work.lengths[first : first + batch]
            width = max(map(len, prompts))
            ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
            mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
            with torch.inference_mode():
                out = self.model.generate(
                    ids, attention_mask=mask, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=max(lengths), pad_token_id=0
                )
            assert out.shape[1] == width + max(lengths)
        return time.perf_counter() - start


class VLLM:
    """vLLM offline in a process of its own, waiting between rounds."""

    def __init__(self, python: str, model: Any) -> None:
        self.folder = tempfile.TemporaryDirectory()
        model.save_pretrained(self.folder.name)
        self.log = Path(self.folder.name) / "vllm.log"
        with self.log.open("w") as log:
            command = [python, str(HERE / "_vllm.py"), self.folder.name, str(THREADS)]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.version = self._answer().removeprefix("ready ")

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"vLLM did not run; the end of its log:\n{self.log.read_text()[-3000:]}")
        return line

    def seconds(self) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.folder.cleanup()


def rows(
    vllm_python: str | None = None,
    rounds: int = 3,
    shapes: tuple[str, ...] = tuple(SHAPES),
    batches: tuple[int, ...] = BATCHES,
    memory: bool = True,
) -> list[dict[str, object]]:
    """The benchmark's rows. `vllm_python`: a Python that has vLLM; "" or none: THINKWELL_VLLM_PYTHON."""
    import torch

    vllm_python = vllm_python or os.environ.get("THINKWELL_VLLM_PYTHON") or None
    torch.set_num_threads(THREADS)
    found = [row for shape in shapes for row in throughput(shape, vllm_python, rounds, batches)]
    return found + ([memory_row()] if memory else [])


def throughput(shape: str, vllm_python: str | None, rounds: int, batches: tuple[int, ...]) -> list[dict[str, object]]:
    work = workload()
    ours, generate = Ours(random_model(shape), work), Generate(random_model(shape), work, batches)
    peer, reason = None, "no Python with vLLM was named (--vllm-python, THINKWELL_VLLM_PYTHON)"
    if vllm_python:
        try:
            peer = VLLM(vllm_python, random_model(shape))
        except (OSError, RuntimeError) as error:
            reason = str(error)
    best: dict[str, float] = {}
    systems = {"ours": ours, "generate": generate} | ({"vllm": peer} if peer else {})
    for number in range(rounds):
        for name, system in systems.items():
            speed = work.tokens / system.seconds()
            best[name] = max(best.get(name, 0.0), speed)
            print(f"# {shape} round {number + 1}: {name} {speed:,.0f} tokens/s", file=sys.stderr, flush=True)
    over_generate, over_vllm = TARGETS[shape]
    result = [row(f"engine {shape}: over generate (batch {generate.batches[0]})", best["ours"], best["generate"], over_generate)]
    if peer is None:
        print(f"# SKIPPED: engine {shape} against vLLM: {reason}", file=sys.stderr, flush=True)
        result.append(
            row(f"engine {shape}: over vLLM on CPU (SKIPPED: {reason.splitlines()[0]})", best["ours"], None, over_vllm) | {"ratio": 0.0}
        )  # shown as missed
    else:
        result.append(row(f"engine {shape}: over vLLM {peer.version} on CPU", best["ours"], best["vllm"], over_vllm))
        peer.close()
    return result


def row(name: str, ours: float, peer: float | None, target: float) -> dict[str, object]:
    ratio = None if peer is None else ours / peer
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "target": target, "unit": "useful tokens/s", "command": COMMAND}


def memory_row() -> dict[str, object]:
    done = subprocess.run([sys.executable, str(HERE / "_memory.py")], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the memory benchmark failed: {done.stderr[-2000:]}")
    return {
        "name": f"engine lab: memory of {PATHS:,} live paths of {LENGTH} tokens, whole process", "ours": float(done.stdout), "peer": None, "ratio": None,
        "target": MEMORY_TARGET, "better": "lower", "unit": "bytes", "command": COMMAND,
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm-python", help="a Python that has vLLM")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--batches", nargs="+", type=int, default=list(BATCHES), help="batch sizes that generate tries")
    parser.add_argument("--no-memory", action="store_true")
    chosen = parser.parse_args()
    print(json.dumps(rows(chosen.vllm_python, chosen.rounds, tuple(chosen.shapes), tuple(chosen.batches), not chosen.no_memory), indent=1))
