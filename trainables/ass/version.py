"""The version of the code that decides the outcome of a trial of the method."""

from __future__ import annotations

from functools import cache

from trainables.domains.pairs import recipe_version
from trainables.version import code_hash

DECIDES = (
    # which images a step sees
    "trainables.domains.classes",
    "trainables.domains.domain_pair",
    "trainables.domains.packed",
    "trainables.domains.rows",
    "trainables.domains.sampling",
    "trainables.ass.batches",
    "trainables.ass.crops",
    # networks
    "trainables.ass.precision",
    "trainables.ass.networks.atrous_classifier",
    "trainables.ass.networks.build",
    "trainables.ass.networks.deeplab_v2",
    "trainables.ass.networks.efficientnet_lite0",
    "trainables.ass.networks.folding",
    "trainables.ass.networks.normalisation",
    "trainables.ass.networks.segmentation_network",
    "trainables.ass.networks.small",
    "trainables.ass.networks.weights",
    # losses, and how they are descended
    "trainables.ass.adaptation",
    "trainables.ass.adaptor",
    "trainables.ass.adaptors",
    "trainables.ass.class_mixing",
    "trainables.ass.csa",
    "trainables.ass.fcsa",
    "trainables.ass.global_adaptation",
    "trainables.ass.judged",
    "trainables.ass.mean_teacher",
    "trainables.ass.model",
    "trainables.ass.moving_average",
    "trainables.ass.objectives",
    "trainables.ass.optimization",
    "trainables.ass.outputs",
    "trainables.ass.segmentation",
    "trainables.ass.semantic",
    "trainables.ass.trainer",
    # what is measured, on which split
    "trainables.ass.evaluation",
    "trainables.ass.metrics",
    "trainables.ass.records",
    "trainables.ass.best_network",
    "trainables.snapshots",
    "trainables.ass_trainable",
)
"""Modules of which a changed one may change an outcome. What makes a domain pair's images is declared by the pair."""


@cache
def code_version(domains: str) -> str:
    """Hash of the method's code and of the recipe of one domain pair; raises ValueError for an unknown pair."""
    return f"{code_hash(DECIDES)}-{recipe_version(domains)}"
