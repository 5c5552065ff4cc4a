"""Token biases inside vLLM: a logits processor that reads a request's `thinkwell_bias_*` parameters (`vllm_xargs` of the HTTP API, `extra_args` of SamplingParams).

    vllm serve MODEL --logits-processors thinkwell.decoding.vllm:TokenBiasProcessor

`InstalledTokenBias` is the same through the entry point group `vllm.logits_processors`, found wherever this package is installed beside vLLM; it stands back where
the processor is named on the command line. Naming it is better: only then does vLLM hand a processor of its older interface the sampled ids under asynchronous
scheduling. Without the ids an end of thinking cannot be seen; such requests are left unbiased, and a warning says so once.

One class serves both of vLLM's model runners, as each refuses what is no subclass of its own interface: the older one by batch rows (`update_state`), the newer
one by request slots (`add_request`). Requests without our parameters cost nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from vllm.logger import init_logger
from vllm.v1.sample.logits_processor import LogitsProcessor, process_dict_updates

from thinkwell.core.errors import ConfigError
from thinkwell.decoding.token_bias import Clock, TokenBias, unwire

try:
    from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsProcessor as SlotProcessor
except ImportError:  # a vLLM from before the second model runner
    SlotProcessor = object

logger = init_logger("vllm.thinkwell.token_bias")
NAME = "thinkwell.decoding.vllm:TokenBiasProcessor"


class Follower:
    """One request's bias, read on as its tokens come. `read`: position up to which the path was read, the prompt's own part left out."""

    def __init__(self, bias: TokenBias) -> None:
        self.bias, self.read = bias, bias.start
        self.ids = torch.tensor(bias.ids)

    def take(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self.bias.push(token)
        self.read += len(tokens)

    def delta(self, unknown: int = 0) -> float | None:
        """The bias after `unknown` more tokens that were not told; None where it depends on them."""
        if not unknown:
            return self.bias.delta
        return None if self.bias.ends or self.bias.clock is Clock.THOUGHT else self.bias.bias.at(self.bias.t + unknown)

    def add(self, row_V: torch.Tensor, delta: float) -> None:
        if delta:
            self.ids = self.ids.to(row_V.device)
            row_V[self.ids] += delta


class TokenBiasProcessor(LogitsProcessor, SlotProcessor):
    """`place`: the device (older interface) or the shared state of all requests (newer one, which passes no third argument)."""

    def __init__(self, vllm_config: Any, place: Any, is_pin_memory: bool | None = None) -> None:
        self.requests: Any = place if is_pin_memory is None else None
        self.followers: dict[int, Any] = {}
        self.warned = False

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """Raises `ValueError` for parameters that do not fit: the server answers with status 400."""
        try:
            unwire(sampling_params.extra_args)
        except ConfigError as error:
            raise ValueError(str(error)) from None

    def is_argmax_invariant(self) -> bool:
        return False

    def apply(self, logits_NV: torch.Tensor, ctx: Any = None) -> torch.Tensor:
        if self.followers:
            if ctx is None:
                self._by_rows(logits_NV)
            else:
                self._by_slots(logits_NV, ctx)
        return logits_NV

    # ---- the older interface: rows of the batch -----------------------------------------------------------------------------

    def update_state(self, batch_update: Any) -> None:
        process_dict_updates(self.followers, batch_update, self._begin)

    def _begin(self, params: Any, prompt: Sequence[int] | None, output: list[int]) -> tuple[Follower, list[int]] | None:
        """`output` is the request's own list of sampled ids, which grows as it is written."""
        bias = unwire(params.extra_args, len(prompt or ()))
        if bias is None:
            return None
        follower = Follower(bias)
        follower.take(list(prompt or ())[bias.start :])
        follower.read = 0  # from here on a place in `output`
        return follower, output

    def _by_rows(self, logits_NV: torch.Tensor) -> None:
        for row, (follower, output) in self.followers.items():
            told = len(output)
            while told > follower.read and output[told - 1] < 0:  # placeholders of asynchronous scheduling
                told -= 1
            follower.take(output[follower.read : told])
            delta = follower.delta(len(output) - told)
            if delta is None:
                self._warn()
            else:
                follower.add(logits_NV[row], delta)

    # ---- the newer interface: slots of requests -----------------------------------------------------------------------------

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        self.followers.pop(req_idx, None)
        if unwire(sampling_params.extra_args) is not None:
            self.followers[req_idx] = sampling_params.extra_args  # the prompt's length is known when the request is first in the batch
        return req_idx in self.followers

    def _by_slots(self, logits_NV: torch.Tensor, ctx: Any) -> None:
        if not any(int(slot) in self.followers for slot in ctx.idx_mapping_np):
            return
        slots, places = ctx.expanded_idx_mapping.tolist(), ctx.pos.tolist()
        offsets, inputs = ctx.expanded_local_pos.tolist(), ctx.input_ids.tolist()
        drafted: TokenBias | None = None
        for row, slot in enumerate(slots):
            follower = self._follower(slot)
            if follower is None:
                continue
            if offsets[row] == 0:  # what was written; later rows of the request stand behind tokens drafted for it
                follower.take(self.requests.all_token_ids.gpu[slot, follower.read : places[row] + 1].tolist())
                drafted = None
            else:
                drafted = drafted or copy.deepcopy(follower.bias)
                drafted.push(inputs[row])
            follower.add(logits_NV[row], follower.bias.delta if drafted is None else drafted.delta)

    def _follower(self, slot: int) -> Follower | None:
        found = self.followers.get(slot)
        if isinstance(found, Mapping):
            bias = unwire(found, int(self.requests.prompt_len.np[slot]))
            found = self.followers[slot] = Follower(bias) if bias is not None else None
        return found

    def _warn(self) -> None:
        if not self.warned:
            self.warned = True
            logger.warning(
                "a request asks for a token bias that depends on the sampled ids, but vLLM does not tell them to installed processors under "
                "asynchronous scheduling: it is left unbiased. Start the server with --logits-processors %s.", NAME,
            )  # fmt: skip


class InstalledTokenBias(TokenBiasProcessor):
    """The entry point's: inert where the processor is named for this server, or each bias would count twice."""

    def __init__(self, vllm_config: Any, place: Any, is_pin_memory: bool | None = None) -> None:
        super().__init__(vllm_config, place, is_pin_memory)
        named = getattr(getattr(vllm_config, "model_config", None), "logits_processors", None) or ()
        self.inert = any(entry == NAME or entry is TokenBiasProcessor for entry in named)

    def apply(self, logits_NV: torch.Tensor, ctx: Any = None) -> torch.Tensor:
        return logits_NV if self.inert else super().apply(logits_NV, ctx)
