"""The whole configuration of one ASS trial, without torch, so that plans can be made without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field, model_validator

from trainables.ass.adaptors import ADAPTORS
from trainables.ass.profiles import PROFILES, Profile
from trainables.ass.version import code_version
from trainables.config import TrialConfig
from trainables.domains.pairs import PAIRS, PARTS, is_known, labeled_pool
from trainables.snapshots import Snapshot

NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1)]

GLOBAL_FIELDS = frozenset({"lambda_gadv", "lambda_gd", "lr_gd", "gd_channels", "gd_map_scale", "unlabeled_batch"})
SEMANTIC_FIELDS = frozenset({"lambda_sadv", "lambda_sd", "lr_sd", "sd_hidden"})
ADAPTSEGNET: Mapping[str, Any] = {"aspp_rates": (6, 12), "normalisation": "batch", "train_affine": False}
"""What `adaptsegnet_compat` sets, whatever profile and file say."""


class AssConfig(TrialConfig):
    """One trial of the method. Fields without a default have one in every profile, except the two factors."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    READS_PAIR_FILES = True

    adaptor: Literal["oracle", "joint", "ga", "fcsa", "csa", "ga+fcsa", "ga+csa"]
    """Which modules of the method are trained; the columns of the paper's Table 1."""
    labeled_images: int = Field(ge=0)
    """Number of target images whose labels may be used."""
    subset_seed: Annotated[int, Field(ge=0)] | None = None
    """Seed that draws the labeled images; by default the trial's seed."""

    lambda_seg: NotNegative = 1.0
    """Weight of the two segmentation losses (Eq 9)."""
    lambda_gadv: NotNegative
    """Weight of the global adversarial loss (Eq 9)."""
    lambda_sadv: NotNegative
    """Weight of the semantic-level adversarial loss (Eq 9)."""
    lambda_gd: NotNegative = 1.0
    """Weight of the loss of D_g (Eq 10); Adam is almost blind to it, unlike to `lr_gd`."""
    lambda_sd: NotNegative = 1.0
    """Weight of the loss of D_s (Eq 10); Adam is almost blind to it, unlike to `lr_sd`."""

    optimizer: Literal["sgd", "adamw"]
    """Optimizer of the segmentation network; sgd is Nesterov's."""
    lr: NotNegative
    """Initial learning rate of the backbone."""
    classifier_lr_factor: NotNegative = 10.0
    """Learning rate of the classifier CH divided by that of the backbone."""
    lr_gd: NotNegative
    """Initial learning rate of D_g; 0 keeps D_g as it was drawn."""
    lr_sd: NotNegative
    """Initial learning rate of D_s; 0 keeps D_s as it was drawn."""
    momentum: Fraction = 0.9
    """Momentum of sgd."""
    weight_decay: NotNegative
    """Weight decay of the segmentation network: L2 for sgd, decoupled for adamw."""
    decay_norms_and_biases: bool = True
    """Weight decay also acts on normalisation weights and biases."""
    power: NotNegative = 0.9
    """Exponent of the polynomial decay of every learning rate."""
    warmup: int = Field(ge=0)
    """Iterations of linear warm-up of every learning rate."""
    schedule_iterations: Count | None = None
    """Iteration at which the learning rates reach 0; by default the length of training."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Largest norm of the segmentation network's gradient; none does not clip."""
    backbone_steps: Count = 1
    """Optimizer steps on the backbone for each gradient; AdaptSegNet's code in effect takes three."""

    source_batch: Count
    """Source images a step."""
    labeled_batch: Count
    """Labeled target images a step."""
    unlabeled_batch: Count
    """Unlabeled target images a step, for D_g."""
    flip: bool = True
    """Half of the images are mirrored."""

    network: Literal["small", "deeplab_v2", "efficientnet_lite0"]
    """Backbone G with its classifier CH."""
    aspp_rates: Counts
    """Dilations of the classifier's 3x3 convolutions; AdaptSegNet's code in effect has (6, 12)."""
    backbone_weights: str
    """`none`, `imagenet`, or the path of a state dict of the backbone."""
    normalisation: Literal["frozen", "batch", "domain", "group"]
    """Statistics: of pre-training, of the batch, of each domain's part of the batch, or of channel groups."""
    train_affine: bool = True
    """Scale and shift of the normalisation layers are trained."""
    adaptsegnet_compat: bool = False
    """As AdaptSegNet's published code: dilations 6 and 12, statistics of each pass's batch, fixed affine weights."""
    gd_channels: Counts
    """Channels of D_g's convolutions but the last, which has one."""
    gd_map_scale: float = Field(gt=0, le=1)
    """Height of D_g's input maps divided by that of the image."""
    sd_hidden: Count
    """Width of D_s's hidden layer."""

    snapshot: Snapshot = "last"
    """Which evaluation's network is reported and chosen by: the last, or the best one on the select split."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    """Type in which the networks run; bfloat16 under autocast, losses and weights stay float32."""
    channels_last: bool = False
    """Memory layout of images and weights."""
    compile: bool = False
    """Backbone and discriminators are compiled by `torch.compile`: minutes before the first step, then faster ones."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto is a GPU where torch sees one."""

    @model_validator(mode="before")
    @classmethod
    def _as_adaptsegnet(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = cast(dict[str, Any], values)
        return {**given, **ADAPTSEGNET} if given.get("adaptsegnet_compat") else given

    @classmethod
    def profiles(cls) -> Mapping[str, Profile]:
        """`laptop`, `laptop-real`, `laptop-real-small`, `paper` and `paper-fast`."""
        return PROFILES

    @classmethod
    def domain_pairs(cls) -> tuple[str, ...]:
        """Names of the known pairs of data sets."""
        return tuple(PAIRS)

    @classmethod
    def has_domains(cls, name: str) -> bool:
        """Also of a part of a pair, such as `gta5-cityscapes@200`."""
        return is_known(name)

    @classmethod
    def other_domains(cls) -> str:
        """Parts of real pairs."""
        return PARTS

    @classmethod
    def code_version(cls, domains: str) -> str:
        """Hash of the method's code and of the recipe of one domain pair; raises ValueError for an unknown pair."""
        return code_version(domains)

    @classmethod
    def undefined(cls, values: Mapping[str, Any]) -> str | None:
        """Why the combination in `values` (some fields, not all) means nothing, or None if it is defined."""
        return _undefined_labels(values) or _undefined_network(values)

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """Fields without effect given `values` (some fields, not all)."""
        inert: set[str] = set()
        if adaptor := ADAPTORS.get(values.get("adaptor", "")):
            inert |= set() if adaptor.global_ else GLOBAL_FIELDS
            inert |= set() if adaptor.semantic else SEMANTIC_FIELDS
            inert |= set() if adaptor.source else {"source_batch"}
        if values.get("adaptsegnet_compat"):
            inert |= ADAPTSEGNET.keys()
        if values.get("labeled_images") == 0:
            inert |= {"labeled_batch", "subset_seed"}
        if values.get("optimizer") == "adamw":
            inert.add("momentum")
        if values.get("lr_gd") == 0:
            inert.add("lambda_gd")
        if values.get("lr_sd") == 0:
            inert.add("lambda_sd")
        return frozenset(inert)

    def canonical(self) -> dict[str, Any]:
        """Also what `adaptsegnet_compat` sets: no file can change it, and trials train with it."""
        values = self.model_dump(mode="json")
        return super().canonical() | ({name: values[name] for name in ADAPTSEGNET} if self.adaptsegnet_compat else {})


def _undefined_labels(values: Mapping[str, Any]) -> str | None:
    adaptor, labeled, domains = values.get("adaptor"), values.get("labeled_images"), values.get("domains")
    if labeled == 0 and adaptor in ADAPTORS:
        if not ADAPTORS[adaptor].source:
            return f"{adaptor} trains on labeled target images only, and labeled_images is 0"
        if ADAPTORS[adaptor].semantic:
            return f"{adaptor} aligns classes by the labels of target images, and labeled_images is 0"
    if labeled and domains and is_known(domains):
        protocol = values.get("protocol", "split")
        pool = labeled_pool(domains, protocol)
        if pool is not None and labeled > pool:
            kept = "" if protocol == "paper" else _held_out(domains, pool)
            return f"labeled_images is {labeled}, and the target of {domains} has {pool} training images{kept}"
    return None


def _held_out(domains: str, pool: int) -> str:
    held_out = (labeled_pool(domains, "paper") or pool) - pool
    return f" besides {held_out} that choose configurations (protocol: split)" if held_out else ""


def _undefined_network(values: Mapping[str, Any]) -> str | None:
    network, weights = values.get("network"), values.get("backbone_weights")
    normalisation = ADAPTSEGNET["normalisation"] if values.get("adaptsegnet_compat") else values.get("normalisation")
    if network == "small" and weights == "imagenet":
        return "there are no ImageNet weights of the small network"
    if normalisation == "frozen" and weights == "none":
        return "frozen normalisation needs the statistics of a pre-trained backbone, and backbone_weights is none"
    return None
