"""The whole configuration of one ASS trial, without torch, so that plans can be made without it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from trainables.ass.adaptation import OURS, Adaptation, adaptation, added, broken_adaptor, clash, code_of, known
from trainables.ass.adaptation import is_known as is_adaptor
from trainables.ass.profiles import PROFILES, Profile
from trainables.ass.version import code_version
from trainables.config import TrialConfig
from trainables.domains.added_pairs import added_pairs
from trainables.domains.pairs import PAIRS, PARTS, is_known, labeled_pool
from trainables.snapshots import Snapshot

NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1)]

ADAPTSEGNET: Mapping[str, Any] = {"aspp_rates": (6, 12), "normalisation": "batch", "train_affine": False}
"""What `adaptsegnet_compat` sets, whatever profile and file say."""


def _known_adaptor(value: Any) -> Any:
    """Refuses a value that names no adaptor, in the words of pydantic's literals."""
    if isinstance(value, str) and is_adaptor(value):
        return value
    *first, last = (f"'{name}'" for name in known())
    expected = f"{', '.join(first)} or {last}"
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


class AssConfig(TrialConfig):
    """One trial of the method. Fields without a default have one in every profile, except the two factors."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    READS_PAIR_FILES = True

    adaptor: Annotated[str, BeforeValidator(_known_adaptor)]
    """Which modules of the method are trained, as in the columns of the paper's Table 1, or which of their rivals."""
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
    lambda_consistency: NotNegative = 1.0
    """Weight of the loss of images that the mean teacher has labeled."""

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
    source_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the iterations, the first ones, in which `finetune` trains on source images; then on labeled ones."""
    teacher_decay: Fraction = 0.99
    """How much of the mean teacher's weights a step keeps; the average is over about 1 / (1 - decay) steps."""
    teacher_confidence: Fraction = 0.968
    """Probability above which the mean teacher is sure of a pixel; the share of such pixels weights an image."""

    source_batch: Count
    """Source images a step."""
    labeled_batch: Count
    """Labeled target images a step."""
    unlabeled_batch: Count
    """Unlabeled target images a step, for D_g and the mean teacher."""
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
    """The backbone is compiled by `torch.compile`: minutes before the first step, then faster ones."""
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
        return (*PAIRS, *(name for name in added_pairs() if name not in PAIRS))

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
        return _undefined_adaptor(values) or _undefined_labels(values) or _undefined_network(values)

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """Fields without effect given `values` (some fields, not all)."""
        inert = _inert_adaptors(values) | _inert_added(cls, values)
        if values.get("adaptsegnet_compat"):
            inert |= ADAPTSEGNET.keys()
        if values.get("labeled_images") == 0:
            inert |= {"labeled_batch", "subset_seed"}
        if values.get("optimizer") == "adamw":
            inert.add("momentum")
        return frozenset(inert)

    @classmethod
    def extended(cls, values: Mapping[str, Collection[Any]]) -> type[AssConfig]:
        """With the fields of adaptors of other packages among the values of `adaptor`. Raises BrokenExtension."""
        return _with_fields_of(frozenset(added(values.get("adaptor", ()))))

    @classmethod
    def with_all_installed(cls) -> type[AssConfig]:
        """With the fields of all adaptors of other packages. Raises BrokenExtension."""
        return cls.extended({"adaptor": known()})

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> AssConfig:
        """One trial's configuration, which has no fields of adaptors that it does not use."""
        model = AssConfig.extended({"adaptor": [values.get("adaptor")]})
        unused = cls.model_fields.keys() - model.model_fields.keys()
        return model.model_validate({name: value for name, value in values.items() if name not in unused})

    @classmethod
    def extensions(cls, values: Mapping[str, Collection[Any]]) -> dict[str, str]:
        """Hash of the code of each adaptor of another package among the values of `adaptor`."""
        return code_of(added(values.get("adaptor", ())))

    @property
    def source_iterations(self) -> int:
        """How many iterations `finetune` trains on source images."""
        return round(self.source_share * self.iterations)

    def canonical(self) -> dict[str, Any]:
        """Also what `adaptsegnet_compat` sets: no file can change it, and trials train with it."""
        values = self.model_dump(mode="json")
        return super().canonical() | ({name: values[name] for name in ADAPTSEGNET} if self.adaptsegnet_compat else {})


@cache
def _with_fields_of(names: frozenset[str]) -> type[AssConfig]:
    """The method's configuration with the fields of some adaptors of other packages."""
    settings = {name: adaptor.Settings for name, adaptor in added(names).items() if adaptor.Settings is not None}
    for name, own in settings.items():
        if taken := own.model_fields.keys() & AssConfig.model_fields.keys():
            raise broken_adaptor(name, f"its field {min(taken)} is one of the method's own; give it another name")
    bases = (AssConfig, *(settings[name] for name in sorted(settings)))
    return type("AssConfig", bases, {"__module__": __name__}) if settings else AssConfig


def _adaptation(values: Mapping[str, Any]) -> Adaptation | None:
    """None where the value is unknown, or not among the fields that are given."""
    value = values.get("adaptor")
    return adaptation(value) if isinstance(value, str) and is_adaptor(value) else None


def _inert_adaptors(values: Mapping[str, Any]) -> set[str]:
    """Fields of the method that have no effect with the adaptors."""
    inert = {field for adaptor in OURS.values() for field in adaptor.inert(values)}
    if used := _adaptation(values):
        in_use = {field for one in used.adaptors.values() for field in one.FIELDS}
        inert |= {field for adaptor in OURS.values() for field in adaptor.FIELDS} - in_use
        inert |= set() if used.unlabeled else {"unlabeled_batch"}
        inert |= set() if used.source else {"source_batch"}
        inert |= set() if used.in_turn else {"source_share"}
    return inert


def _inert_added(model: type[TrialConfig], values: Mapping[str, Any]) -> set[str]:
    """Fields of adaptors of other packages that have no effect."""
    of_others = model.model_fields.keys() - AssConfig.model_fields.keys()
    if not of_others or (used := _adaptation(values)) is None:
        return set()
    adaptors = [adaptor for name, adaptor in used.adaptors.items() if name not in OURS]
    fields = {field for adaptor in adaptors if adaptor.Settings for field in adaptor.Settings.model_fields}
    return (of_others - fields) | {field for adaptor in adaptors for field in adaptor.inert(values)}


def _undefined_adaptor(values: Mapping[str, Any]) -> str | None:
    used = _adaptation(values)
    if used is None:
        return None
    if reason := clash(values["adaptor"]):
        return reason
    if values.get("labeled_images") == 0 and not used.source:
        return f"{values['adaptor']} trains on labeled target images only, and labeled_images is 0"
    if values.get("labeled_images") == 0 and used.in_turn:
        return f"{values['adaptor']} ends with labeled target images, and labeled_images is 0"
    if used.in_turn and values.get("normalisation") == "domain" and not values.get("adaptsegnet_compat"):
        return f"{values['adaptor']} has batches of one domain, which normalisation: batch tells apart already"
    return next((reason for one in used.adaptors.values() if (reason := one.undefined(values))), None)


def _undefined_labels(values: Mapping[str, Any]) -> str | None:
    labeled, domains = values.get("labeled_images"), values.get("domains")
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
