"""Advantages of policy-gradient training as pure functions: who did better than expected, token by token.

Every estimator is called `estimator(rewards, mask, group_ids, **knobs) -> advantages (B, T)`; those that need no groups take and ignore
`group_ids`, so that a recipe changes its estimator by changing one name. B samples, T tokens.

- `rewards`: floats, (B,) one a sample; where a function says so also (B, T), one a token. The result has their dtype and no gradient.
- `mask`: bool, (B, T), the tokens that the policy wrote and is trained on. Advantages are zero outside, whatever lies there (NaN too).
- `group_ids`: whole numbers, (B,), the same for samples of one prompt. Groups may interleave, be of any size and in any order. A sample
  without a token in the mask still counts in its group's mean and std: its reward was earned.
- `preset`: "paper" (default), "trl" or "verl", the conventions of that source; a knob that is given wins over the preset's value.

Groups (and batches, where tokens are whitened) must be whole in a call: statistics of a part are other statistics. A group of equal rewards
gives exactly zero. Wrong shapes, dtypes, rewards that are not finite, unknown presets and knobs out of range raise `ConfigError`.

Numbers of TRL, verl, OpenRLHF and NeMo-RL are those of their sources in 2026. `[recalled]` and `[inferred]` mark what no source at hand says.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError

from . import _advantage_conventions as conventions
from . import _statistics as stat
from ._advantage_conventions import Bootstrap, EpsAt, Gaps, Scale, Singles, Std, Whiten
from ._conventions import finite, pick


class Estimates(NamedTuple):
    """What a method with a critic trains on: advantages for the actor, targets for the values, both (B, T) and zero outside the mask."""

    advantages: Tensor
    targets: Tensor


def token_rewards(rewards: Tensor, mask: Tensor, *, kl: Tensor | None = None, beta: float = 0.0) -> Tensor:
    """Rewards of tokens (B, T): the sample's reward at its last token, minus beta times the KL estimate of every token.

    This is the KL-in-reward of RLHF, PPO and REINFORCE++: `kl` (B, T) is k1 = log pi_old - log pi_ref, `beta` at least 0 (REINFORCE++ 1e-3
    to 1e-2, verl .001). Rewards of tokens (B, T) are taken as well. Raises `ConfigError`.
    """
    finite("beta", beta)
    batch = stat.checked(rewards, mask, tokens=True)
    placed = stat.at_last_token(batch.rewards, mask)
    if kl is None:
        return placed
    if kl.shape != mask.shape:
        raise ConfigError(f"kl has shape {tuple(kl.shape)}; expected the mask's, {tuple(mask.shape)}. Pass one estimate a token.")
    return torch.where(mask, placed - beta * kl.detach(), 0.0)


def reinforce(
    rewards: Tensor,
    mask: Tensor,
    group_ids: Tensor | None = None,
    *,
    preset: str = "paper",
    gamma: float | None = None,
    gaps: Gaps | None = None,
) -> Tensor:
    """REINFORCE (Williams, 1992): A_t = sum over k >= t of gamma^(k-t) r_k, along the tokens of the mask; no baseline.

    `rewards` (B,), earned at the last token, or (B, T). `gamma` from 0 to 1 (all presets: 1). `gaps`: tokens outside the mask between tokens
    inside, such as a tool's output, are skipped ("skip", all presets), or set the return back to zero ("reset", see `reinforce_pp`).
    """
    how = pick("reinforce", conventions.DISCOUNT, preset, gamma=gamma, gaps=gaps)
    batch = stat.checked(rewards, mask, tokens=True)
    steps = stat.at_last_token(batch.rewards, mask)
    return stat.sum_to_go(steps, mask, steps.new_full((len(steps),), how.gamma), how.gaps)


def rloo(rewards: Tensor, mask: Tensor, group_ids: Tensor, *, preset: str = "paper", singles: Singles | None = None) -> Tensor:
    """REINFORCE leave-one-out (arXiv 2402.14740, eq. 8): A_i = R_i - mean of the other rewards of the group = G/(G-1) (R_i - mean).

    `rewards` (B,); TRL's RLOO takes the KL off the reward before (beta .05 times the sum of k1 over tokens): do so in `rewards`.
    `singles`: a group of one has no others; it gives 0 ("zero": paper [inferred], TRL, verl's `rloo_vectorized`) or its reward ("raw":
    verl's `rloo`).
    """
    how = pick("rloo", conventions.CENTRING, preset, singles=singles)
    batch = stat.checked(rewards, mask, group_ids, grouped=True)
    size = stat.group_size(batch, batch.rewards)
    centred = stat.group_centred(batch.rewards, batch, raw_singles=how.singles == "raw")
    return stat.broadcast(torch.where(size == 1, centred, centred * size / (size - 1).clamp_min(1)), mask)


def grpo(
    rewards: Tensor,
    mask: Tensor,
    group_ids: Tensor,
    *,
    preset: str = "paper",
    scale: Scale | None = None,
    std: Std | None = None,
    eps: float | None = None,
    singles: Singles | None = None,
) -> Tensor:
    """GRPO (DeepSeekMath, arXiv 2402.03300, section 4.1.2): A_i = (R_i - mean of the group) / (std of the group + eps), the same at every token.

    | knob | paper | TRL | verl |
    |---|---|---|---|
    | `scale`: divide by the std of the "group", of the raw rewards of the whole "batch", or by nothing ("none") | group | group | group |
    | `std`: "population" (over G) or "sample" (over G - 1) | population [inferred] | sample | sample |
    | `eps`, at least 0, added to the std | 0 | 1e-4 | 1e-6 |
    | `singles`: a group of one gives 0 ("zero") or its reward, as if mean 0 and std 1 ("raw") | zero [inferred] | zero | raw |

    OpenRLHF's `group_norm` is the sample std with eps 1e-9. With eps 0 a group (or batch) of equal rewards still gives 0. `rewards` (B,).
    """
    how = pick("grpo", conventions.GROUP_NORM, preset, scale=scale, std=std, eps=eps, singles=singles)
    batch = stat.checked(rewards, mask, group_ids, grouped=True)
    centred = stat.group_centred(batch.rewards, batch, raw_singles=how.singles == "raw")
    if how.scale == "none":
        return stat.broadcast(centred, mask)
    spread_of = stat.group_std if how.scale == "group" else stat.batch_std
    spread = spread_of(batch.rewards, batch, sample=how.std == "sample")
    normed = centred / torch.where(centred == 0, 1.0, spread + how.eps)  # 0/0 of equal rewards is 0
    return stat.broadcast(torch.where(torch.isfinite(normed), normed, centred), mask)


def dr_grpo(rewards: Tensor, mask: Tensor, group_ids: Tensor, *, preset: str = "paper", singles: Singles | None = None) -> Tensor:
    """Dr. GRPO (arXiv 2503.20783): A_i = R_i - mean of the group, without the std, which weighs up prompts that are nearly all right or wrong.

    The other half of the method is the loss's constant normaliser (`thinkwell.training.losses.aggregate`). TRL: `scale_rewards="none"`;
    verl: `norm_adv_by_std_in_grpo=False`. `singles`: a group of one gives 0 ("zero": paper, TRL) or its reward ("raw": verl).
    """
    how = pick("dr_grpo", conventions.CENTRING, preset, singles=singles)
    batch = stat.checked(rewards, mask, group_ids, grouped=True)
    return stat.broadcast(stat.group_centred(batch.rewards, batch, raw_singles=how.singles == "raw"), mask)


def s_grpo(rewards: Tensor, mask: Tensor, group_ids: Tensor, *, preset: str = "paper", singles: Singles | None = None) -> Tensor:
    """S-GRPO (arXiv 2505.07686): A_i = r_i - mean over the serial group, no std, the same at all tokens of a member.

    A serial group is one path and its early exits; `rewards` (B,) are the decayed ones, 2^-(number of correct exits before) if correct, else 0
    (`thinkwell.training.rewards.decaying_exit`). The members of a group need not be equally many: a path too short has fewer exits. A correct
    but late exit often has a negative advantage; that is meant. Which tokens are trained (all, as in the paper's sum; or only what follows
    the cut) is the mask's to say. The formula is that of `dr_grpo`; TRL and verl have no S-GRPO, their presets differ in `singles` alone.
    """
    how = pick("s_grpo", conventions.CENTRING, preset, singles=singles)
    return dr_grpo(rewards, mask, group_ids, singles=how.singles)


def reinforce_pp(
    rewards: Tensor,
    mask: Tensor,
    group_ids: Tensor | None = None,
    *,
    preset: str = "paper",
    gamma: float | None = None,
    gaps: Gaps | None = None,
    whiten: Whiten | None = None,
    eps: float | None = None,
    eps_at: EpsAt | None = None,
) -> Tensor:
    """REINFORCE++ (arXiv 2501.03262): the return to go of token rewards, whitened over all tokens of the batch.

    `rewards` (B,), or (B, T) with the KL taken off (`token_rewards`). `gamma` from 0 to 1 (1). `whiten`: "sample" std (paper [inferred], verl,
    and TRL's PPO for "trl"), "population" (preset "openrlhf", the authors' code), "mean" (the shift alone; OpenRLHF's `no_std_norm`) or "off".
    `eps` (1e-8) is added to the "variance", is its "floor" (openrlhf) or is added to the "std", as `eps_at` says. `gaps`: verl's
    recursion forgets the return at every token outside the mask ("reset"), so that what precedes a tool's output is not credited with the
    final reward; the others skip the gap ("skip").
    """
    how = pick("reinforce_pp", conventions.PLUS_PLUS_DISCOUNT, preset, gamma=gamma, gaps=gaps)
    white = pick("reinforce_pp", conventions.PLUS_PLUS_WHITENING, preset, whiten=whiten, eps=eps, eps_at=eps_at)
    return stat.whitened(reinforce(rewards, mask, gamma=how.gamma, gaps=how.gaps), mask, white)


def reinforce_pp_baseline(
    rewards: Tensor,
    mask: Tensor,
    group_ids: Tensor,
    *,
    preset: str = "paper",
    singles: Singles | None = None,
    whiten: Whiten | None = None,
    eps: float | None = None,
    eps_at: EpsAt | None = None,
) -> Tensor:
    """REINFORCE++-baseline (arXiv 2501.03262): R_i - mean of the group at every token, then whitened over all tokens of the batch.

    For several samples a prompt. Long samples weigh more in the whitening, as they have more tokens. `rewards` (B,). `singles` as in
    `dr_grpo` (verl "raw"); `whiten`, `eps`, `eps_at` and the preset "openrlhf" as in `reinforce_pp`.
    """
    how = pick("reinforce_pp_baseline", conventions.PLUS_PLUS_CENTRING, preset, singles=singles)
    white = pick("reinforce_pp_baseline", conventions.PLUS_PLUS_WHITENING, preset, whiten=whiten, eps=eps, eps_at=eps_at)
    return stat.whitened(dr_grpo(rewards, mask, group_ids, singles=how.singles), mask, white)


def gae(
    rewards: Tensor,
    mask: Tensor,
    group_ids: Tensor | None = None,
    *,
    values: Tensor,
    truncated: Tensor | None = None,
    bootstrap_values: Tensor | None = None,
    preset: str = "paper",
    gamma: float | None = None,
    lam: float | Tensor | None = None,
    gaps: Gaps | None = None,
    whiten: Whiten | None = None,
    eps: float | None = None,
    eps_at: EpsAt | None = None,
) -> Tensor:
    """Generalised advantage estimation (arXiv 1506.02438, eq. 16): A_t = delta_t + gamma lam A_t+1, delta_t = r_t + gamma V_t+1 - V_t.

    `rewards` (B,), earned at the last token, or (B, T). `values` (B, T): V before the token is written, as a critic gives them.

    How a response ended is said, not guessed. Terminated (the default): V after the last token is 0. `truncated` (B,) bool marks those that
    were cut; for these V after the last token is their entry of `bootstrap_values` (B,), the critic's output after the cut. TRL, verl and
    OpenRLHF take every end for terminal, which teaches that long responses are worth nothing; with `truncated` this cannot happen unseen, for
    it is refused without bootstrap values.

    `gamma`, `lam` from 0 to 1 (gamma 1 everywhere; lam: paper and TRL .95 [recalled], verl 1); `lam` may be (B,), one a sample, of at most 1.
    `gaps`: tokens outside the mask between tokens inside are skipped, the next value and the running sum are carried over ("skip": paper
    [inferred], verl), or they are steps like others, whose values and rewards are read ("step": TRL). `whiten`, `eps`, `eps_at` as in
    `reinforce_pp`; paper "off", TRL's PPO and verl "sample" with 1e-8 added to the variance.
    """
    white = pick("gae", conventions.GAE_WHITENING, preset, whiten=whiten, eps=eps, eps_at=eps_at)
    tail = _tail(mask, truncated, bootstrap_values)
    raw = _residual_sums("gae", rewards, mask, values, tail, preset=preset, gamma=gamma, lam=lam, gaps=gaps)
    return stat.whitened(raw, mask, white)


def value_targets(
    rewards: Tensor,
    mask: Tensor,
    group_ids: Tensor | None = None,
    *,
    values: Tensor,
    truncated: Tensor | None = None,
    bootstrap_values: Tensor | None = None,
    preset: str = "paper",
    gamma: float | None = None,
    lam: float | Tensor = 1.0,
    gaps: Gaps | None = None,
) -> Tensor:
    """What the critic regresses to (B, T): GAE's advantage, not whitened, plus the value; zero outside the mask.

    `lam` 1 (the default) is the Monte-Carlo return, which does not depend on the values of terminated responses: VAPO's and T-PPO's choice
    (T-PPO trains its critic on finished responses only: pass these alone, with a mask of all their tokens). PPO takes the actor's `lam`.
    The other knobs are those of `gae`.
    """
    tail = _tail(mask, truncated, bootstrap_values)
    raw = _residual_sums("value_targets", rewards, mask, values, tail, preset=preset, gamma=gamma, lam=lam, gaps=gaps)
    return torch.where(mask, raw + values.detach().to(raw.dtype), 0.0)


def egae(
    rewards: Tensor,
    mask: Tensor,
    group_ids: Tensor | None = None,
    *,
    values: Tensor,
    finished: Tensor,
    bootstrap: Bootstrap | None = None,
    bootstrap_values: Tensor | None = None,
    preset: str = "paper",
    gamma: float | None = None,
    lam: float | Tensor | None = None,
    gaps: Gaps | None = None,
    whiten: Whiten | None = None,
    eps: float | None = None,
    eps_at: EpsAt | None = None,
) -> Tensor:
    """EGAE of T-PPO (arXiv 2506.15050, eq. 6): GAE over a window, for responses that are not finished too.

    `mask`: the tokens of this window. `finished` (B,) bool: the response ends in the window; then EGAE is GAE. Otherwise the sum runs to the
    cut l, and V(s_l) is, as `bootstrap` says: "hold", the value before the last token (paper; with gamma 1 the last token's advantage is 0
    and with lam 1 A_t = V(s_l-1) - V(s_t)); "critic", its entry of `bootstrap_values` (B,), the textbook's bootstrap; "zero", which is what
    the GAE of TRL and verl does with such a response (their presets), and pushes long responses down.

    `rewards` (B,): entries of unfinished responses are not known yet and not read. Rewards of tokens (B, T) are read everywhere, for they may
    hold a KL. A response cut at the greatest length counts as finished [inferred]. `lam` .95 [recalled, VC-PPO], `gamma` 1; no whitening
    [inferred]; knobs as in `gae`.
    """
    end = pick("egae", conventions.WINDOW_END, preset, bootstrap=bootstrap)
    white = pick("egae", conventions.GAE_WHITENING, preset, whiten=whiten, eps=eps, eps_at=eps_at)
    done = _flags("finished", finished, mask)
    held = torch.where(mask, _values(values, mask), 0.0)
    if end.bootstrap == "hold":
        tail = stat.last_value(held, mask)
    elif end.bootstrap == "zero":
        tail = held.new_zeros(len(held))
    elif bootstrap_values is None:
        raise ConfigError(
            "egae with bootstrap='critic' has no bootstrap_values; expected shape (B,). Pass the critic's output after the cut."
        )
    else:
        tail = _tail(mask, ~done, bootstrap_values).to(held.dtype)
    tail = torch.where(done, 0.0, tail)
    known = torch.where(done, rewards, 0.0) if rewards.shape == done.shape else rewards
    raw = _residual_sums("egae", known, mask, values, tail, preset=preset, gamma=gamma, lam=lam, gaps=gaps)
    return stat.whitened(raw, mask, white)


def length_adaptive_lambda(mask: Tensor, *, alpha: float = 0.05, floor: float | None = 0.0, dtype: torch.dtype = torch.float32) -> Tensor:
    """VAPO's lambda (arXiv 2504.05118): 1 - 1 / (alpha l), one a sample (B,), where l is the number of its tokens in the mask.

    The paper's formula is negative for l < 1 / alpha = 20; `floor` 0 cuts it there, as NeMo-RL does, and None leaves it. Small models want a
    greater alpha (a public recipe: 1.5). A sample without tokens counts as one of one token. Raises `ConfigError`.
    """
    conventions.AdaptiveLambda(alpha=alpha, lam_value=1.0)
    lam = 1.0 - 1.0 / (alpha * mask.sum(1).clamp_min(1).to(dtype))
    return lam if floor is None else lam.clamp_min(floor)


def decoupled_gae(
    rewards: Tensor,
    mask: Tensor,
    group_ids: Tensor | None = None,
    *,
    values: Tensor,
    truncated: Tensor | None = None,
    bootstrap_values: Tensor | None = None,
    preset: str = "paper",
    lam_policy: float | Tensor | None = None,
    lam_value: float | None = None,
    alpha: float | None = None,
    floor: float | None = 0.0,
    gamma: float | None = None,
    gaps: Gaps | None = None,
    whiten: Whiten | None = None,
    eps: float | None = None,
    eps_at: EpsAt | None = None,
) -> Estimates:
    """VAPO's GAE (arXiv 2504.05118; VC-PPO, 2503.01491): one lambda for the actor's advantages, another for the critic's targets.

    `lam_value` (1) is without bias; `lam_policy` is from 0 to 1, or (B,), or None for `length_adaptive_lambda(mask, alpha=.05, floor=0)`, with
    which long responses do not lose the final reward on its way back. Only the advantages are whitened. The other knobs are those of `gae`.
    """
    how = pick("decoupled_gae", conventions.ADAPTIVE_LAMBDA, preset, alpha=alpha, lam_value=lam_value)
    lam = length_adaptive_lambda(mask, alpha=how.alpha, floor=floor, dtype=rewards.dtype) if lam_policy is None else lam_policy
    advantages = gae(
        rewards, mask, values=values, truncated=truncated, bootstrap_values=bootstrap_values, preset=preset,
        gamma=gamma, lam=lam, gaps=gaps, whiten=whiten, eps=eps, eps_at=eps_at,
    )  # fmt: skip
    targets = value_targets(
        rewards, mask, values=values, truncated=truncated, bootstrap_values=bootstrap_values, preset=preset,
        gamma=gamma, lam=how.lam_value, gaps=gaps,
    )  # fmt: skip
    return Estimates(advantages, targets)


def _residual_sums(
    name: str,
    rewards: Tensor,
    mask: Tensor,
    values: Tensor,
    tail: Tensor,
    *,
    preset: str,
    gamma: float | None,
    lam: float | Tensor | None,
    gaps: Gaps | None,
) -> Tensor:
    """GAE before whitening; `tail` (B,) is the value after the last token."""
    how = pick(name, conventions.RESIDUALS, preset, gamma=gamma, lam=None if isinstance(lam, Tensor) else lam, gaps=gaps)
    batch = stat.checked(rewards, mask, tokens=True)
    steps = stat.span(mask) if how.gaps == "step" else mask
    value = torch.where(steps, _values(values, steps), 0.0).to(batch.rewards.dtype)
    if batch.rewards.dim() == 2:
        stat.checked(rewards, steps, tokens=True)  # the gaps' rewards are read too
        reward = torch.where(steps, rewards.detach(), 0.0)
    else:
        reward = stat.at_last_token(batch.rewards, mask)
    residual = reward + how.gamma * stat.following(value, steps, tail.to(value.dtype)) - value
    lams = value.new_full((len(value),), how.lam)
    if isinstance(lam, Tensor):
        lams = stat.per_sample("lam", lam, len(value)).to(value.dtype)
        if not bool((torch.isfinite(lams) & (lams <= 1)).all()):
            raise ConfigError("lam holds numbers above 1 or not finite; expected at most 1 a sample. Clamp it.")
    return torch.where(mask, stat.sum_to_go(residual, steps, how.gamma * lams), 0.0)


def _values(values: Tensor, mask: Tensor) -> Tensor:
    """The values without their gradient. Raises `ConfigError` for another shape than the mask's, and where one that is read is not finite."""
    if values.shape != mask.shape or not values.is_floating_point():
        raise ConfigError(
            f"values are {values.dtype} of shape {tuple(values.shape)}; expected floats of shape {tuple(mask.shape)}, one a token. Reshape them."
        )
    if not bool(torch.isfinite(values.detach()[mask]).all()):
        raise ConfigError("values hold NaN or infinity at tokens that are read; expected finite numbers. Look at the critic.")
    return values.detach()


def _flags(name: str, flags: Tensor, mask: Tensor) -> Tensor:
    if flags.dtype != torch.bool:
        raise ConfigError(f"{name} is of {flags.dtype}; expected torch.bool of shape {(len(mask),)}. Pass {name}.bool().")
    return stat.per_sample(name, flags, len(mask))


def _tail(mask: Tensor, truncated: Tensor | None, bootstrap_values: Tensor | None) -> Tensor:
    """(B,): the value after the last token: zero where the response terminated, the critic's where it was cut."""
    if (truncated is None) != (bootstrap_values is None):
        here, missing = ("bootstrap_values", "truncated") if truncated is None else ("truncated", "bootstrap_values")
        raise ConfigError(
            f"{here} was given without {missing}; expected both or neither. Say which responses were cut and the value after the cut."
        )
    if truncated is None or bootstrap_values is None:
        return torch.zeros(len(mask), device=mask.device)
    cut = _flags("truncated", truncated, mask)
    tail = torch.where(cut, stat.per_sample("bootstrap_values", bootstrap_values, len(mask)), 0.0)
    if not bool(torch.isfinite(tail).all()):
        raise ConfigError("bootstrap_values hold NaN or infinity for a truncated response; expected finite numbers. Look at the critic.")
    return tail
