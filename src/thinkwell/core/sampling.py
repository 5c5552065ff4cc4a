"""How the next token is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from thinkwell.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters of one request.

    temperature: 0 means greedy. Filters act on the tempered distribution in the order top_k, top_p, min_p (as vLLM and Hugging Face do);
    top_k=0, top_p=1 and min_p=0 switch them off.
    """

    temperature: float = 0.8
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        ranges = (("temperature", 0.0, 100.0), ("top_p", 0.0, 1.0), ("top_k", 0, 1 << 30), ("min_p", 0.0, 1.0))
        for name, low, high in ranges:
            value = getattr(self, name)
            if not low <= value <= high or (name == "top_p" and value == 0):
                raise ConfigError(f"sampling {name}={value} is out of range; expected {low} to {high}.")

    @property
    def greedy(self) -> bool:
        return self.temperature == 0


GREEDY = Sampling(temperature=0.0)
