"""Where the weights of a network come from: a seeded draw, or a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum

from trainables.domains.sampling import stream
from trainables.mistakes import UserMistake

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class MissingWeights(UserMistake):
    """Pre-trained weights are absent, damaged or of another network."""


@contextmanager
def drawn_weights(seed: int, name: str) -> Iterator[None]:
    """Layers made inside have weights that depend on `seed` and `name` only; torch's generator is as before after."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(stream(seed, f"weights/{name}").integers(2**63)))
        yield


def imagenet_weights(network: str, weights: WeightsEnum) -> Mapping[str, Tensor]:
    """The published weights of a torchvision network, from torch's folder of downloads or the net.

    Raises MissingWeights where they are in neither.
    """
    try:
        return weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # no net, or a download that was cut off
        place = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
        raise MissingWeights(
            f"backbone_weights: imagenet: the weights of {network} could be had neither from {place} nor from the net "
            f"({error}). Put the file there, or name another with backbone_weights: PATH"
        ) from error


def read_weights(path: str) -> Mapping[str, Tensor]:
    """A state dict from a file, of which no code is run; raises MissingWeights where it is none."""
    try:
        loaded = torch.load(Path(path).expanduser(), map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise MissingWeights(f"backbone_weights: there is no file {path}; allowed: none, imagenet or a file") from error
    except Exception as error:  # torch raises whatever the bytes lead to
        raise MissingWeights(f"backbone_weights: {path} is no torch file of weights ({_first_line(error)})") from error
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise MissingWeights(f"backbone_weights: {path} holds no state dict, a mapping of names to tensors")
    return loaded


def load_weights(body: nn.Module, loaded: Mapping[str, Tensor], network: str, origin: str) -> None:
    """Give a backbone its weights; raises MissingWeights where they are of another network."""
    try:
        body.load_state_dict(loaded)
    except RuntimeError as error:
        what = " ".join(line.strip()[:200] for line in str(error).splitlines()[1:3])
        raise MissingWeights(f"backbone_weights: {origin} has no weights of {network}: {what}") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
