"""Search-space files of tests: what most of them say is written once."""

from __future__ import annotations

from typing import Any

import yaml

LAMBDA_SADV = {"lambda_sadv": {"type": "log_uniform", "low": 0.01, "high": 100}}
LR = {"lr": {"type": "log_uniform", "low": 0.01, "high": 0.1}}
CURVES = {
    "study": "curves",
    "trainable": "curves",
    "domains": "synthetic",
    "profile": "synthetic",
    "ablate": {"adaptor": ["joint"]},
    "tune": LR,
    "search": {"sampler": "random", "trials_per_cell": 2},
    "prune": "none",
    "replicate": {"seeds": [0]},
    "train": {"iterations": 100, "evaluate_every": 20},
}
METHOD = {**CURVES, "trainable": "ass", "domains": "streets", "profile": "laptop"}


def curves_file(**sections: Any) -> str:
    """A study of synthetic curves, one cell of two tuning trials and a replicate.

    Arguments replace or, if None, remove sections.
    """
    return _written({**CURVES, **sections})


def method_file(**sections: Any) -> str:
    """The same study of the method itself, on generated streets."""
    return _written({**METHOD, **sections})


def _written(sections: dict[str, Any]) -> str:
    return yaml.safe_dump({name: what for name, what in sections.items() if what is not None}, sort_keys=False)
