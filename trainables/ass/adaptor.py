"""What one adaptor is, in the order of the paper: its networks, losses, lambdas and learning rates.

The class declares what plans need, without torch. One object of it is made for each trial.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainables.ass.config import AssConfig
    from trainables.ass.judged import Judged
    from trainables.ass.networks.segmentation_network import SegmentationNetwork
    from trainables.ass.outputs import Outputs, Unlabeled

    Network = TypeVar("Network", bound=nn.Module)

SOURCE: Final = 0
TARGET: Final = 1
"""The paper's domain labels z (after Eqs 2 and 3): unlike AdaptSegNet's, the source is 0 and the target 1."""


class Adaptor(ABC):
    """One module that is trained beside G and CH. Every method but `networks` and the losses may be left out.

    Args:
        config: of the trial.
        network: G and CH.
        classes: their number.
    """

    Settings: ClassVar[type[BaseModel] | None] = None
    """Fields that it adds to those of the method, each with a default; only trials that use it have them."""
    FIELDS: ClassVar[frozenset[str]] = frozenset()
    """Fields of the method that have an effect with it alone. Two adaptors that share one cannot be combined."""
    UNLABELED: ClassVar[Literal["", "images", "without gradient", "with gradient"]] = ""
    """Whether unlabeled target images are drawn for it; and whether it needs G's outputs for them, with a gradient."""
    DECIDES: ClassVar[tuple[str, ...]] = ()
    """Further modules whose code decides an outcome; its own module always does. For adaptors of other packages."""

    def __init__(self, config: AssConfig, network: SegmentationNetwork, classes: int) -> None:
        self.config = config
        self.network = network
        self.classes = classes
        self.iteration = 0
        """Of the step that is being made; what is drawn should depend on it, on the seed and on a name only."""

    @classmethod
    def undefined(cls, values: Mapping[str, Any]) -> str | None:
        """Why it means nothing given `values` (some fields, not all), e.g. without labels; None if it is defined."""
        return None

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """Fields without effect given `values` (some fields, not all), e.g. a lambda where its rate is 0."""
        return frozenset()

    @classmethod
    @abstractmethod
    def lambdas(cls, config: AssConfig) -> Mapping[str, float]:
        """Weight of each of its losses, by name."""

    @classmethod
    def rates(cls, config: AssConfig) -> Mapping[str, float]:
        """Initial learning rate of each of its networks that is trained, by name."""
        return {}

    def networks(self) -> Mapping[str, nn.Module]:
        """Make its networks, by name; they move to the device, are saved, and are trained where they have a rate."""
        return {}

    def on_unlabeled(self, outputs: Outputs[Unlabeled]) -> Any:
        """What it needs of G's outputs for unlabeled target images; all else is freed. Not called for `images`."""
        return outputs

    def adapt(self, source: Outputs[Any] | None, labeled: Outputs[Any] | None, unlabeled: Any) -> Any:
        """What both objectives use, e.g. a discriminator's output for source images.

        Args:
            source: G's outputs for source images, with their labels; None where none are trained on.
            labeled: the same of labeled target images.
            unlabeled: what `on_unlabeled` returned, or the images where `UNLABELED` asks for no more; None where none
                are drawn.
        """
        return source, labeled, unlabeled

    def generator_losses(self, adapted: Any) -> Mapping[str, Tensor]:
        """Its terms of Eq 9, by name; `adapted` is what `adapt` returned. Their gradients are for G and CH."""
        return {}

    def discriminator_losses(self, adapted: Any) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        """Its terms of Eq 10, and the shares that its networks classify right; gradients are for these alone."""
        return {}, {}

    def metrics(self, adapted: Any) -> Mapping[str, Tensor]:
        """What else is recorded, scalars by name: reported as `adaptor/NAME`, the mean since the last report."""
        return {}

    def after_step(self) -> None:  # noqa: B027 - most adaptors have nothing to do then
        """Follow a step of G and of its networks, e.g. with a teacher that averages G's weights."""

    def drawn(self, name: str, make: Callable[[], Network]) -> Network:
        """A network whose initial weights depend on the trial's seed and a name only."""
        from trainables.ass.networks.weights import drawn_weights

        with drawn_weights(self.config.seed, name):
            return make()

    @staticmethod
    def judge(discriminator: nn.Module, inputs: Tensor) -> Judged:
        """A discriminator's output for what G made, for both sides of Eq 11."""
        from trainables.ass.judged import judge

        return judge(discriminator, inputs)
