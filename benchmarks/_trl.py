"""TRL's side of the training benchmark, in its own Python: waits for a line, makes one GRPO step, prints a line of JSON.

    python benchmarks/_trl.py WORK.json ROUNDS THREADS MICRO [MICRO ...]

A step is what its `GRPOTrainer` does between the events step_begin and step_end: it writes the samples with `generate`, grades them, and makes one optimiser step. Its options are
those of our step; gradient checkpointing, which is on by default and costs time, is off; the micro-batch is the fastest of several.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

from _training_work import BETAS, CLIP, RATE, SIZE, TEMPERATURE, Work, parity  # noqa: E402


class Lengths:
    """A logits processor: row i ends with its length-th token, and not before."""

    def __init__(self, lengths: list[int], eos: int) -> None:
        import torch

        self.last, self.eos, self.first = torch.tensor(lengths) - 1, eos, None

    def __call__(self, ids: Any, scores: Any) -> Any:
        if self.first is None:
            self.first = ids.shape[1]
        ends = self.last == ids.shape[1] - self.first
        scores[:, self.eos] = float("-inf")
        if bool(ends.any()):
            scores[ends] = float("-inf")
            scores[ends, self.eos] = 0.0
        return scores


def trainer_of(work: Work, micro: int, steps: int, callback: Any, spent: dict[str, float]) -> Any:
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    from thinkwell.training import trl as bridge

    def odd(completion_ids: list[list[int]], **_: object) -> list[float]:
        return [parity(len(ids)) for ids in completion_ids]

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(work.model)
    model = AutoModelForCausalLM.from_pretrained(work.model, dtype=torch.float32)
    plain = model.generate

    def generate(*args: Any, **more: Any) -> Any:
        began = time.perf_counter()
        written = plain(*args, **more, logits_processor=[Lengths(work.lengths, int(tokenizer.eos_token_id))])
        spent["generate"] = time.perf_counter() - began
        return written

    model.generate = generate
    args = GRPOConfig(
        output_dir=tempfile.mkdtemp(), use_cpu=True, bf16=False, seed=0, report_to="none", save_strategy="no", logging_steps=1000, disable_tqdm=True,
        max_steps=steps, per_device_train_batch_size=micro, gradient_accumulation_steps=len(work.lengths) // micro, num_generations=SIZE,
        max_completion_length=max(work.lengths), temperature=TEMPERATURE, top_k=0, learning_rate=RATE, lr_scheduler_type="constant", adam_beta1=BETAS[0],
        adam_beta2=BETAS[1], weight_decay=0.0, max_grad_norm=CLIP, loss_type="grpo", beta=0.0, gradient_checkpointing=False, shuffle_dataset=False,
    )  # fmt: skip
    rows = [{"prompt": messages, "answer": answer} for messages, answer in work.questions]
    return GRPOTrainer(
        model=model, processing_class=tokenizer, args=args, train_dataset=Dataset.from_list(rows), callbacks=[callback],
        reward_funcs=[bridge.graded("integer"), odd],
    )  # fmt: skip


def main(file: str, rounds: int, threads: int, micros: list[int]) -> None:
    import torch
    import trl
    from transformers import TrainerCallback

    torch.set_num_threads(threads)
    out = sys.stdout
    sys.stdout = sys.stderr  # whatever the libraries print is no answer
    work = Work.read(Path(file))
    spent: dict[str, float] = {}

    class Steps(TrainerCallback):
        def __init__(self, *, asks: bool) -> None:
            self.asks, self.began, self.cpu, self.trainer = asks, 0.0, 0.0, None

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: object) -> None:
            if self.asks and not sys.stdin.readline():
                raise SystemExit
            self.began, self.cpu = time.perf_counter(), time.process_time()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: object) -> None:
            spent["seconds"], spent["cpu_seconds"] = time.perf_counter() - self.began, time.process_time() - self.cpu
            if self.asks:
                assert self.trainer is not None
                seen = self.trainer._metrics["train"]
                lengths = {"mean": seen["completions/mean_length"][-1], "longest": seen["completions/max_length"][-1]}
                print(json.dumps(spent | lengths), file=out, flush=True)

    def seconds(micro: int) -> float:
        trainer_of(work, micro, 1, Steps(asks=False), spent).train()
        return spent["seconds"]

    possible = [micro for micro in micros if len(work.lengths) % micro == 0] or [len(work.lengths)]
    timed = {micro: seconds(micro) for micro in possible} if len(possible) > 1 else {possible[0]: 0.0}
    micro = min(timed, key=lambda size: timed[size])
    callback = Steps(asks=True)
    callback.trainer = trainer_of(work, micro, rounds, callback, spent)
    print(json.dumps({"version": trl.__version__, "micro": micro, "tried": timed}), file=out, flush=True)
    callback.trainer.train()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(micro) for micro in sys.argv[4:]])
