"""Training on two cores: one GRPO step against TRL's `GRPOTrainer`, interleaved in one run; where a step's time goes; slots, memory, and the short loop beside the trainer.

Against TRL both write the same number of tokens for the same questions from the same weights in float32, grade them with the same grader, and make one AdamW step: see
`_training_work.py` and `_trl.py`. TRL runs in its own Python (THINKWELL_TRL_VENV, or .venv-trl, which `make test-trl` makes); without one its rows say so loudly. The best
round of each counts, as the machine may be busy.

    python benchmarks/training.py --rounds 3 --only trl
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from _training_work import BETAS, CLIP, LONGEST, RATE, SIZE, TEMPERATURE, THREADS, Work, parity  # noqa: E402
from _workload import SHAPES, workload  # noqa: E402

ROUNDS, MICROS = 2, (16, 64)  # of TRL, which gets the faster one
RAGGED, EQUAL = (256, 4.0), (64, 2.0)  # samples, target
EQUAL_LENGTH = 128
POOL_STEPS = 40
LEVELS = (1, 2, 3)  # of the lab, where the model writes about 90 tokens
MEMORY_TARGET, MEMORY_SAMPLES, MEMORY_LENGTH = 3e9, 1024, 256
PHASES = ("rollout", "grade", "reward", "advantage", "loss", "optimiser", "sync")
PARTS, KINDS = ("trl", "slots", "memory", "loop"), ("ragged", "equal")
COMMAND = "python benchmarks/run.py training"


@dataclass(frozen=True)
class Forced:
    """A rollout of given questions whose samples have given lengths, through the engine's public door."""

    work: Work

    async def collect(self, writer: Any, draw: Any) -> list[Any]:
        from dataclasses import replace

        from thinkwell.core.answer import AnswerKind
        from thinkwell.core.problem import Problem
        from thinkwell.training.rollouts.group import path_of, request
        from thinkwell.training.sample import Sample

        problems = [
            Problem(f"q{number}", messages[-1]["content"], answer, AnswerKind.INTEGER)
            for number, (messages, answer) in enumerate(self.work.questions)
        ]
        prompts = [
            await writer.engine.render(messages, problem.id) for (messages, _), problem in zip(self.work.questions, problems, strict=True)
        ]
        places = [divmod(index, SIZE) for index in range(len(self.work.lengths))]
        requests = [
            replace(request(writer, problems[number], prompts[number], f"{number}.{place}"), max_tokens=length, ignore_eos=True)
            for (number, place), length in zip(places, self.work.lengths, strict=True)
        ]
        completions = await writer.engine.generate(requests)
        writer.engine.release([lineage for asked in requests for lineage in asked.lineage])
        assert [completion.n_tokens for completion in completions] == self.work.lengths
        return [
            Sample(path_of(f"{number}.{place}", prompts[number], completion), problems[number], f"{writer.tag}/{number}", writer.version)
            for (number, place), completion in zip(places, completions, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


@dataclass(frozen=True)
class Graded:
    """1 for a right answer, and the parity of the length; as TRL's two reward functions."""

    def __call__(self, batch: Any, step: int) -> Any:
        from thinkwell.training.rewards.applied import Correct
        from thinkwell.training.sample import Rewarded

        right = Correct()(batch, step).values
        return Rewarded(right + right.new_tensor([parity(sample.length) for sample in batch.samples]))

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


class Peer:
    """TRL in a process of its own, waiting between rounds."""

    def __init__(self, python: Path, file: Path, rounds: int, threads: int, micros: tuple[int, ...]) -> None:
        self.log = file.with_suffix(".trl.log")
        with self.log.open("w") as log:
            command = [str(python), str(HERE / "_trl.py"), str(file), str(rounds), str(threads), *map(str, micros)]
            environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(HERE.parent / "src"), "HF_HUB_OFFLINE": "1"}
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        self.about = self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"TRL did not run; the end of its log:\n{self.log.read_text()[-3000:]}")
        return dict(json.loads(line))

    def step(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=120)


@dataclass(frozen=True)
class Size:
    """samples: of a step against TRL, in place of those that the targets are for."""

    rounds: int = ROUNDS
    threads: int = THREADS
    micros: tuple[int, ...] = MICROS
    samples: int | None = None


def rows(
    size: Size = Size(), only: tuple[str, ...] = PARTS, shapes: tuple[str, ...] = tuple(SHAPES), kinds: tuple[str, ...] = KINDS
) -> list[dict[str, Any]]:
    """The benchmark's rows."""
    import torch

    torch.set_num_threads(size.threads)
    found: list[dict[str, Any]] = []
    if "trl" in only:
        found += [row for shape in shapes for kind in kinds for row in against_trl(shape, kind, size)]
    parts: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "slots": slots,
        "memory": memory,
        "loop": lambda: loop_beside_trainer(size.rounds),
    }
    return found + [row for name, part in parts.items() if name in only for row in part()]


# Against TRL


def against_trl(shape: str, kind: str, size: Size) -> list[dict[str, Any]]:
    count, target = RAGGED if kind == "ragged" else EQUAL
    count = size.samples or count
    python = Path(os.environ.get("THINKWELL_TRL_VENV") or HERE.parent / ".venv-trl") / "bin" / "python"
    with tempfile.TemporaryDirectory() as scratch:
        work = made(Path(scratch), shape, kind, count)
        name = f"training {shape}, {kind} lengths: {count} samples, mean {work.tokens / count:.0f} tokens, longest {max(work.lengths)}"
        peer, reason = None, f"{python} is not there; `make test-trl` makes an environment with TRL"
        if python.exists():
            file = Path(scratch) / "work.json"
            work.save(file)
            peer = Peer(python, file, size.rounds, size.threads, size.micros)
            print(f"# {name}: TRL {peer.about['version']}, seconds by micro-batch {peer.about['tried']}", file=sys.stderr, flush=True)
        ours: list[dict[str, Any]] = []
        theirs: list[dict[str, Any]] = []

        used = time.process_time()

        def after(row: dict[str, Any]) -> None:
            nonlocal used
            ours.append(row | {"cpu_seconds": time.process_time() - used})
            print(f"# round {len(ours)}: ours {row['seconds']:.2f} s", file=sys.stderr, end="", flush=True)
            if peer is not None:
                theirs.append(peer.step())
                print(f", TRL {theirs[-1]['seconds']:.2f} s, {theirs[-1]['generate']:.2f} of it generate", file=sys.stderr, flush=True)
            print(
                f"# CPU: ours {ours[-1]['cpu_seconds']:.2f} s" + (f", TRL {theirs[-1]['cpu_seconds']:.2f} s" if theirs else ""),
                file=sys.stderr,
            )
            print(
                "#   " + ", ".join(f"{phase} {row[f'time/{phase}'] / row['seconds']:.0%}" for phase in PHASES), file=sys.stderr, flush=True
            )
            used = time.process_time()

        steps(work, size.rounds, after)
        if peer is not None:
            assert abs(theirs[-1]["mean"] - work.tokens / count) < 1e-3, "TRL wrote other lengths"
            assert theirs[-1]["longest"] == max(work.lengths), "TRL wrote other lengths"
            peer.close()
    best = min(ours, key=lambda row: float(row["seconds"]))
    more: dict[str, Any] = {"threads": size.threads, "phases": {phase: best[f"time/{phase}"] / best["seconds"] for phase in PHASES}}
    unit, samples_a_second = "samples/s", count / best["seconds"]
    print(
        "# share of our step: " + ", ".join(f"{phase} {share:.1%}" for phase, share in more["phases"].items()), file=sys.stderr, flush=True
    )
    if peer is None:
        print(f"# SKIPPED: {name}: {reason}", file=sys.stderr, flush=True)
        return [line(f"{name}, over TRL (SKIPPED: {reason})", samples_a_second, None, target, unit) | more | {"ratio": 0.0}]
    fastest = min(theirs, key=lambda row: float(row["seconds"]))
    more["trl_generate"] = fastest["generate"] / fastest["seconds"]
    title = f"{name}, over TRL {peer.about['version']} (micro-batch {peer.about['micro']})"
    return [line(title, samples_a_second, count / fastest["seconds"], target, unit) | more]


def made(folder: Path, shape: str, kind: str, count: int) -> Work:
    """The model on disk, the questions, the lengths."""
    from thinkwell.tasks.presets import preset
    from thinkwell.training.problems import LabProblems

    problems = [LabProblems(LEVELS).at(place) for place in range(count // SIZE)]
    questions = [
        (
            [{"role": str(message["role"]), "content": str(message["content"])} for message in preset("lab").messages(problem)],
            str(problem.reference),
        )
        for problem in problems
    ]
    model = model_folder(folder, shape)
    if kind == "equal":
        lengths = [EQUAL_LENGTH] * count
    elif shape == "lab":
        lengths = natural(model, Work(model, questions, [LONGEST] * count))
    else:
        lengths = workload().lengths[:count]
    return Work(model, questions, lengths)


def model_folder(folder: Path, shape: str) -> str:
    """The bundled model, or random weights of the shape with the bundled tokenizer."""
    from thinkwell.lab import artifacts

    if shape == "lab":
        return str(artifacts.path("policy"))
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    from thinkwell.lab.build import save_model

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(artifacts.path("policy"))
    config = Qwen3Config(
        vocab_size=len(tokenizer), max_position_embeddings=1024, tie_word_embeddings=True, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, **SHAPES[shape],
    )  # fmt: skip
    save_model(Qwen3ForCausalLM(config), tokenizer, folder / "model")
    return str(folder / "model")


def natural(model: str, work: Work) -> list[int]:
    """Lengths of the model's own samples."""
    from thinkwell.core.noise import NoiseKey
    from thinkwell.core.sampling import Sampling
    from thinkwell.engines.local.engine import LocalEngine
    from thinkwell.engines.local.loading import load
    from thinkwell.engines.protocol import Request

    loaded = load(model, dtype="float32", device="cpu")
    engine = LocalEngine(loaded.module, loaded.tokenizer)

    async def sampled() -> list[int]:
        prompts = [await engine.render(messages) for messages, _ in work.questions]
        asked = [
            Request(NoiseKey(0, "lengths", str(index)), LONGEST, prompts[index // SIZE].tokens, sampling=Sampling(TEMPERATURE))
            for index in range(len(work.lengths))
        ]
        return [completion.n_tokens for completion in await engine.generate(asked)]

    return asyncio.run(sampled())


def steps(work: Work, count: int, after: Callable[[dict[str, Any]], None]) -> None:
    """`count` steps of our trainer on the work; `after` gets each step's row."""
    from functools import partial

    from thinkwell.training import advantages, losses, trainer
    from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
    from thinkwell.training.stage import Optimiser, Rl, of

    held: list[Work] = [work]

    def stages(knobs: TrainKnobs, setting: Setting) -> list[Rl]:
        return [
            Rl(
                rollout=Forced(held[0]),
                reward=Graded(),
                advantage=of(advantages.grpo),
                loss=partial(losses.ppo_clip, aggregation="seq-mean-token-mean"),
                steps=knobs.steps,
                prompts=len(held[0].questions),
                optimiser=Optimiser(rate=RATE, betas=BETAS, clip=CLIP),
            )
        ]

    name = f"benchmark-{id(held)}"
    RECIPES.add(name)(Recipe(name, "", "one GRPO step of forced lengths", TrainKnobs, stages))
    with tempfile.TemporaryDirectory() as out:
        trainer.train(
            name, out=Path(out) / "run", model=work.model, knobs={"steps": count, "temperature": TEMPERATURE}, eval_problems=0, save_every=10**6,
            listener=after,
        )  # fmt: skip


# Beside nothing


def slots() -> list[dict[str, Any]]:
    """Utilisation of T-PPO's pool as its recipe makes it, where the longest response is ten times the median, beside writing until all are done."""
    from thinkwell.tasks.presets import preset
    from thinkwell.training.recipe import RECIPES, Setting
    from thinkwell.training.rollouts.slots import simulate

    rng = random.Random(0)
    lengths = [min(LONGEST, max(4, round(rng.lognormvariate(3.69, 0.65)))) for _ in range(20_000)]  # median 40
    tail = max(lengths) / sorted(lengths)[len(lengths) // 2]
    recipe = RECIPES.get("t-ppo")
    found = []
    for refill in ("update", "window"):
        knobs = recipe.Config.parse({"max_tokens": LONGEST, "refill": refill}, "t-ppo")
        stage: Any = recipe.stages(knobs, Setting(None, preset("r1"), None, 0, "lab"))[0]  # type: ignore[arg-type]
        pool = stage.rollout
        ours = utilisation(pool, lengths)
        peer = simulate(lengths, pool.slots, None).utilisation(pool.slots)
        title = f"training: slot utilisation of t-ppo, longest {tail:.0f} times the median, window {pool.window}, refill {refill}, {POOL_STEPS} steps"
        found.append(line(title, ours, peer, 0.9, "tokens/slot/step") | {"ratio": None})
    return found


def utilisation(pool: Any, lengths: list[int]) -> float:
    """Of a pool whose responses have these lengths, in order."""
    from thinkwell.core.problem import Problem
    from thinkwell.core.sampling import Sampling
    from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
    from thinkwell.tasks.presets import preset
    from thinkwell.training.stage import Writer

    def script(ask: Ask) -> Reply:
        number, place = int(ask.problem.rpartition("/q")[2]), int(ask.path.rpartition(".")[2])
        written = re.search(r"(?: a)*$", ask.prompt)
        assert written is not None
        return Reply(" a" * (lengths[number * pool.size + place] - 1 - len(written[0]) // 2))

    engine, position = ScriptedEngine(script), 0

    def draw(count: int) -> list[Problem]:
        nonlocal position
        position += count
        return [Problem(f"q{place}", f"question {place}", str(place)) for place in range(position - count, position)]

    async def run() -> None:
        for step in range(1, POOL_STEPS + 1):
            await pool.collect(Writer(engine, preset("r1"), Sampling(1.0), LONGEST, 0, str(step), step), draw)

    asyncio.run(run())
    return float(pool.metrics["utilisation_so_far"])


def memory() -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, str(HERE / "_training_memory.py")], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the memory benchmark failed: {done.stderr[-2000:]}")
    title = f"training lab: memory of a step of {MEMORY_SAMPLES:,} rollouts of {MEMORY_LENGTH} tokens, whole process"
    return [line(title, float(done.stdout), None, MEMORY_TARGET, "bytes") | {"better": "lower"}]


def loop_beside_trainer(rounds: int, count: int = 3) -> list[dict[str, Any]]:
    """Seconds of the same GRPO steps of the lab model by `loop.py` and by the trainer, the best round of each step."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from thinkwell.lab import artifacts
    from thinkwell.tasks.presets import preset
    from thinkwell.training import loop, trainer
    from thinkwell.training.problems import LabProblems

    def short() -> list[float]:
        folder = artifacts.path("policy")
        module, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
        written = loop.train(module, tokenizer, LabProblems(), preset("lab"), loop.Settings(steps=count))
        return [row["seconds"] for row in written]

    def full() -> list[float]:
        with tempfile.TemporaryDirectory() as out:
            report = trainer.train("grpo", out=Path(out) / "run", knobs={"steps": count}, eval_problems=0, save_every=10**6)
        return [row["seconds"] for row in report.steps]

    timed: dict[str, list[list[float]]] = {"loop": [], "trainer": []}
    for number in range(rounds):
        for name, run in (("loop", short), ("trainer", full)):
            timed[name].append(run())
            print(f"# round {number + 1}: {name} {sum(timed[name][-1]):.2f} s", file=sys.stderr, flush=True)
    best = {name: sum(map(min, zip(*each, strict=True))) for name, each in timed.items()}
    return [line(f"training lab: loop.py beside the trainer, {count} steps", best["loop"], best["trainer"], 1.3, "s") | {"better": "lower"}]


def line(name: str, ours: float, peer: float | None, target: float | None, unit: str) -> dict[str, Any]:
    ratio = None if peer is None else ours / peer
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "target": target, "unit": unit, "command": COMMAND}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--micros", nargs="+", type=int, default=list(MICROS), help="micro-batches that TRL tries")
    parser.add_argument("--samples", type=int, help="of a step against TRL, a multiple of 64")
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    chosen = parser.parse_args()
    size = Size(chosen.rounds, chosen.threads, tuple(chosen.micros), chosen.samples)
    print(json.dumps(rows(size, tuple(chosen.only), tuple(chosen.shapes), tuple(chosen.kinds)), indent=1))
