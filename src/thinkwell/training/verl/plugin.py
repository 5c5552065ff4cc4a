"""What verl imports in each of its processes, through the entry point group `verl.plugins`: advantages and policy losses under the prefix `thinkwell_`.

verl swallows a plug-in that raises, without a word: a run then fails much later with "unknown advantage estimator". `missing()` looks in verl's registries, and
`thinkwell doctor` calls it. VERL_USE_EXTERNAL_PLUGINS=none keeps verl from loading any plug-in.
"""

from __future__ import annotations

from thinkwell.training.verl.advantages import ESTIMATORS, estimator
from thinkwell.training.verl.gae import install
from thinkwell.training.verl.losses import LOSSES, policy_loss

PREFIX = "thinkwell_"
TESTED = ("0.9.1", "0.9.2")  # at least, below


def register() -> None:
    """Put ours beside verl's own. A second call changes nothing; `install` acts only where the environment asks for EGAE."""
    from verl.trainer.ppo import core_algos

    install(core_algos)
    for name in ESTIMATORS:
        if PREFIX + name not in core_algos.ADV_ESTIMATOR_REGISTRY:
            core_algos.register_adv_est(PREFIX + name)(estimator(name))
    for name in LOSSES:
        if PREFIX + name not in core_algos.POLICY_LOSS_REGISTRY:
            core_algos.register_policy_loss(PREFIX + name)(policy_loss(name))


def missing() -> list[str]:
    """Names that should be in verl's registries and are not; empty where all is well."""
    from verl.trainer.ppo import core_algos

    wanted = [(PREFIX + name, core_algos.ADV_ESTIMATOR_REGISTRY) for name in ESTIMATORS]
    wanted += [(PREFIX + name, core_algos.POLICY_LOSS_REGISTRY) for name in LOSSES]
    return [name for name, registry in wanted if name not in registry]


register()
