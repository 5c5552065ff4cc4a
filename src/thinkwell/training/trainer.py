"""The trainer: runs a recipe's stages on a model, keeps everything, goes on after a kill.

One step of a reinforcement stage is `gather` (roll out, grade, reward, filter), `Learner.rows` (advantages), the buffer's `mix`, `Learner.update`. `loop.py` is the same
in one sitting. With several processes (Accelerate) every process rolls out its share of a step's problems, all know all samples, and each computes the gradient of its share.

A folder holds one run: see `train`. A run that was killed and resumed has the same metrics as one that was not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from thinkwell.core.errors import ConfigError, ThinkwellError
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.rules import RULES
from thinkwell.core.sampling import Sampling
from thinkwell.training import checkpoint
from thinkwell.training.curves import Curves
from thinkwell.training.experience import Experience, OnError, gather, judge
from thinkwell.training.learner import Learner, NotFinite
from thinkwell.training.preference_stage import preference_step
from thinkwell.training.problems import LabProblems, Problems, PuzzleProblems, read_problems
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.record import Record, Report, finite
from thinkwell.training.rollouts.group import write
from thinkwell.training.run_folder import Asked, alone, forget, opened
from thinkwell.training.sample import Rollouts, Row, Sample
from thinkwell.training.stage import Preference, Prepares, Rl, Sft, Stage, Writer
from thinkwell.training.weights import Weights, check_marks

SAVE_EVERY = 5
FEW = 16  # held-out cases of which some are right and some wrong
SHOWN = 6  # samples of a step in the table


class TrainingError(ThinkwellError):
    """A run that cannot go on; says what to look at."""


def train(
    recipe: str,
    *,
    out: Path,
    model: str = "lab",
    seed: int = 0,
    knobs: Mapping[str, Any] = {},
    task: str | None = None,
    data: Path | None = None,
    resume: bool = False,
    on_reward_error: OnError | None = None,
    eval_every: int = 10,
    eval_problems: int = 64,
    save_every: int = SAVE_EVERY,
    listener: Callable[[dict[str, Any]], None] | None = None,
) -> Report:
    """Train a model with a recipe.

    model: "lab" (the recipe's starting point among the bundled models), the name of one of those, a folder or a hub id. task, data: problems of a task's file in place of
    the lab's; a puzzle or game without a file gives endless items of its training part, and its test part is held out. eval_every: steps between evaluations on held-out
    problems (0: only before and after). save_every: steps between checkpoints. listener: gets every step's row.

    `out` holds afterwards the trained model in Hugging Face format, `run.json`, `steps.jsonl`, `evaluations.jsonl`, `samples.jsonl`, `final.json`, `curves.html` and
    the last two checkpoints. With `resume` the run in `out` goes on. Raises `UsageError`s for what cannot be asked for, `RewardError`, `TrainingError`, `CheckpointError`
    while it runs.
    """
    known = RECIPES.get(recipe)
    known.Config.parse(knobs, recipe)
    for name, value, least in (("eval_every", eval_every, 0), ("eval_problems", eval_problems, 0), ("save_every", save_every, 1)):
        if value < least:
            raise ConfigError(f"{name}={value} is out of range; expected at least {least}.")
    if known.tested is not None and 0 < eval_problems < FEW:
        raise ConfigError(
            f"eval_problems={eval_problems} is too few: {recipe} is tested on right and wrong cases; expected at least {FEW}, or 0 for none."
        )
    asked = Asked(
        recipe, model, seed, dict(knobs), task, None if data is None else str(data), on_reward_error or "stop", eval_every, eval_problems
    )
    checked(known, known.Config.parse(knobs, recipe))
    if not resume:
        if known.thinks:
            check_marks(model, known.start, preset_of(asked))
        problems_of(asked, known, known.Config.parse(knobs, recipe))  # what the data lacks is said before a folder is made
    asked = opened(out, asked, resume=resume, on_reward_error=on_reward_error)
    with alone(out):
        try:
            run = Run(known, known.Config.parse(asked.knobs, recipe), asked, out, save_every, listener)
        except BaseException:
            if not resume:
                forget(out)  # a model that cannot be loaded must not leave a run behind that stands in the way of the mended command
            raise
        return asyncio.run(run.go())


def checked(recipe: Recipe, knobs: TrainKnobs) -> None:
    """Raises `ConfigError` for knobs that this recipe cannot learn with."""
    if recipe.group and knobs.group_size < 2:
        raise ConfigError(
            f"group_size={knobs.group_size}: {recipe.name} compares samples of one prompt, so a group of one teaches nothing; expected at least 2."
        )


def problems_of(asked: Asked, recipe: Recipe, knobs: TrainKnobs) -> Problems:
    if asked.task is None and asked.data is None:
        return LabProblems(knobs.levels, asked.seed)
    if asked.task is None:
        raise ConfigError("--data was given without --task; expected the task that says how to read the file. Name it with --task.")
    if asked.data is None and asked.task in RULES.names():
        return PuzzleProblems(asked.task, knobs.difficulty, asked.seed)
    return read_problems(asked.task, None if asked.data is None else Path(asked.data), asked.seed, answers=recipe.needs_answers)


def preset_of(asked: Asked) -> Preset:
    from thinkwell.tasks import TASKS
    from thinkwell.tasks.presets import preset

    return preset("lab" if asked.task is None else TASKS.get(asked.task).preset)


class Run:
    """One run of one recipe in one folder."""

    def __init__(
        self, recipe: Recipe, knobs: TrainKnobs, asked: Asked, out: Path, save_every: int, listener: Callable[[dict[str, Any]], None] | None
    ) -> None:
        self.recipe, self.knobs, self.asked, self.out, self.save_every, self.listener = recipe, knobs, asked, out, save_every, listener
        torch.manual_seed(asked.seed)
        self.preset = preset_of(asked)
        self.weights = Weights(asked.model, recipe.start, knobs)
        self.accelerator, self.engine = self.weights.accelerator, self.weights.engine
        self.problems = problems_of(asked, recipe, knobs)
        setting = Setting(self.weights.tokenizer, self.preset, self.problems, asked.seed, asked.model)
        self.stages = list(recipe.stages(knobs, setting))
        self.learner = Learner(
            self.weights.module,
            self.accelerator,
            pad=self.weights.pad,
            micro_tokens=knobs.micro_tokens,
            temperature=knobs.temperature,
            max_tokens=knobs.max_tokens,
            seed=asked.seed,
        )
        self.record, self.curves = Record(out), Curves(out, sum(stage.steps for stage in self.stages))
        self.step, self.position = 0, 0  # over all stages; in the source of problems
        self.first = self.accelerator.is_main_process

    async def go(self) -> Report:
        index, done = self._resumed()
        if self.first:
            self.record.begin()
        if self.step == 0:
            await self.evaluate(self.stages[0])
        for number in range(index, len(self.stages)):
            stage = self.stages[number]
            if done == 0 or number > index:
                done = 0
                self.learner.begin(stage)
            for step in range(done, stage.steps):
                await self._one(stage, step)
                last = step + 1 == stage.steps
                if last or (self.asked.eval_every and (step + 1) % self.asked.eval_every == 0):
                    await self.evaluate(stage)
                if last or self.step % self.save_every == 0:
                    self._save(number, step + 1)
            done = 0
        await self.engine.aclose()
        report = self.report()
        if self.first:
            self.weights.save(self.out)
            self.curves.finish()
            self.record.finish(report)
        return report

    async def _one(self, stage: Stage, step: int) -> None:
        began = time.perf_counter()
        try:
            if isinstance(stage, Rl):
                row, samples = await self._rl(stage, step)
            elif isinstance(stage, Sft):
                row, samples = dict[str, Any](self._sft(stage, step)), []
            else:
                row, samples = await self._preference(stage, step)
        except NotFinite as error:
            raise self._dumped(error) from error
        phase = time.perf_counter()
        self.weights.sync()
        self.step += 1
        row["time/sync"] = time.perf_counter() - phase
        head = {"step": self.step, "stage": stage.name, "kind": {Rl: "rl", Sft: "sft", Preference: "preference"}[type(stage)]}
        blank = {"reward": None, "accuracy": None, "tokens": None, "loss": None, "grad_norm": None, "cut": None, "samples": 0}
        row = finite(head | blank | row | {"seconds": time.perf_counter() - began})
        if self.first:
            self.record.step(row)
            if samples and (step == 0 or step + 1 == stage.steps or (self.asked.eval_every and (step + 1) % self.asked.eval_every == 0)):
                self.record.samples([{"step": self.step, **sample} for sample in samples])
            self.curves.update()
        if self.listener is not None:
            self.listener(row)

    # Reinforcement

    async def _rl(self, stage: Rl, step: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        began = time.perf_counter()
        if isinstance(stage.reward, Prepares):
            await stage.reward.prepare(step, self.probe(stage))
        prepared = time.perf_counter() - began

        def writer(refill: int) -> Writer:
            part = f"+{refill}" if refill else ""
            return self._writer(stage, f"{stage.name}/{step}{part}{self._shard}")

        experience = await gather(
            stage,
            writer,
            lambda n: self._draw(stage, n),
            step,
            on_error=self._on_error,
            share=self._shared,
        )
        began = time.perf_counter()
        rows, metrics = self.learner.rows(experience, stage)
        ready = time.perf_counter() - began
        mixed = rows if stage.buffer is None else stage.buffer.mix(rows, step)
        metrics |= self.learner.update(mixed, stage, step)
        times = {f"time/{name}": seconds for name, seconds in experience.seconds.items()} | {
            "time/prepare": prepared,
            "time/advantage": ready,
        }
        for part in (stage.reward, stage.rollout, stage.buffer):
            metrics |= dict(getattr(part, "metrics", {}))
        return summary(experience) | {"trained": len(mixed)} | times | metrics, table(rows, experience)

    def _writer(self, stage: Stage, tag: str) -> Writer:
        longest = (stage.max_tokens if isinstance(stage, Rl) else None) or self.knobs.max_tokens
        return Writer(self.engine, self.preset, Sampling(self.knobs.temperature), longest, self.asked.seed, tag, self.learner.version)

    def _source(self, stage: Stage) -> Problems:
        own: Problems | None = stage.problems if isinstance(stage, Rl) else None
        return self.problems if own is None else own

    def _draw(self, stage: Stage, n: int) -> list[Problem]:
        """The next n problems of all processes; this process's share of them."""
        source, first = self._source(stage), self.position
        self.position += n
        return [source.at(first + i) for i in range(self.accelerator.process_index, n, self.accelerator.num_processes)]

    def _shared(self, samples: list[Sample]) -> list[Sample]:
        if self.accelerator.num_processes == 1:
            return samples
        from accelerate.utils import gather_object

        return list(gather_object(samples))

    def probe(self, stage: Stage) -> Any:
        """Graded samples of the present policy on given problems: for rewards that watch a set of their own."""

        async def sampled(problems: list[Problem], n: int) -> Rollouts:
            samples = await write(self._writer(stage, f"{stage.name}/probe/{self.step}"), problems, n)
            return Rollouts(tuple(judge(samples, self.preset, stage.valid if isinstance(stage, Rl) else None)))

        return sampled

    # Supervised and preference stages

    def _sft(self, stage: Sft, step: int) -> dict[str, float]:
        return self.learner.supervise(stage.rows(step), stage.optimiser, step, stage.steps)

    async def _preference(self, stage: Preference, step: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        writer = self._writer(stage, f"{stage.name}/{step}{self._shard}")
        return await preference_step(
            self.learner, stage, step, writer, lambda n: self._draw(stage, n), share=self._shared, on_error=self._on_error
        )

    @property
    def _shard(self) -> str:
        return f".{self.accelerator.process_index}" if self.accelerator.num_processes > 1 else ""

    @property
    def _on_error(self) -> OnError:
        return "count" if self.asked.on_reward_error == "count" else "stop"

    # Evaluation

    async def evaluate(self, stage: Stage) -> None:
        """Accuracy and length on held-out problems, or what the recipe has in their place; the same cases and the same noise every time, so that differences are the policy's."""
        if self.recipe.tested is not None:
            if self.asked.eval_problems and self.first:
                found = await self.recipe.tested(self.engine, self.preset, self.knobs, self.asked.eval_problems)
                self.record.evaluation({"step": self.step, "cut": None, "problems": self.asked.eval_problems, **found})
            return
        problems = self._source(stage).held_out(self.asked.eval_problems) if self.asked.eval_problems else []
        if not problems or not self.first:
            return
        samples = judge(await write(self._writer(stage, "evaluation"), problems, 1), self.preset)
        batch = Rollouts(tuple(samples))
        self.record.evaluation(
            {
                "step": self.step,
                "accuracy": mean(batch.correct) if all(problem.reference is not None for problem in problems) else None,
                "tokens": mean(batch.lengths),
                "cut": mean(batch.cut),
                "problems": len(problems),
                "each": {"right": [int(right) for right in batch.correct.tolist()], "tokens": batch.lengths.tolist()},
            }
        )

    # What is kept

    def _save(self, index: int, done: int) -> None:
        stage = self.stages[index]
        parts = {}
        if isinstance(stage, Rl):
            parts = {
                "reward": stage.reward.state_dict(),
                "rollout": self._of_all(stage.rollout.state_dict()),
                "buffer": stage.buffer and stage.buffer.state_dict(),
            }
        elif isinstance(stage, Preference) and hasattr(stage.make, "state_dict"):
            parts = {"make": stage.make.state_dict()}
        state = {
            "stage": index,
            "done": done,
            "step": self.step,
            "position": self.position,
            "learner": self.learner.state_dict(),
            "parts": parts,
        }
        if self.first:
            checkpoint.save(self.out, self.step, state)
            self.weights.save(self.out)
        self.accelerator.wait_for_everyone()

    def _of_all(self, state: Any) -> list[Any]:
        """The state of every process's rollout."""
        if self.accelerator.num_processes == 1:
            return [state]
        from accelerate.utils import gather_object

        return list(gather_object([state]))

    def _resumed(self) -> tuple[int, int]:
        """(stage, its steps done) of the last checkpoint; the record forgets what came after it."""
        place = checkpoint.latest(self.out)
        if place is None:
            if self.first:
                self.record.truncate(-1)
            return 0, 0
        state = checkpoint.load(place)
        stage = self.stages[state["stage"]]
        self.learner.begin(stage)
        self.learner.load_state_dict(state["learner"])
        self.step, self.position, parts = state["step"], state["position"], state["parts"]
        if isinstance(stage, Rl):
            stage.reward.load_state_dict(parts["reward"])
            stage.rollout.load_state_dict(parts["rollout"][self.accelerator.process_index])
            if stage.buffer is not None:
                stage.buffer.load_state_dict(parts["buffer"])
        elif "make" in parts:
            stage.make.load_state_dict(parts["make"])
        if self.first:
            self.record.truncate(self.step)
        self.weights.sync()
        return state["stage"], state["done"]

    def _dumped(self, error: NotFinite) -> TrainingError:
        file = self.out / f"failed-step-{self.step + 1:06d}.pt"
        torch.save(error.batch, file)
        return TrainingError(
            f"{error} at step {self.step + 1}; the micro-batch is in {file} (torch.load). A lower rate or clip, or float32, is the usual cure; "
            "the last checkpoint is from before it."
        )

    def report(self) -> Report:
        rows = self.record.read()
        return Report(self.recipe.name, self.asked.seed, rows.steps, final_of(rows.steps, rows.evaluations))


def final_of(steps: list[dict[str, Any]], evaluations: list[dict[str, Any]], last: int = 5) -> dict[str, Any]:
    """The last evaluation, the first one beside it, the mean of the last evaluations (never the best), and the mean of the last steps' rewards."""
    keys = ("accuracy", "tokens", "cut")
    found: dict[str, Any] = {"steps": len(steps), "seconds": sum(row.get("seconds") or 0.0 for row in steps)}
    if evaluations:
        end, start = evaluations[-1], evaluations[0]
        found |= {key: end[key] for key in keys} | {"problems": end["problems"]} | {f"start_{key}": start[key] for key in keys}
        tail = evaluations[1:][-3:]
        found |= {f"mean_{key}": average([row[key] for row in tail]) for key in keys}
    found["reward"] = average([row.get("reward") for row in steps[-last:]])
    return found


def summary(experience: Experience) -> dict[str, Any]:
    """What the step saw, before filters: reward, accuracy over finished samples, mean length, share cut."""
    batch, rewards = experience.seen, experience.seen_rewards
    done = batch.finished
    parts = {f"reward/{name}": float(values[done].nanmean()) for name, values in rewards.parts.items() if bool(done.any())}
    return {
        "reward": float(rewards.values[done].mean()) if bool(done.any()) else None,
        "accuracy": mean(batch.correct[done]) if bool(done.any()) and any(s.verdict is not None for s in batch.samples) else None,
        "tokens": mean(batch.lengths[done]) if bool(done.any()) else None,
        "cut": mean(batch.cut[done]) if bool(done.any()) else None,
        "samples": len(batch),
        "kept": len(experience.batch),
        "refills": experience.refills,
        "reward_errors": experience.errors,
        **parts,
    }


def table(rows: list[Row], experience: Experience) -> list[dict[str, Any]]:
    """A few samples for people: some of the first group, then one of each next."""
    groups: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(row.sample.group, []).append(place)
    chosen = [place for group in groups.values() for place in (group[:3] if group is next(iter(groups.values())) else group[:1])][:SHOWN]
    found = []
    for place in chosen:
        row, sample = rows[place], rows[place].sample
        acting = row.advantage[row.mask]
        found.append(
            {
                "problem": sample.problem.id,
                "question": sample.problem.question,
                "text": sample.path.text,
                "reward": row.reward,
                "parts": {name: float(values[place]) for name, values in experience.rewards.parts.items()},
                "advantage": float(acting.mean()) if len(acting) else 0.0,
                "right": sample.correct,
                "tokens": sample.length,
            }
        )
    return found


def mean(values: torch.Tensor) -> float | None:
    return float(values.double().mean()) if len(values) else None


def average(values: list[Any]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None
