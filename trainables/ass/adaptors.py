"""The paper's adaptors: GA (section 3.2), FCSA (3.3.1) and CSA (3.3.2)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from trainables.ass.adaptor import SOURCE, TARGET, Adaptor

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.ass.config import AssConfig
    from trainables.ass.global_adaptation import GlobalAdaptation
    from trainables.ass.judged import Judged
    from trainables.ass.outputs import Images, Outputs, Unlabeled
    from trainables.ass.semantic import SemanticAdaptation


class Maps(NamedTuple):
    """P_s, judged by D_g, and P of the unlabeled target images, without a graph."""

    source: Judged
    unlabeled: Tensor


class GlobalAdaptor(Adaptor):
    """Global adaptation: D_g tells score maps of the source from those of the target (Eqs 2 and 3)."""

    FIELDS = frozenset({"lambda_gadv", "lambda_gd", "lr_gd", "gd_channels", "gd_map_scale"})
    UNLABELED = "without gradient"
    gd: GlobalAdaptation

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """Where D_g never learns, the weight of its loss."""
        return frozenset({"lambda_gd"} if values.get("lr_gd") == 0 else ())

    @classmethod
    def lambdas(cls, config: AssConfig) -> Mapping[str, float]:
        """Of L_gadv (Eq 9) and L_gd (Eq 10)."""
        return {"gadv": config.lambda_gadv, "gd": config.lambda_gd}

    @classmethod
    def rates(cls, config: AssConfig) -> Mapping[str, float]:
        """Of D_g."""
        return {"gd": config.lr_gd}

    def networks(self) -> Mapping[str, GlobalAdaptation]:
        """D_g."""
        from trainables.ass.global_adaptation import GlobalAdaptation

        config = self.config
        self.gd = self.drawn("gd", lambda: GlobalAdaptation(self.classes, config.gd_channels, config.gd_map_scale))
        return {"gd": self.gd}

    def on_unlabeled(self, outputs: Outputs[Unlabeled]) -> Tensor:
        """P of the unlabeled target images."""
        return self.gd.maps(outputs.scores, outputs.images.pixels.shape[-2:]).detach()

    def adapt(self, source: Outputs[Images] | None, labeled: Outputs[Images] | None, unlabeled: Any) -> Maps:
        """Let D_g judge P_s."""
        assert source is not None
        return Maps(self.judge(self.gd, self.gd.maps(source.scores, source.images.pixels.shape[-2:])), unlabeled)

    def generator_losses(self, adapted: Maps) -> Mapping[str, Tensor]:
        """L_gadv (Eq 2)."""
        return {"gadv": adapted.source.for_generator(self.gd.adversarial_loss(adapted.source.logits))}

    def discriminator_losses(self, adapted: Maps) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        """L_gd (Eq 3) of source and unlabeled target images."""
        loss, right = self.gd.discriminator_loss(adapted.source.logits, SOURCE)
        loss_of_target, right_of_target = self.gd.discriminator_loss(self.gd(adapted.unlabeled), TARGET)
        return {"gd": loss + loss_of_target}, {"gd_accuracy": (right + right_of_target) / 2}


class Examples(NamedTuple):
    """F_s or its class averages, judged by D_s, with their classes; and G's outputs for labeled target images."""

    source: Judged
    classes: Tensor
    labeled: Outputs[Images]


class SemanticAdaptor(Adaptor):
    """Semantic-level adaptation: D_s tells class and domain of features (Eqs 5 to 8)."""

    FIELDS = frozenset({"lambda_sadv", "lambda_sd", "lr_sd", "sd_hidden"})
    sd: SemanticAdaptation

    @classmethod
    def undefined(cls, values: Mapping[str, Any]) -> str | None:
        """It needs classes of target pixels."""
        if values.get("labeled_images") == 0:
            return f"{values.get('adaptor')} aligns classes by the labels of target images, and labeled_images is 0"
        return None

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """Where D_s never learns, the weight of its loss."""
        return frozenset({"lambda_sd"} if values.get("lr_sd") == 0 else ())

    @classmethod
    def lambdas(cls, config: AssConfig) -> Mapping[str, float]:
        """Of L_sadv (Eq 9) and L_sd (Eq 10)."""
        return {"sadv": config.lambda_sadv, "sd": config.lambda_sd}

    @classmethod
    def rates(cls, config: AssConfig) -> Mapping[str, float]:
        """Of D_s."""
        return {"sd": config.lr_sd}

    def networks(self) -> Mapping[str, SemanticAdaptation]:
        """D_s."""
        self.sd = self.drawn("sd", self.discriminator)
        return {"sd": self.sd}

    @abstractmethod
    def discriminator(self) -> SemanticAdaptation:
        """D_s of this form of semantic-level adaptation."""

    def adapt(self, source: Outputs[Images] | None, labeled: Outputs[Images] | None, unlabeled: Any) -> Examples:
        """Let D_s judge the source's features."""
        assert source is not None and labeled is not None
        examples, classes = self.sd.examples(source.features, source.labels)
        return Examples(self.judge(self.sd, examples), classes, labeled)

    def generator_losses(self, adapted: Examples) -> Mapping[str, Tensor]:
        """L_sadv (Eqs 5 and 7)."""
        return {"sadv": adapted.source.for_generator(self.sd.adversarial_loss(adapted.source.logits, adapted.classes))}

    def discriminator_losses(self, adapted: Examples) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        """L_sd (Eqs 6 and 8) of source and labeled target images."""
        loss, right = self.sd.discriminator_loss(adapted.source.logits, adapted.classes, SOURCE)
        examples, classes = self.sd.examples(adapted.labeled.features.detach(), adapted.labeled.labels)
        loss_of_target, right_of_target = self.sd.discriminator_loss(self.sd(examples), classes, TARGET)
        return {"sd": loss + loss_of_target}, {"sd_accuracy": (right + right_of_target) / 2}


class FullyConnectedAdaptor(SemanticAdaptor):
    """FCSA: on class-averaged feature vectors."""

    def discriminator(self) -> SemanticAdaptation:
        """Two fully connected layers."""
        from trainables.ass.fcsa import FCSA

        return FCSA(self.network.channels, self.config.sd_hidden, self.classes)


class ConvolutionalAdaptor(SemanticAdaptor):
    """CSA: on every pixel of F."""

    def discriminator(self) -> SemanticAdaptation:
        """Two 1x1 convolutions."""
        from trainables.ass.csa import CSA

        return CSA(self.network.channels, self.config.sd_hidden, self.classes)
