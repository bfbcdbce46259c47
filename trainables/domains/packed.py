"""Images and labels at training size in one Arrow file that all trials of a node map into memory."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from trainables.storage import flush_to_disk

FORMAT = "1"
_MISREAD = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError)
"""What bytes at random lead to where Arrow and JSON read them."""


class DamagedPackError(Exception):
    """A packed file is truncated, altered, or not what its reader expects."""


@dataclass(frozen=True)
class PackedSet:
    """Read-only views of a packed file, without a copy.

    Attributes:
        images: (N, H, W, 3) uint8, RGB.
        labels: (N, H, W) uint8, class ids or 255 for ignored pixels.
        names: N image names.
        path: the mapped file; pickling a set pickles this path, not the pixels.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    path: Path
    digests: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def __reduce__(self) -> tuple[Any, ...]:
        return open_packed, (self.path,)

    def verify(self) -> None:
        """Compare every image, label and name with its checksum; reads the whole file, raises `DamagedPackError`."""
        found = _digests(self.images, self.labels, self.names)
        damaged = [name for name, a, b in zip(self.names, found, self.digests, strict=True) if a != b.tobytes()]
        if damaged:
            shown = ", ".join(damaged[:5]) + (", ..." if len(damaged) > 5 else "")
            raise DamagedPackError(
                f"{self.path}: {len(damaged)} of {len(self)} images differ from their checksums: {shown}"
            )


def recipe_hash(recipe: Mapping[str, Any]) -> str:
    """16 hexadecimal digits of the SHA-256 of a recipe's canonical JSON."""
    return hashlib.sha256(_canonical(recipe).encode()).hexdigest()[:16]


def write_packed(
    path: Path, images: np.ndarray, labels: np.ndarray, names: Sequence[str], recipe: Mapping[str, Any]
) -> None:
    """Write images (N, H, W, 3) and labels (N, H, W), both uint8, whole or not at all.

    The file appears under its name only once it is on disk, so that a killed writer leaves no more than a
    temporary file. Raises ValueError where shapes or types do not fit together.
    """
    count, height, width = labels.shape
    if images.shape != (count, height, width, 3) or len(names) != count:
        raise ValueError(f"images {images.shape}, labels {labels.shape} and {len(names)} names do not fit together")
    if images.dtype != np.uint8 or labels.dtype != np.uint8:
        raise ValueError(f"images and labels must be uint8, not {images.dtype} and {labels.dtype}")
    columns = {
        "image": _fixed_size(images.reshape(count, -1)),
        "label": _fixed_size(labels.reshape(count, -1)),
        "name": pa.array(names, pa.string()),
        "digest": pa.array(_digests(images, labels, names), pa.binary(16)),
    }
    shape = {"count": count, "height": height, "width": width}
    metadata = {"format": FORMAT, "shape": json.dumps(shape), "recipe": _canonical(recipe), "hash": recipe_hash(recipe)}
    batch = pa.record_batch(columns, metadata=metadata)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as stream:
            with pa.ipc.new_file(stream, batch.schema) as writer:
                writer.write_batch(batch)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_to_disk(path.parent)


def open_verified(path: Path, expected_hash: str) -> PackedSet:
    """As `open_packed`, of a file whose every image this process has compared with its checksum (`verify`).

    A process reads a file for that once, as long as nobody writes it again: about 2 seconds for 1 GB.
    """
    written = path.stat()
    _verify_once(path, written.st_ino, written.st_size, written.st_mtime_ns)
    return open_packed(path, expected_hash)


def open_packed(path: Path, expected_hash: str | None = None) -> PackedSet:
    """Map a packed file; cheap, since only its schema, footer and sizes are checked, not every pixel (see `verify`).

    Raises FileNotFoundError, or `DamagedPackError` where the file is truncated, or of another recipe than expected.
    """
    source = pa.memory_map(str(path))
    try:
        batch = pa.ipc.open_file(source).get_batch(0)
        # in full, or an altered length or offset would have the names read beyond the end of the file
        batch.validate(full=True)
        metadata = {key.decode(): value.decode() for key, value in (batch.schema.metadata or {}).items()}
        _check_recipe(path, metadata, expected_hash)
        return _packed_set(path, batch, json.loads(metadata["shape"]))
    except _MISREAD as error:
        raise DamagedPackError(f"{path}: truncated or not a packed file ({error})") from error


def _check_recipe(path: Path, metadata: Mapping[str, str], expected_hash: str | None) -> None:
    if metadata.get("format") != FORMAT:
        raise DamagedPackError(f"{path}: packed format {metadata.get('format')}, expected {FORMAT}")
    if metadata["hash"] != recipe_hash(json.loads(metadata["recipe"])):
        raise DamagedPackError(f"{path}: the recipe inside does not have the hash it carries")
    if expected_hash is not None and metadata["hash"] != expected_hash:
        raise DamagedPackError(f"{path}: made by recipe {metadata['hash']}, expected {expected_hash}")


def _packed_set(path: Path, batch: pa.RecordBatch, shape: Mapping[str, int]) -> PackedSet:
    count, height, width = shape["count"], shape["height"], shape["width"]
    names = tuple(batch.column("name").to_pylist())
    if not all(isinstance(name, str) for name in names):
        raise ValueError("its names are no text")
    images = _view(batch.column("image")).reshape(count, height, width, 3)
    labels = _view(batch.column("label")).reshape(count, height, width)
    return PackedSet(images, labels, names, path, _view(batch.column("digest")).reshape(count, 16))


@cache
def _verify_once(path: Path, *written: int) -> None:
    open_packed(path).verify()


def _fixed_size(rows: np.ndarray) -> pa.Array:
    buffer = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.Array.from_buffers(pa.binary(rows.shape[1]), len(rows), [None, buffer])


def _view(column: pa.Array) -> np.ndarray:
    return np.frombuffer(column.buffers()[1], np.uint8, count=len(column) * column.type.byte_width)


def _digests(images: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> list[bytes]:
    digests = []
    for image, label, name in zip(images, labels, names, strict=True):
        digest = hashlib.blake2b(image.tobytes(), digest_size=16)
        digest.update(label.tobytes())
        digest.update(name.encode())
        digests.append(digest.digest())
    return digests


def _canonical(recipe: Mapping[str, Any]) -> str:
    return json.dumps(recipe, sort_keys=True, separators=(",", ":"))
