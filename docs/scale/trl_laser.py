"""LASER's reward, GRPO's advantage and GPPO's loss in TRL; see docs/scale.md.

accelerate launch --config_file docs/scale/accelerate_fsdp.yaml docs/scale/trl_laser.py --model ORG/NAME --data train.jsonl --out runs/laser

Each line of the data: {"prompt": [{"role": "user", "content": "..."}], "answer": "42"}.
"""

import argparse

from datasets import load_dataset
from trl import GRPOConfig

from thinkwell.training.advantages import grpo
from thinkwell.training.losses import gppo
from thinkwell.training.rewards import laser
from thinkwell.training.trl import Algorithm, graded, trainer_class

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--steps", type=int, default=500)
parser.add_argument("--length", type=int, default=8192, help="tokens of a completion")
parser.add_argument("--target", type=int, default=4096, help="tokens within which a right answer earns LASER's bonus")
parser.add_argument("--generations", type=int, default=8, help="completions of a prompt")
parser.add_argument("--kind", default="math", help="of the answers: math, integer, choice, label or span")
parser.add_argument("--vllm", action="store_true", help="generate with vLLM on the training GPUs")
parser.add_argument("--cpu", action="store_true", help="a trial on a CPU")
options = parser.parse_args()

args = GRPOConfig(
    output_dir=options.out,
    max_steps=options.steps,
    learning_rate=1e-6,
    per_device_train_batch_size=4,
    gradient_accumulation_steps=1 if options.cpu else 8,
    num_generations=options.generations,
    max_completion_length=options.length,
    gradient_checkpointing=not options.cpu,
    bf16=not options.cpu,
    use_cpu=options.cpu,
    use_vllm=options.vllm,
    vllm_mode="colocate",
    logging_steps=1,
    save_steps=50,
    report_to="none",
)
trainer = trainer_class()(
    model=options.model,
    args=args,
    train_dataset=load_dataset("json", data_files=options.data, split="train"),
    reward_funcs=[graded(options.kind)],
    algorithm=Algorithm(
        reward=laser,
        reward_knobs={"target": options.target, "alpha": 0.5},
        advantage=grpo,
        loss=gppo,
        loss_knobs={"eps_low": 0.2, "eps_high": 0.28, "aggregation": "token-mean"},
    ),
)
trainer.train()
trainer.save_model()
