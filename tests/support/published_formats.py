"""Small data sets in the formats in which GTA5, SYNTHIA-RAND-CITYSCAPES and Cityscapes are published."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.datasets import Cityscapes

GTA5_IDS = range(35)


def write_gta5(root: Path, number: int, ids: np.ndarray, image: np.ndarray | None = None) -> None:
    """Image and palette PNG of GTA5; the palette has 35 colours, of Cityscapes' label ids and of the licence plate."""
    palette = {label.id: label.color for label in Cityscapes.classes} | {34: (0, 0, 142)}
    label = Image.fromarray(ids.astype(np.uint8))
    label.putpalette([value for index in GTA5_IDS for value in palette[index]])
    _save(root / "gta5" / "images" / f"{number:05d}.png", Image.fromarray(_image(ids, image)))
    _save(root / "gta5" / "labels" / f"{number:05d}.png", label)


def write_synthia(root: Path, number: int, ids: np.ndarray, image: np.ndarray | None = None) -> None:
    """Image and 16-bit RGB PNG of SYNTHIA: class ids, numbers of instances, nothing."""
    instances = np.arange(ids.size).reshape(ids.shape) * 7
    label = np.stack([ids, instances, np.zeros_like(ids)], -1)
    _save(root / "synthia" / "RGB" / f"{number:07d}.png", Image.fromarray(_image(ids, image)))
    path = root / "synthia" / "GT" / "LABELS" / f"{number:07d}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_of_16_bits(label))


def write_cityscapes(
    root: Path, split: str, city: str, number: int, ids: np.ndarray, image: np.ndarray | None = None
) -> None:
    """Image and label ids of Cityscapes, with the instance ids that lie beside them and are not read."""
    folder, name = root / "cityscapes", f"{city}_{number:06d}_000019"
    _save(folder / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", Image.fromarray(_image(ids, image)))
    fine = folder / "gtFine" / split / city
    _save(fine / f"{name}_gtFine_labelIds.png", Image.fromarray(ids.astype(np.uint8)))
    _save(fine / f"{name}_gtFine_instanceIds.png", Image.fromarray(ids.astype(np.uint16) * 1000))


def png_of_16_bits(pixels: np.ndarray) -> bytes:
    """A PNG of (H, W, 3) values below 65536; neither Pillow nor torchvision writes these."""
    height, width, _ = pixels.shape
    rows = np.ascontiguousarray(pixels.astype(">u2")).view(np.uint8).reshape(height, -1)
    unfiltered = np.pad(rows, ((0, 0), (1, 0)))
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(unfiltered.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*chunks, strict=True)))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _image(ids: np.ndarray, image: np.ndarray | None) -> np.ndarray:
    return np.full((*ids.shape, 3), 100, np.uint8) if image is None else image


def _save(path: Path, picture: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
