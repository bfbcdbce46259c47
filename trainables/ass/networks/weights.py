"""Where the weights of a network come from: a seeded draw, or a file."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum  # pyright: ignore[reportMissingTypeStubs]

from trainables.domains.sampling import stream
from trainables.mistakes import UserMistake

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class MissingWeights(UserMistake):
    """Pre-trained weights are absent, damaged or of another network."""


@contextmanager
def drawn_weights(seed: int, name: str) -> Generator[None, None, None]:
    """Layers made inside have weights that depend on `seed` and `name` only; torch's generator is left unchanged."""
    with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]
        torch.default_generator.manual_seed(int(stream(seed, f"weights/{name}").integers(2**63)))
        yield


def imagenet_weights(network: str, weights: WeightsEnum) -> Mapping[str, Tensor]:
    """The published weights of a torchvision network, from torch's folder of downloads or the internet.

    Raises MissingWeights where neither has them.
    """
    try:
        return weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # no connection, or a download that was cut off
        place = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
        raise MissingWeights(
            f"backbone_weights: imagenet: the weights of {network} are neither in {place} nor could be downloaded "
            f"({error}). Put the file there, or name another with backbone_weights: PATH"
        ) from error


def read_weights(path: str) -> Mapping[str, Tensor]:
    """A state dict from a file, without running code from it; raises MissingWeights where the file holds none."""
    try:
        loaded = torch.load(Path(path).expanduser(), map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise MissingWeights(f"backbone_weights: there is no file {path}; allowed: none, imagenet or a file") from error
    except Exception as error:  # torch raises whatever the bytes lead to
        raise MissingWeights(
            f"backbone_weights: {path} is not a torch file of weights ({_first_line(error)})"
        ) from error
    if isinstance(loaded, Mapping):
        values = cast(Mapping[Any, Any], loaded)
        if all(isinstance(value, Tensor) for value in values.values()):
            return values
    raise MissingWeights(f"backbone_weights: {path} holds no state dict, a mapping of names to tensors")


def load_weights(body: nn.Module, loaded: Mapping[str, Tensor], network: str, origin: str) -> None:
    """Give a backbone its weights; raises MissingWeights where they are of another network."""
    try:
        body.load_state_dict(loaded)
    except RuntimeError as error:
        what = " ".join(line.strip()[:200] for line in str(error).splitlines()[1:3])
        raise MissingWeights(f"backbone_weights: {origin} does not hold weights of {network}: {what}") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
