"""Run methods against problems and make the table.

Everything that can be refused is refused first: unknown names, knobs, a method that the engine cannot run, a scorer that is missing, a
budget below one answer, a folder that cannot be written. Then every (method, problem, sample) that the folder does not have yet is solved,
graded and stored. A method or engine that raises on a problem makes a record of verdict "error", which is counted, shown, and tried again by the next run
of the same command; a server that is gone or a disk that is full ends the run with what is done kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path as FilePath
from typing import Any

from thinkwell.answers.grade import grade_answer
from thinkwell.core.answer import Stage, Verdict, VerdictValue
from thinkwell.core.budget import Budget
from thinkwell.core.errors import MissingCapability, MissingExtra, RunFolderError, ServerUnreachable
from thinkwell.core.events import Event
from thinkwell.core.method import Outcome
from thinkwell.core.path import Path
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Engine
from thinkwell.engines.registry import known_lessons
from thinkwell.files.whole import write_whole
from thinkwell.runs.comparison import Comparison, row_of
from thinkwell.runs.record import CUT_SHORT, Candidate, Record, are_independent, content_key, trace_of, was_cut
from thinkwell.runs.seats import engines_for
from thinkwell.runs.spec import Arm, CompareSpec
from thinkwell.runs.store import Store, problem_as_dict
from thinkwell.runs.turns import untaught
from thinkwell.scorers.protocol import Scorer
from thinkwell.session import Session

COMPARISON = "comparison.json"
ENDS_THE_RUN = (ServerUnreachable, RunFolderError, MissingCapability, MissingExtra)  # no other problem would fare better
MIXED = "*"  # the wall clock of order "mixed", shared out among the methods by their sessions' seconds
LEVEL_KEYS = ("level", "difficulty", "subject", "year")  # first one that every problem has; reports group by it


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `record` is the one just finished (None when the run begins); `resumed` were in the folder before."""

    done: int
    total: int
    resumed: int
    record: Record | None


@dataclass(frozen=True, slots=True)
class _Job:
    arm: Arm
    problem: Problem
    sample: int
    key: str


async def compare_async(
    spec: CompareSpec,
    *,
    engine: Engine | None = None,
    problems: Sequence[Problem] | None = None,
    preset: Preset | None = None,
    scorers: Mapping[str, Scorer] | None = None,
    progress: Callable[[Progress], None] | None = None,
    live: Callable[[str, Event], None] | None = None,
) -> Comparison:
    """Compare methods on problems. What is not given is loaded as `spec` names it. `live` receives (method, event) while paths are written.

    Raises a `UsageError` before anything ran, or one of `ENDS_THE_RUN` in the middle; the run folder then keeps what was finished.
    """
    from thinkwell.runs.load import load_arena  # loads tasks and engines: not needed by who brings their own

    arena = await load_arena(spec, engine, problems, preset, scorers)
    try:
        run = _Run(spec, arena.engine, arena.engines, arena.problems, arena.preset, arena.scorers, arena.arms, progress, live)
        return await run.result()
    finally:
        await arena.aclose()


def compare(
    task: str, methods: Sequence[str], *, budget: Budget | Mapping[str, Any] | str | None = None, engine: str | Engine = "lab",
    problems: Sequence[Problem] | None = None, preset: Preset | str | None = None, scorers: Mapping[str, Scorer] | None = None,
    progress: Callable[[Progress], None] | None = None, out: FilePath | str | None = None, **knobs: Any,
) -> Comparison:  # fmt: skip
    """`compare_async` for scripts and notebooks: `compare("lab/arithmetic", ["single", "self_consistency"], limit=20, budget={"tokens": 1024})`.

    `engine` and `preset` may be names or the things themselves; `knobs` are the other fields of `CompareSpec`.
    """
    if isinstance(budget, str):
        budget = Budget.parse([budget])
    spec = CompareSpec(
        task=task,
        methods=tuple(methods),
        budget=budget if isinstance(budget, Budget) else Budget(**(budget or {})),
        engine=engine if isinstance(engine, str) else engine.info.name,
        preset=preset if isinstance(preset, str) else None,
        out=None if out is None else FilePath(out),
        **knobs,
    )
    work = compare_async(
        spec,
        engine=None if isinstance(engine, str) else engine,
        problems=problems,
        preset=preset if isinstance(preset, Preset) else None,
        scorers=scorers,
        progress=progress,
    )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    found: list[Comparison | BaseException] = []

    def in_a_loop_of_its_own() -> None:  # a notebook's loop is running already
        try:
            found.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            found.append(error)

    thread = threading.Thread(target=in_a_loop_of_its_own)
    thread.start()
    thread.join()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


class _Run:
    """One run: the plan, the workers, the books."""

    def __init__(
        self, spec: CompareSpec, engine: Engine, engines: Mapping[str, Engine], problems: Sequence[Problem], preset: Preset,
        scorers: Mapping[str, Scorer], arms: Sequence[Arm],
        progress: Callable[[Progress], None] | None, live: Callable[[str, Event], None] | None,
    ) -> None:  # fmt: skip
        self.spec, self.engine, self.problems, self.preset, self.scorers, self.arms = spec, engine, problems, preset, scorers, arms
        self.engines, self.progress, self.live = engines, progress, live
        self.plan = [self._job(arm, problem, sample) for arm in arms for sample in range(spec.samples) for problem in problems]
        self.records: dict[str, Record] = {}
        self.walls: dict[str, float] = {}
        self.store: Store | None = None
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._resumed = 0

    async def result(self) -> Comparison:
        if self.spec.out is not None:
            self.store = Store.create(
                self.spec.out, self._configuration(), may_grow=("methods", "limit", "samples", "problems") if self.spec.grow else ()
            )
        try:
            self._begin()
            await self._solve_what_is_missing()
            comparison = self._comparison()
            if self.store is not None:
                self.store.save_fact("comparison", comparison.as_dict())
                write_whole(self.store.folder / COMPARISON, json.dumps(comparison.as_dict(), indent=1) + "\n")
            return comparison
        finally:
            if self.store is not None:
                self.store.close()

    def _job(self, arm: Arm, problem: Problem, sample: int) -> _Job:
        key = content_key(
            label=arm.label,
            method=arm.name,
            config=arm.config,
            problem=problem_as_dict(problem) | {"meta": {}},
            seed=self.spec.seed,
            sample=sample,
            budget=self.spec.budget.describe(),
            engine=(self.engine.info.model, self.engine.info.fingerprint),
            preset=asdict(self.preset),
            sampling=self.spec.sampling and asdict(self.spec.sampling),
            scorers=[getattr(self.scorers[name], "fingerprint", self.scorers[name].name) for name in arm.method.scorers],
            **self._other_engines(engines_for(arm.method, self.engines)),
        )
        return _Job(arm, problem, sample, key)

    @staticmethod
    def _other_engines(engines: Mapping[str, Engine]) -> dict[str, Any]:
        """What tells engines by role apart; nothing where there are none, so that keys of such runs stay what they were."""
        return {"engines_for": {seat: [own.info.model, own.info.fingerprint] for seat, own in sorted(engines.items())}} if engines else {}

    def _configuration(self) -> dict[str, Any]:
        spec = self.spec
        return {
            "task": spec.task,
            "problems": content_key(problems=[problem_as_dict(problem) for problem in self.problems]),
            "limit": spec.limit,
            "methods": {arm.label: arm.config for arm in self.arms},
            "seed": spec.seed,
            "samples": spec.samples,
            "budget": spec.budget.describe(),
            "engine": self.engine.info.name,
            "model": self.engine.info.model,
            "weights": self.engine.info.fingerprint,
            "preset": self.preset.full_name,
            "sampling": spec.sampling and asdict(spec.sampling),
            **self._other_engines(self.engines),
        }

    def _begin(self) -> None:
        """Read what the folder has, and write down what is being run."""
        if self.store is not None:
            planned = {job.key for job in self.plan}
            done = self.store.finished() & planned
            self.records = {record.key: record for record in self.store.records() if record.key in done}
            self.walls = self.store.walls()
            self.store.save_problems(self.problems)
            for name, value in self._facts().items():
                self.store.save_fact(name, value)
        self._resumed = len(self.records)
        if self.progress:
            self.progress(Progress(self._resumed, len(self.plan), self._resumed, None))

    def _facts(self) -> dict[str, Any]:
        info = self.engine.info
        return {
            "command": list(self.spec.command),
            "versions": versions(),
            "engine": {
                "name": info.name,
                "model": info.model,
                "fingerprint": info.fingerprint,
                "context": info.context,
                "details": {**info.details, **{f"engine for {seat}": own.info.model for seat, own in self.engines.items()}},
            },
            "methods": [
                {"label": arm.label, "name": arm.name, "summary": arm.method.about.summary, "config": arm.config} for arm in self.arms
            ],
            "preset": asdict(self.preset),
            "level_key": level_key(self.problems),
            "plan": [[job.arm.label, job.problem.id, job.sample, job.key] for job in self.plan],
        }

    # ---- solving ------------------------------------------------------------------------------------------------------------

    async def _solve_what_is_missing(self) -> None:
        missing = [job for job in self.plan if job.key not in self.records]
        with ThreadPoolExecutor(1, "grade-and-store") as books:
            if self.spec.order == "mixed":
                await self._work(missing, books, MIXED)
            else:
                for arm in self.arms:
                    await self._work([job for job in missing if job.arm is arm], books, arm.label)

    async def _work(self, jobs: Sequence[_Job], books: ThreadPoolExecutor, clock: str) -> None:
        """Solve `jobs`, at most `in_flight` at a time. The first error that ends the run stops the others."""
        before, started = self.walls.get(clock, 0.0), time.monotonic()
        queue: Iterator[_Job] = iter(jobs)

        async def worker() -> None:
            for job in queue:
                await self._solve(job, books, clock, lambda: before + time.monotonic() - started)

        workers = [asyncio.create_task(worker()) for _ in range(min(self.spec.in_flight, len(jobs)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _solve(self, job: _Job, books: ThreadPoolExecutor, clock: str, wall: Callable[[], float]) -> None:
        spec, label, live = self.spec, job.arm.label, self.live
        session = Session(
            job.problem, self.engine, preset=self.preset,
            engines=engines_for(job.arm.method, self.engines), seed=spec.seed, sample=job.sample, budget=spec.budget, sampling=spec.sampling,
            scorers={name: self.scorers[name] for name in job.arm.method.scorers}, live=None if live is None else lambda event: live(label, event),
        )  # fmt: skip
        outcome, failure = None, None
        try:
            outcome = await session.run(job.arm.method)
        except ENDS_THE_RUN:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a method or an engine raises on one problem must not take the other problems with it
            failure = f"{type(error).__name__}: {error}"
        booking = asyncio.get_running_loop().run_in_executor(books, self._finish, job, session, outcome, failure, clock, wall)
        record, done = await asyncio.shield(booking)  # a run that ends now still stores what is already answered
        if self.progress:
            self.progress(Progress(done, len(self.plan), self._resumed, record))

    def _finish(
        self, job: _Job, session: Session, outcome: Outcome | None, failure: str | None, clock: str, wall: Callable[[], float]
    ) -> tuple[Record, int]:
        """Grade and store one result; runs in the one books thread. Returns it and how many are finished."""
        record = self._graded(job, session, outcome) if outcome is not None else self._failed(job, session, failure or "")
        self.walls[clock] = wall()
        if self.store is not None:
            self.store.save(record, trace_of(outcome.paths if outcome else (), session.events), {clock: self.walls[clock]})
        self.records[record.key] = record
        return record, len(self.records)

    def _graded(self, job: _Job, session: Session, outcome: Outcome) -> Record:
        verdicts: dict[str, Verdict] = {}  # equal answers get one verdict
        scores = outcome.scores if outcome.scores is not None and len(outcome.scores) == len(outcome.paths) else None
        candidates = tuple(
            self._candidate(session, path, verdicts, None if scores is None else scores[i]) for i, path in enumerate(outcome.paths)
        )
        answer = outcome.answer
        if answer is not None:
            verdict = verdicts.get(answer.canonical) or self._verdict(job.problem, answer.text)
        else:
            cut = was_cut(outcome.paths, session.events)
            verdict = Verdict(VerdictValue.TRUNCATED if cut else VerdictValue.NO_ANSWER, None, Stage.EXTRACT)
        return Record(
            key=job.key, method=job.arm.label, problem=job.problem.id, sample=job.sample, seed=self.spec.seed,
            answer=answer.text if answer else None, verdict=verdict.value, stage=verdict.stage.value, score=verdict.score, usage=session.usage.as_dict(),
            candidates=candidates, chosen=outcome.chosen.id if outcome.chosen else None, independent=are_independent(outcome.paths, session.events),
            detail=verdict.detail, facts=outcome.facts,
        )  # fmt: skip

    def _failed(self, job: _Job, session: Session, failure: str) -> Record:
        return Record(
            key=job.key, method=job.arm.label, problem=job.problem.id, sample=job.sample, seed=self.spec.seed, answer=None, verdict=VerdictValue.ERROR,
            stage=Stage.EXTRACT.value, score=0.0, usage=session.usage.as_dict(), detail=failure, failure=failure,
        )  # fmt: skip

    def _candidate(self, session: Session, path: Path, verdicts: dict[str, Verdict], score: float | None) -> Candidate:
        answer = session.answer(path)
        finish = path.finish.value if path.finish else None
        if answer is None:
            value = VerdictValue.TRUNCATED if path.finish in CUT_SHORT else VerdictValue.NO_ANSWER
            return Candidate(path.id, None, None, value, finish, score)
        if answer.canonical not in verdicts:
            verdicts[answer.canonical] = self._verdict(session.problem, answer.text)
        return Candidate(path.id, answer.text, answer.canonical, verdicts[answer.canonical].value, finish, score)

    def _verdict(self, problem: Problem, text: str) -> Verdict:
        if (problem.id, text) not in self._verdicts:
            self._verdicts[problem.id, text] = grade_answer(text, problem)
        return self._verdicts[problem.id, text]

    # ---- the table ----------------------------------------------------------------------------------------------------------

    def _comparison(self) -> Comparison:
        records = [self.records[job.key] for job in self.plan]
        by_arm = {arm.label: [self.records[job.key] for job in self.plan if job.arm is arm] for arm in self.arms}
        key = level_key(self.problems)
        levels = {problem.id: str(problem.meta[key]) for problem in self.problems} if key else {}
        baseline = next((arm.label for arm in self.arms if arm.label == "single"), self.arms[0].label)
        walls = self._walls(by_arm)
        rows = tuple(
            row_of(arm.label, arm.name, arm.config, by_arm[arm.label], by_arm[baseline], levels, walls[arm.label], self.spec.seed) for arm in self.arms
        )  # fmt: skip
        info = self.engine.info
        return Comparison(
            self.spec.task, info.model, info.name, len(self.problems), self.spec.seed, self.spec.budget.describe(), rows, self.spec.samples,
            self.preset.full_name, baseline, None if self.spec.out is None else str(self.spec.out), self._notes(), tuple(records),
        )  # fmt: skip

    def _notes(self) -> tuple[str, ...]:
        methods = [(arm.label, arm.method) for arm in self.arms]
        return tuple(untaught(methods, self.engine, self.engines, self.scorers, known_lessons()))

    def _walls(self, by_arm: Mapping[str, Sequence[Record]]) -> dict[str, float]:
        walls = {label: self.walls.get(label, 0.0) for label in by_arm}
        if MIXED in self.walls:
            busy = {label: sum(record.usage["seconds"] for record in records) for label, records in by_arm.items()}
            total = sum(busy.values()) or 1.0
            walls = {label: walls[label] + self.walls[MIXED] * busy[label] / total for label in by_arm}
        return walls


def level_key(problems: Sequence[Problem]) -> str | None:
    """The fact that reports group problems by: the first of `LEVEL_KEYS` that every problem has and that takes between 2 and 20 values."""
    for key in LEVEL_KEYS:
        if all(key in problem.meta for problem in problems) and 2 <= len({problem.meta[key] for problem in problems}) <= 20:
            return key
    return None


def versions() -> dict[str, str]:
    """What this run is made with."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}", "cpus": str(os.cpu_count())}
    for name in ("thinkwell", "torch", "transformers", "numpy", "math-verify"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def command_line() -> tuple[str, ...]:
    """The command as it was typed, for reports."""
    return ("thinkwell", *sys.argv[1:])
