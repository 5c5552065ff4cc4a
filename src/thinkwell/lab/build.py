"""Remakes the lab's models from a seed: world -> tokenizer -> policy -> samples -> skills -> prm -> starts -> card.

Every stage leaves its result in the work folder `<out>/.build` (written with a rename at the end) and is skipped when it is there, so a
build that was killed goes on where it was. The policy and the process reward model also save checkpoints about every minute.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from . import tokenizer as tokenizers
from .card import measure
from .data import PolicyBatches
from .models import first_score, new_policy, new_prm, new_student
from .prm import PrmBatches, load_rows, prm_loss
from .sample import sample
from .skills.measure import measure as measure_skills
from .skills.mixture import TAUGHT, SkillBatches, Student, load_samples, skill_loss
from .starts.learn import learn as learn_start
from .starts.measure import measure as measure_start
from .starts.store import write as unpack_start
from .starts.traces import STARTS
from .trace import THOUGHTFUL
from .train import Batch, Learned, Schedule, fit, policy_loss
from .world import LEVELS, generate

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

STAGES = ("world", "tokenizer", "policy", "samples", "skills", "prm", "starts", "card")


@dataclass(frozen=True)
class Scale:
    """Sizes of one build."""

    width: int
    layers: int
    policy: Schedule
    polish: Schedule
    """The policy's last steps, on traces that reflect more (`THOUGHTFUL`)."""
    policy_rows: int
    """Conversations a step, on average."""
    levels: tuple[int, ...]
    """Levels of the policy's training problems."""
    prm: Schedule
    prm_rows: int
    sample_problems: int
    """Train problems that the policy is sampled on for the process reward model."""
    samples_each: int
    shard: int
    """Problems sampled between two checkpoints."""
    skills: Schedule
    """Steps in which a copy of the policy, one layer deeper, learns the methods' skills."""
    starts: tuple[str, ...]
    """Starting points for reinforcement learning (`starts.traces.STARTS`)."""
    start_steps: int | None
    start_rows: int | None
    """Steps of each and conversations a step, None for its own numbers."""
    start_problems: int
    """Problems that each is measured on, `start_samples` times."""
    start_samples: int
    card_problems: int
    card_samples: int
    card_level_problems: int
    compiled: bool
    """Compile the training step (minutes of warm-up, then faster)."""
    half: bool
    """Products in bfloat16: faster where the processor has it, several times slower where it must be emulated."""


SCALES: dict[str, Scale] = {
    "full": Scale(
        width=128,
        layers=4,
        policy=Schedule(3000),
        polish=Schedule(250, rate=1e-3, adam_rate=5e-4, warmup=20),
        policy_rows=32,
        levels=tuple(LEVELS),
        prm=Schedule(1000, rate=2e-3, adam_rate=1e-3),
        prm_rows=32,
        sample_problems=3000,
        samples_each=4,
        shard=200,
        skills=Schedule(2200, rate=2e-3, adam_rate=1e-3, warmup=50),
        starts=tuple(STARTS),
        start_steps=None,
        start_rows=None,
        start_problems=160,
        start_samples=8,
        card_problems=300,
        card_samples=16,
        card_level_problems=20,
        compiled=True,
        half=True,
    ),
    "mini": Scale(
        width=64,
        layers=2,
        policy=Schedule(700, warmup=10),
        polish=Schedule(20, rate=1e-3, adam_rate=5e-4, warmup=5),
        policy_rows=16,
        levels=(1,),
        prm=Schedule(50, warmup=5, rate=2e-3, adam_rate=1e-3),
        prm_rows=8,
        sample_problems=20,
        samples_each=2,
        shard=10,
        skills=Schedule(20, rate=2e-3, adam_rate=1e-3, warmup=5),
        starts=("overthinking",),
        start_steps=10,
        start_rows=16,
        start_problems=4,
        start_samples=2,
        card_problems=10,
        card_samples=4,
        card_level_problems=2,
        compiled=False,
        half=False,
    ),
}


def build(
    out: Path,
    scale: Literal["full", "mini"] = "full",
    seed: int = 0,
    resume: bool = True,
    *,
    until: str = STAGES[-1],
    log: Callable[[str], None] = print,
) -> Path:
    """Build the lab's models into `out` (folders `policy`, `skills`, `prm` and `starts`, and `card.json`), up to and including the stage `until`."""
    if scale not in SCALES:
        raise ValueError(f"scale {scale!r} does not exist; expected one of {', '.join(SCALES)}")
    work = Work(Path(out), SCALES[scale], scale, seed, log)
    work.open(resume)
    for stage in STAGES[: STAGES.index(until) + 1]:
        log(f"stage {stage}")
        getattr(work, stage)()
    return Path(out)


class Work:
    """The stages of one build; each is a method that does nothing when its result is there."""

    def __init__(self, out: Path, sizes: Scale, scale: str, seed: int, log: Callable[[str], None]) -> None:
        self.out, self.sizes, self.scale, self.seed, self.log = out, sizes, scale, seed, log
        self.work = out / ".build"
        self.device = "cuda" if torch.cuda.is_available() else "cpu"

    def open(self, resume: bool) -> None:
        """Make the work folder; a folder of another build is refused."""
        plan = {"scale": self.scale, "seed": self.seed}
        marker = self.work / "plan.json"
        if marker.exists() and resume and json.loads(marker.read_text()) != plan:
            raise ValueError(
                f"{self.work} holds the build {marker.read_text()}; expected {json.dumps(plan)}; give another folder or resume=False"
            )
        if self.work.exists() and not resume:
            for file in self.work.iterdir():
                file.unlink()
        self.work.mkdir(parents=True, exist_ok=True)
        write_json(marker, plan)

    def world(self) -> None:
        """The world is code; what is recorded is which code."""
        path = self.work / "world.json"
        if not path.exists():
            write_json(path, {"words": len(tokenizers.words()), "vocabulary": len(tokenizers.vocabulary())})

    def tokenizer(self) -> None:
        self.tokens = tokenizers.make()

    def policy(self) -> None:
        """Train the policy on written traces."""
        if self._done("policy"):
            return
        model = new_policy(self.tokens, self.seed, width=self.sizes.width, layers=self.sizes.layers).to(self.device)
        loss_of = policy_loss(model, compiled=self.sizes.compiled)
        rows, levels = self.sizes.policy_rows, self.sizes.levels
        learned = self._fit("policy", model, PolicyBatches(self.tokens, self.seed, rows, levels=levels), loss_of, self.sizes.policy)
        other = PolicyBatches(self.tokens, self.seed + 1, rows, levels=levels, style=THOUGHTFUL)
        polished = self._fit("polish", model, other, loss_of, self.sizes.polish)
        self._keep("policy", model, learned, polished)

    def samples(self) -> None:
        """Sample the policy on train problems, a shard at a time."""
        from transformers import AutoModelForCausalLM

        path, sizes = self.work / "samples.jsonl", self.sizes
        shards = [range(i, min(i + sizes.shard, sizes.sample_problems)) for i in range(0, sizes.sample_problems, sizes.shard)]
        if all(self._shard(k).exists() for k in range(len(shards))) and path.exists():
            return
        model = AutoModelForCausalLM.from_pretrained(self.out / "policy").to(self.device)
        for k, shard in enumerate(shards):
            if self._shard(k).exists():
                continue
            keys = [(self.seed * 1_000_003 + 7_000_000 + i, sizes.levels[i % len(sizes.levels)]) for i in shard]
            questions = [generate(seed, level, "train").question for seed, level in keys]
            temperature = (0.8, 1.0)[k % 2]
            found = sample(model, self.tokens, questions, sizes.samples_each, temperature=temperature, seed=self.seed * 1009 + k)
            write_text(self._shard(k), "".join(json.dumps([*keys[s.problem], list(s.ids)]) + "\n" for s in found))
            self.log(f"samples {k + 1}/{len(shards)}")
        write_text(path, "".join(self._shard(k).read_text() for k in range(len(shards))))

    def skills(self) -> None:
        """Teach a deeper copy of the policy the methods' skills, beside ordinary traces."""
        from transformers import AutoModelForCausalLM

        if self._done("skills"):
            return
        student = Student(new_student(AutoModelForCausalLM.from_pretrained(self.out / "policy"), self.seed), self.seed).to(self.device)
        samples = load_samples(self.tokens, self.work / "samples.jsonl")
        batches = SkillBatches(self.tokens, samples, self.seed, self.sizes.policy_rows)
        learned = self._fit("skills", student, batches, skill_loss(student, compiled=self.sizes.compiled), self.sizes.skills)
        self._keep("skills", student.policy, learned)

    def prm(self) -> None:
        """Train the process reward model from the policy's body."""
        from transformers import AutoModelForCausalLM

        if self._done("prm"):
            return
        model = new_prm(AutoModelForCausalLM.from_pretrained(self.out / "policy"), self.seed).to(self.device)
        rows = load_rows(self.tokens, self.work / "samples.jsonl")
        loss_of = prm_loss(model, compiled=self.sizes.compiled)
        learned = self._fit("prm", model, PrmBatches(self.tokens, rows, self.seed, self.sizes.prm_rows), loss_of, self.sizes.prm)
        self._keep("prm", first_score(model), learned)

    def starts(self) -> None:
        """Train the starting points for reinforcement learning, and measure each beside the policy."""
        sizes, policy = self.sizes, self.out / "policy"
        numbers = {"problems": sizes.start_problems, "samples": sizes.start_samples}
        if not self._start("policy").exists():
            write_json(self._start("policy"), measure_start("policy", policy, **numbers))
        for name in sizes.starts:
            file = self.out / "starts" / f"{name}.safetensors"
            if self._start(name).exists() and file.exists():
                continue
            learned = learn_start(
                name, policy, file, self.work / f"start-{name}.pt", self.tokens,
                seed=self.seed, rows=sizes.start_rows, steps=sizes.start_steps, compiled=sizes.compiled, half=sizes.half, log=self.log,
            )  # fmt: skip
            with tempfile.TemporaryDirectory(dir=self.work) as scratch:
                unpack_start(file, policy, folder := Path(scratch) / name)
                measured = measure_start(name, folder, **numbers)
            write_json(
                self._start(name), measured | {"steps": learned.steps, "tokens": learned.tokens, "seconds": round(learned.seconds, 1)}
            )

    def card(self) -> None:
        """Measure the models."""
        if (self.out / "card.json").exists():
            return
        sizes = self.sizes
        facts = measure(
            self.out / "policy",
            self.out / "prm",
            problems=sizes.card_problems,
            samples=sizes.card_samples,
            level_problems=sizes.card_level_problems,
        )
        facts["skills"] = measure_skills(
            self.out / "policy", self.out / "skills", problems=max(2, sizes.card_problems // 3), samples=sizes.card_samples
        )
        facts["starts"] = {name: json.loads(self._start(name).read_text()) for name in ("policy", *sizes.starts)}
        training: dict[str, object] = {"scale": self.scale, "seed": self.seed, "device": self.device}
        for name in ("policy", "skills", "prm"):
            record = json.loads((self.work / f"{name}.json").read_text())
            training[name] = {k: record[k] for k in ("steps", "tokens", "seconds")} | {"final_loss": record["losses"][-1]}
        write_json(self.out / "card.json", facts | {"taught": {"policy": [], "skills": TAUGHT}, "training": training})

    def _start(self, name: str) -> Path:
        return self.work / f"start-{name}.json"

    def _shard(self, k: int) -> Path:
        return self.work / f"samples-{k:03d}.jsonl"

    def _done(self, name: str) -> bool:
        return (self.work / f"{name}.json").exists() and (self.out / name / "config.json").exists()

    def _fit(
        self,
        name: str,
        model: nn.Module,
        batches: Callable[[int], Batch],
        loss_of: Callable[[Tensor, Tensor], Tensor],
        schedule: Schedule,
    ) -> Learned:
        file, half = self.work / f"{name}.pt", self.sizes.half
        return fit(model, batches, loss_of, schedule, file, pad_id=self.tokens.pad_token_id, autocast=half, log=self.log)

    def _keep(self, name: str, model: PreTrainedModel, *phases: Learned) -> None:
        """Save the model and what its training phases recorded."""
        save_model(model, self.tokens, self.out / name)
        record = {
            "steps": sum(p.steps for p in phases),
            "tokens": sum(p.tokens for p in phases),
            "seconds": round(sum(p.seconds for p in phases), 1),
            "losses": [round(x, 5) for p in phases for x in p.losses],
        }
        write_json(self.work / f"{name}.json", record)


def save_model(model: PreTrainedModel, tokens: PreTrainedTokenizerFast, folder: Path) -> None:
    """A model and its tokenizer in Hugging Face format, float32."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)


def write_json(path: Path, value: object) -> None:
    """Write JSON with a rename at the end."""
    write_text(path, json.dumps(value, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file with a rename at the end."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    os.replace(partial, path)
