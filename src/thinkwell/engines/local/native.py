"""Compiles and loads `kernels.c`, once a machine, if a C compiler is there. Without one everything still runs, on torch operations.

Set THINKWELL_NATIVE=0 to do without. The library lies in the user's cache folder, named by the hash of its source and of the processor's features.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("kernels.c")
INCLUDED = [Path(__file__).with_name(name) for name in ("tables.c", "steps.c", "causal.c")]
# No -ffast-math: it would drop infinities (forbidden tokens) and switch off denormals in the whole process.
FLAGS = (
    "-O3",
    "-march=native",
    "-std=c11",
    "-fPIC",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-signed-zeros",
    "-fassociative-math",
    "-freciprocal-math",
    "-ffp-contract=fast",
)
MAX_GROUP, MAX_DIM = 16, 256
CAUSAL_DIMS = (32, 64, 96, 128)  # head sizes of `causal_forward` and `causal_backward`
PANEL = 32  # rows of a packed weight that lie together

_POINTER, _INT, _FLOAT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
SIGNATURES = {
    "rms": [_POINTER] * 3 + [_INT] * 2 + [_FLOAT],
    "silu_mul": [_POINTER] * 2 + [_INT] * 2,
    "linear": [_POINTER] * 4 + [_INT] * 4,
    "attend": [_POINTER] * 10 + [_INT] * 7 + [_FLOAT],
    "draw": [_POINTER] * 6 + [_INT] * 2,
    "attend_trees": [_POINTER] * 12 + [_INT] * 7 + [_FLOAT],
    "move_places": [_POINTER] * 4 + [_INT] * 7,
    "table_new": [_INT] * 4,
    "table_free": [_POINTER],
    "table_learn": [_POINTER] * 5 + [_INT] * 3,
    "table_propose": [_POINTER] * 11 + [_INT] * 3 + [_FLOAT],
    "table_walk": [_POINTER] * 7 + [_INT] * 2,
    "causal_forward": [_POINTER] * 6 + [_INT] * 4 + [_FLOAT],
    "causal_backward": [_POINTER] * 10 + [_INT] * 4 + [_FLOAT],
    "step_propose": [_POINTER] * 9 + [_INT] * 4 + [_FLOAT],
    "step_settle": [_POINTER] * 13 + [_INT] * 10,
}
RESULTS = {"table_new": _POINTER, "step_propose": _INT}


class Native:
    """The compiled kernels on contiguous float32 CPU tensors."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, arguments in SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, RESULTS.get(name)
        self.library = library
        kernels = ("rms", "silu_mul", "linear", "attend", "draw", "attend_trees", "move_places")
        self._rms, self._silu_mul, self._linear, self._attend, self._draw, self._attend_trees, self._move_places = (
            getattr(library, name) for name in kernels
        )

    def rms(self, x_MH: Tensor, weight_H: Tensor, eps: float) -> Tensor:
        out_MH = torch.empty_like(x_MH)
        self._rms(x_MH.data_ptr(), weight_H.data_ptr(), out_MH.data_ptr(), x_MH.shape[0], x_MH.shape[1], eps)
        return out_MH

    def silu_mul(self, gate_up_M2F: Tensor) -> Tensor:
        rows, width = gate_up_M2F.shape[0], gate_up_M2F.shape[1] // 2
        out_MF = gate_up_M2F.new_empty((rows, width))
        self._silu_mul(gate_up_M2F.data_ptr(), out_MF.data_ptr(), rows, width)
        return out_MF

    def linear(self, x_MK: Tensor, packed: Tensor, width: int, add: Tensor | None = None) -> Tensor:
        """x W^T + add, (M, width). packed: W as `pack` gives it. add: (M, width), or (width,) for every row."""
        rows, inner = x_MK.shape
        out = x_MK.new_empty((rows, width))
        stride = 0 if add is None or add.dim() == 1 else width
        self._linear(
            x_MK.data_ptr(), packed.data_ptr(), None if add is None else add.data_ptr(), out.data_ptr(), rows, inner, width, stride
        )
        return out

    def attend(
        self, qkv: Tensor, norms: tuple[Tensor, Tensor] | None, rope: tuple[Tensor, Tensor], keys_NKTD: Tensor, values_NKTD: Tensor, positions_M: Tensor,
        rows_M: Tensor, heads: int, window: int | None, eps: float,
    ) -> Tensor:  # fmt: skip
        """One new token of some of the rows: writes its keys and values at `positions_M` of `rows_M` and returns what its heads attend to, (M, A D)."""
        count, (_, kv_heads, _, dim) = qkv.shape[0], keys_NKTD.shape
        out = qkv.new_empty((count, heads * dim))
        norm_q, norm_k = (norms[0].data_ptr(), norms[1].data_ptr()) if norms else (None, None)
        self._attend(
            qkv.data_ptr(), norm_q, norm_k, rope[0].data_ptr(), rope[1].data_ptr(), keys_NKTD.data_ptr(), values_NKTD.data_ptr(), positions_M.data_ptr(),
            rows_M.data_ptr(), out.data_ptr(), count, heads, kv_heads, dim, keys_NKTD.stride(0), keys_NKTD.stride(1), window or 0, eps,
        )  # fmt: skip
        return out

    def attend_trees(
        self, qkv: Tensor, norms: tuple[Tensor, Tensor] | None, rope: tuple[Tensor, Tensor], keys_NKTD: Tensor, values_NKTD: Tensor, positions_M: Tensor,
        rows_M: Tensor, places_M: Tensor, parents_M: Tensor, heads: int, window: int | None, eps: float,
    ) -> Tensor:  # fmt: skip
        """Trees of new tokens after the rows: writes their keys and values at `places_M` and returns what their heads attend to, (M, A D)."""
        count, (_, kv_heads, _, dim) = qkv.shape[0], keys_NKTD.shape
        out = qkv.new_empty((count, heads * dim))
        norm_q, norm_k = (norms[0].data_ptr(), norms[1].data_ptr()) if norms else (None, None)
        self._attend_trees(
            qkv.data_ptr(), norm_q, norm_k, rope[0].data_ptr(), rope[1].data_ptr(), keys_NKTD.data_ptr(), values_NKTD.data_ptr(), positions_M.data_ptr(),
            rows_M.data_ptr(), places_M.data_ptr(), parents_M.data_ptr(), out.data_ptr(),
            count, heads, kv_heads, dim, keys_NKTD.stride(0), keys_NKTD.stride(1), window or 0, eps,
        )  # fmt: skip
        return out

    def move_places(self, data: Tensor, rows_I: Tensor, from_I: Tensor, to_I: Tensor) -> None:
        """Copies cached positions within their rows, one after the other. data: (L, 2, N, K, T, D)."""
        layers, two, _, kv_heads, _, dim = data.shape
        self._move_places(
            data.data_ptr(), rows_I.data_ptr(), from_I.data_ptr(), to_I.data_ptr(), len(rows_I), layers * two, data.stride(1), kv_heads, dim, data.stride(2), data.stride(3)
        )  # fmt: skip

    def causal_forward(self, q_NHD: Tensor, k_NKD: Tensor, v_NKD: Tensor, runs_R4: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        """What the tokens of some runs attend to, (N, H, D), and the log of the sum of their exponentials, (N, H); zeros for tokens of no run. See causal.c."""
        out_NHD, lse_NH = torch.zeros_like(q_NHD), q_NHD.new_zeros(q_NHD.shape[:2])
        tensors = (q_NHD, k_NKD, v_NKD, out_NHD, lse_NH, runs_R4)
        sizes = (len(runs_R4), q_NHD.shape[1], k_NKD.shape[1], q_NHD.shape[2])
        self.library.causal_forward(*(tensor.data_ptr() for tensor in tensors), *sizes, scale)
        return out_NHD, lse_NH

    def causal_backward(
        self, q_NHD: Tensor, k_NKD: Tensor, v_NKD: Tensor, out_NHD: Tensor, lse_NH: Tensor, slope_NHD: Tensor, runs_R4: Tensor, scale: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of q, k and v from that of `causal_forward`'s first result."""
        slopes = torch.zeros_like(q_NHD), torch.zeros_like(k_NKD), torch.zeros_like(v_NKD)
        tensors = (q_NHD, k_NKD, v_NKD, out_NHD, lse_NH, slope_NHD, *slopes, runs_R4)
        sizes = (len(runs_R4), q_NHD.shape[1], k_NKD.shape[1], q_NHD.shape[2])
        self.library.causal_backward(*(tensor.data_ptr() for tensor in tensors), *sizes, scale)
        return slopes

    def draw(
        self, logits_MV: Tensor, temperature_N1: Tensor, keys_N4: Tensor, positions_M: Tensor, owners_M: Tensor | None = None
    ) -> Tensor:
        """One token a row of logits (M,), with the noise and temperature of its owner; by default each row owns itself."""
        tokens_M = torch.empty_like(positions_M)
        owners = None if owners_M is None else owners_M.data_ptr()
        self._draw(
            logits_MV.data_ptr(),
            temperature_N1.data_ptr(),
            keys_N4.data_ptr(),
            positions_M.data_ptr(),
            owners,
            tokens_M.data_ptr(),
            *logits_MV.shape,
        )
        return tokens_M


def pack(weight_NK: Tensor) -> Tensor:
    """A weight for `Native.linear`: panels of `PANEL` rows, (P, K, PANEL), filled up with zeros."""
    rows, inner = weight_NK.shape
    panels = -(-rows // PANEL)
    full = weight_NK.new_zeros((panels * PANEL, inner))
    full[:rows] = weight_NK
    return full.view(panels, PANEL, inner).transpose(1, 2).contiguous()


def native_for(device: torch.device, dtype: torch.dtype, heads: int = 1, kv_heads: int = 1, head_dim: int = 2) -> Native | None:
    """The kernels, if they cover this device, type and shape."""
    fits = heads // kv_heads <= MAX_GROUP and head_dim <= MAX_DIM and head_dim % 2 == 0
    return load_native() if device.type == "cpu" and dtype == torch.float32 and fits else None


@cache
def load_native() -> Native | None:
    compiler = os.environ.get("CC") or next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if os.environ.get("THINKWELL_NATIVE") == "0" or compiler is None:
        return None
    # Threads first; where the OpenMP runtime of torch cannot be shared, one thread.
    for threads in (("-fopenmp",), ()):
        try:
            return Native(ctypes.CDLL(str(_compiled(compiler, (*FLAGS, *threads)))))
        except (OSError, subprocess.SubprocessError, AttributeError):
            continue
    return None


def _compiled(compiler: str, flags: tuple[str, ...]) -> Path:
    """The library for this source, compiler call and processor; compiled if it is not in the cache."""
    identity = "\0".join([*(file.read_text() for file in (SOURCE, *INCLUDED)), compiler, *flags, platform.machine(), _processor()])
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "thinkwell"
    target = folder / f"kernels-{hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()}.so"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # Linked without OpenMP's library: its symbols are torch's, so both share one pool of threads.
        objects, library = Path(scratch) / "kernels.o", Path(scratch) / "kernels.so"
        subprocess.run([compiler, *flags, "-c", str(SOURCE), "-o", str(objects)], check=True, capture_output=True, timeout=120)
        subprocess.run([compiler, "-shared", str(objects), "-o", str(library), "-lm"], check=True, capture_output=True, timeout=120)
        library.replace(target)  # in one step: two processes may compile at once
    return target


def _processor() -> str:
    """What -march=native depends on, as a home folder may be shared between machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return platform.processor()
