"""Named sets of defaults: what `profile:` in a search-space file stands for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from trainables.config import Value

Profile = Mapping[str, Value | tuple[int, ...]]

SHORT: Profile = {"teacher_decay": 0.97, "teacher_confidence": 0.8}
"""The mean teacher in a training of a few hundred iterations: DACS's own values are for 250,000."""

LAPTOP: Profile = {
    "network": "small",
    "aspp_rates": (1, 2, 4, 6),
    "normalisation": "batch",
    "backbone_weights": "none",
    "gd_channels": (16, 32),
    "gd_map_scale": 0.25,
    "sd_hidden": 128,
    "lambda_gadv": 0.01,
    "lambda_sadv": 1.0,
    "optimizer": "sgd",
    "lr": 0.03,
    "classifier_lr_factor": 1.0,
    "lr_gd": 1e-3,
    "lr_sd": 1e-3,
    "weight_decay": 5e-4,
    "warmup": 20,
    **SHORT,
    "source_batch": 4,
    "labeled_batch": 4,
    "unlabeled_batch": 4,
    "channels_last": True,
}
"""Streets at 64x128 from scratch: half a minute a trial on one core."""

LAPTOP_REAL: Profile = {
    "network": "efficientnet_lite0",
    "aspp_rates": (1, 2, 4, 6),
    "normalisation": "frozen",
    "backbone_weights": "imagenet",
    "gd_channels": (16, 32, 64),
    "gd_map_scale": 0.25,
    "sd_hidden": 128,
    "lambda_gadv": 0.01,
    "lambda_sadv": 0.1,
    "optimizer": "adamw",
    "lr": 3e-4,
    "lr_gd": 1e-3,
    "lr_sd": 1e-3,
    "weight_decay": 1e-4,
    "decay_norms_and_biases": False,
    "warmup": 10,
    **SHORT,
    "source_batch": 4,
    "labeled_batch": 4,
    "unlabeled_batch": 4,
    "channels_last": True,
}
"""IDDA -> CamVid at 144x192 on an ImageNet-trained EfficientNet-Lite0: a minute a trial on one core."""

LAPTOP_REAL_SMALL: Profile = {**LAPTOP, "gd_channels": (16, 32, 64), "lambda_sadv": 0.1}
"""IDDA -> CamVid without pre-trained weights: the small network."""

PAPER: Profile = {
    "network": "deeplab_v2",
    "aspp_rates": (6, 12, 18, 24),
    "normalisation": "frozen",
    "train_affine": False,
    "backbone_weights": "imagenet",
    "gd_channels": (64, 128, 256, 512),
    "gd_map_scale": 1.0,
    "sd_hidden": 1024,
    "lambda_gadv": 0.001,
    "lambda_sadv": 0.01,
    "optimizer": "sgd",
    "lr": 2.5e-4,
    "lr_gd": 1e-4,
    "lr_sd": 1e-4,
    "weight_decay": 5e-4,
    "warmup": 0,
    "schedule_iterations": 250_000,
    "source_batch": 1,
    "labeled_batch": 1,
    "unlabeled_batch": 1,
    "flip": False,
}
"""Section 4 of the paper; what it leaves out has AdaptSegNet's numbers (Tsai et al., 2018)."""

PAPER_FAST: Profile = {**PAPER, "dtype": "bfloat16", "channels_last": True}
"""The paper's training in bfloat16, for devices that compute in it; add `compile: true` where a compiler is."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "laptop": LAPTOP,
        "laptop-real": LAPTOP_REAL,
        "laptop-real-small": LAPTOP_REAL_SMALL,
        "paper": PAPER,
        "paper-fast": PAPER_FAST,
    }
)
