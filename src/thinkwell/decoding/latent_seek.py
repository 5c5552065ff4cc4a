"""Policy gradient on hidden states: the numbers behind LatentSeek (arXiv 2505.13308).

    z_t   the final hidden state that the head turns into the logits of token t: l_t = W z_t + b, p_t = softmax(l_t)
    J     = r * sum_t log p_t[x_t]                 x_t the tokens last decoded, positions independent, one sample, no baseline
    dJ/dz = r * (W[x_t] - sum_v p_t[v] W[v])       closed form: nothing but the head is touched, no graph is kept

Latents and optimiser state are float32 (float64 if the head is): in bfloat16 a step of 0.03 does not move a coordinate of size 20. With Adam the first step is
lr * sign(dJ/dz) whatever the size of r; with SGD it is lr * dJ/dz. As r <= 0, every step moves away from the tokens last decoded.

Axes: N latents, H hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError

BLOCK = 16384  # rows of the head turned to the latents' type at once: a large head is never held twice
BETAS = (0.9, 0.999)
EPSILON = 1e-8  # both as in torch.optim.Adam


@dataclass(frozen=True, slots=True)
class Head:
    """The language-model head: weight (V, H), bias (V,) or None."""

    weight_VH: Tensor
    bias_V: Tensor | None = None

    @property
    def dtype(self) -> torch.dtype:
        """Of latents and of everything computed from them."""
        return torch.float64 if self.weight_VH.dtype == torch.float64 else torch.float32

    def logits(self, z_NH: Tensor) -> Tensor:
        """(N, V)"""
        blocks = [z_NH.to(self.dtype) @ block.to(self.dtype).T for block in self.weight_VH.split(BLOCK)]
        logits_NV = torch.cat(blocks, -1)
        return logits_NV if self.bias_V is None else logits_NV + self.bias_V.to(self.dtype)


def log_likelihood(head: Head, z_NH: Tensor, tokens: Sequence[int]) -> Tensor:
    """sum_t log p_t[x_t]: J for r = 1, what `gradient` is the gradient of."""
    logprobs_NV = head.logits(z_NH).log_softmax(-1)
    return logprobs_NV.gather(1, torch.tensor(tokens, device=z_NH.device)[:, None]).sum()


def gradient(head: Head, z_NH: Tensor, tokens: Sequence[int], reward: float) -> Tensor:
    """dJ/dz (N, H) in closed form."""
    p_NV = head.logits(z_NH).softmax(-1)
    picked_NH = head.weight_VH[torch.tensor(tokens, device=z_NH.device)].to(head.dtype)
    mean_NH = torch.zeros_like(picked_NH)
    for start in range(0, p_NV.shape[1], BLOCK):
        mean_NH += p_NV[:, start : start + BLOCK] @ head.weight_VH[start : start + BLOCK].to(head.dtype)
    return reward * (picked_NH - mean_NH)


class Latents:
    """The free variables of one problem: states (N, H), an optimiser of their own, and the tokens last decoded from them.

    tokens: what the states decode to at first. banned: ids never decoded (end of text would end the answer in the middle of the prefix).
    """

    def __init__(
        self, states_NH: Tensor, head: Head, tokens: Sequence[int], *, lr: float, optimizer: str = "adam", banned: Collection[int] = ()
    ) -> None:
        if len(states_NH) != len(tokens):
            raise ConfigError(f"{len(states_NH)} states for {len(tokens)} tokens; expected one state a token.")
        if optimizer not in ("adam", "sgd"):
            raise ConfigError(f"optimizer {optimizer!r} is not known; expected adam or sgd.")
        self.head, self.lr, self.optimizer = head, lr, optimizer
        self.start_NH = states_NH.detach().to(head.dtype).clone()
        self.z_NH = self.start_NH.clone()
        self.tokens = list(tokens)
        self.banned = sorted(banned)
        self.steps = 0
        self._mean_NH, self._square_NH = torch.zeros_like(self.z_NH), torch.zeros_like(self.z_NH)

    @torch.no_grad()
    def ascend(self, reward: float) -> None:
        """One step up J. A reward of zero has no gradient (and with Adam still moves on by what it remembers)."""
        slope_NH = gradient(self.head, self.z_NH, self.tokens, reward)
        self.steps += 1
        if self.optimizer == "sgd":
            self.z_NH += self.lr * slope_NH
            return
        first, second = BETAS
        self._mean_NH = first * self._mean_NH + (1 - first) * slope_NH
        self._square_NH = second * self._square_NH + (1 - second) * slope_NH**2
        mean_NH = self._mean_NH / (1 - first**self.steps)
        square_NH = self._square_NH / (1 - second**self.steps)
        self.z_NH += self.lr * mean_NH / (square_NH.sqrt() + EPSILON)

    @torch.no_grad()
    def shake(self, variance: float, seed: int) -> None:
        """The first states with Gaussian noise added: the unguided control."""
        noise_NH = torch.randn(self.z_NH.shape, generator=torch.Generator().manual_seed(seed), dtype=self.z_NH.dtype)
        self.z_NH = self.start_NH + variance**0.5 * noise_NH.to(self.z_NH.device)

    @torch.no_grad()
    def decode(self, temperature: float = 0.0, seed: int = 0) -> int:
        """Decodes the states to tokens, greedily or sampled. Returns how many tokens changed."""
        logits_NV = self._allowed()
        if temperature == 0:
            tokens = logits_NV.argmax(-1).tolist()
        else:
            generator = torch.Generator().manual_seed(seed)
            tokens = torch.multinomial((logits_NV / temperature).softmax(-1).cpu(), 1, generator=generator)[:, 0].tolist()
        changed = sum(old != new for old, new in zip(self.tokens, tokens, strict=True))
        self.tokens = tokens
        return changed

    @torch.no_grad()
    def second_best(self) -> list[int]:
        """The likeliest token of each position but for the one it holds: what a perturbation of tokens puts there."""
        logits_NV = self._allowed()
        logits_NV[torch.arange(len(self.tokens)), self.tokens] = -torch.inf
        return [int(token) for token in logits_NV.argmax(-1).tolist()]

    def _allowed(self) -> Tensor:
        logits_NV = self.head.logits(self.z_NH)
        if self.banned:
            logits_NV[:, self.banned] = -torch.inf
        return logits_NV
