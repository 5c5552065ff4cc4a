"""Runs in vLLM's own Python: python _vllm.py MODEL_FOLDER THREADS. Loads the model, then writes the workload once for every line on stdin, answering with seconds."""

from __future__ import annotations

import os
import sys
import time

folder, threads = sys.argv[1], int(sys.argv[2])
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GB; all 256 requests fit at once
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", f"0-{threads - 1}")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
os.environ["HF_HUB_OFFLINE"] = "1"
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever vLLM prints goes to stderr

from _workload import CONTEXT, REQUESTS, workload  # noqa: E402


def main() -> None:
    import vllm  # pyright: ignore[reportMissingImports]

    work = workload()
    llm = vllm.LLM(
        folder, skip_tokenizer_init=True, dtype="float32", max_model_len=CONTEXT, max_num_seqs=REQUESTS, enable_prefix_caching=False
    )
    prompts = [{"prompt_token_ids": prompt} for prompt in work.prompts]
    asked = [vllm.SamplingParams(temperature=1.0, max_tokens=length, ignore_eos=True, detokenize=False) for length in work.lengths]
    llm.generate(prompts[:32], asked[:32], use_tqdm=False)
    print("ready", vllm.__version__, file=answers, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        done = llm.generate(prompts, asked, use_tqdm=False)
        seconds = time.perf_counter() - start
        assert sum(len(one.outputs[0].token_ids) for one in done) == work.tokens
        print(seconds, file=answers, flush=True)


if __name__ == "__main__":
    main()
