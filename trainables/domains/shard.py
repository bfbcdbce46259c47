"""Images and labels at training size in one Arrow file that every process of a node maps into memory."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from trainables.domains.recipe import Content
from trainables.storage import UNFINISHED, flush_to_disk

FORMAT = "2"
_MISREAD = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError)
"""What Arrow and JSON raise when they read arbitrary bytes."""


class DamagedPackError(Exception):
    """A packed file is truncated, altered, or not what its reader expects."""


@dataclass(frozen=True)
class Shard:
    """Read-only views of a packed file, without a copy.

    Attributes:
        images: (n, H, W, 3) uint8, RGB.
        labels: (n, H', W') uint8, class ids or 255 for ignored pixels.
        names: n image names.
        digests: (n, 16) uint8, a checksum of each image with its labels and name.
        path: the mapped file.
        first: the place in the set of the first image.
        total: how many images the set has in all its files.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    digests: np.ndarray
    path: Path
    first: int
    total: int

    def __len__(self) -> int:
        return len(self.names)

    def verify(self) -> None:
        """Compare every image, label and name with its checksum; reads the whole file, raises `DamagedPackError`."""
        found = _digests(Content(self.images, self.labels, self.names))
        damaged = [name for name, a, b in zip(self.names, found, self.digests, strict=True) if a != b.tobytes()]
        if damaged:
            shown = ", ".join(damaged[:5]) + (", ..." if len(damaged) > 5 else "")
            raise DamagedPackError(
                f"{self.path}: {len(damaged)} of {len(self)} images differ from their checksums: {shown}"
            )


def recipe_hash(recipe: Mapping[str, Any]) -> str:
    """16 hexadecimal digits of the SHA-256 of a recipe's canonical JSON."""
    return hashlib.sha256(_canonical(recipe).encode()).hexdigest()[:16]


def write_shard(
    path: Path, content: Content, recipe: Mapping[str, Any], first: int = 0, total: int | None = None
) -> None:
    """Write images of a set whole or not at all: by default all it has, else those from `first` on of `total`.

    The file appears under its name only once it is on disk, so that a killed writer leaves no more than a
    temporary file. Raises ValueError where shapes or types do not fit together, and OSError that names the file.
    """
    images, labels, names = content.images, content.labels, content.names
    count, height, width = images.shape[:3]
    if images.shape[3:] != (3,) or labels.ndim != 3 or not count == len(labels) == len(names):
        raise ValueError(f"images {images.shape}, labels {labels.shape} and {len(names)} names do not fit together")
    if images.dtype != np.uint8 or labels.dtype != np.uint8:
        raise ValueError(f"images and labels must be uint8, not {images.dtype} and {labels.dtype}")
    columns = {
        "image": _fixed_size(images.reshape(count, -1)),
        "label": _fixed_size(labels.reshape(count, -1)),
        "name": pa.array(names, pa.string()),
        "digest": pa.array(_digests(content), pa.binary(16)),
    }
    shape = {
        "images": [count, height, width],
        "labels": list(labels.shape),
        "first": first,
        "total": count if total is None else total,
    }
    metadata = {
        "format": FORMAT,
        "recipe": _canonical(recipe),
        "hash": recipe_hash(recipe),
        "shape": _canonical(shape),
        "shape_hash": recipe_hash(shape),
    }
    _write_whole(path, pa.record_batch(columns, metadata=metadata))


def open_shard(path: Path, expected_hash: str | None = None) -> Shard:
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
        shape = json.loads(metadata["shape"])
        if metadata["shape_hash"] != recipe_hash(shape):
            raise DamagedPackError(f"{path}: the shape inside does not have the hash it carries")
        return _shard(path, batch, shape)
    except _MISREAD as error:
        raise DamagedPackError(f"{path}: truncated or not a packed file ({error})") from error


def _check_recipe(path: Path, metadata: Mapping[str, str], expected_hash: str | None) -> None:
    if metadata.get("format") != FORMAT:
        raise DamagedPackError(f"{path}: packed format {metadata.get('format')}, expected {FORMAT}")
    if metadata["hash"] != recipe_hash(json.loads(metadata["recipe"])):
        raise DamagedPackError(f"{path}: the recipe inside does not have the hash it carries")
    if expected_hash is not None and metadata["hash"] != expected_hash:
        raise DamagedPackError(f"{path}: made by recipe {metadata['hash']}, expected {expected_hash}")


def _shard(path: Path, batch: pa.RecordBatch, shape: Mapping[str, Any]) -> Shard:
    names = tuple(batch.column("name").to_pylist())
    if not all(isinstance(name, str) for name in names):
        raise ValueError("its names are no text")
    images = _view(batch.column("image")).reshape(*shape["images"], 3)
    labels = _view(batch.column("label")).reshape(shape["labels"])
    digests = _view(batch.column("digest")).reshape(-1, 16)
    if not len(images) == len(labels) == len(digests) == len(names):
        raise ValueError("its columns differ in length")
    return Shard(images, labels, names, digests, path, int(shape["first"]), int(shape["total"]))


def _write_whole(path: Path, batch: pa.RecordBatch) -> None:
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{UNFINISHED}")
    try:
        with temporary.open("wb") as stream:
            with pa.ipc.new_file(stream, batch.schema) as writer:
                writer.write_batch(batch)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException as error:
        # on a full disk an unfinished file would take the space of the next one
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = str(path)
        raise
    flush_to_disk(path.parent)


def _fixed_size(rows: np.ndarray) -> pa.Array:
    buffer = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.Array.from_buffers(pa.binary(rows.shape[1]), len(rows), [None, buffer])


def _view(column: pa.Array) -> np.ndarray:
    return np.frombuffer(column.buffers()[1], np.uint8, count=len(column) * column.type.byte_width)


def _digests(content: Content) -> list[bytes]:
    digests = []
    for image, label, name in zip(content.images, content.labels, content.names, strict=True):
        # hashing an array in place, unlike bytes of it, lets other threads hash at the same time without a copy
        digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16)
        digest.update(np.ascontiguousarray(label).data)
        digest.update(name.encode())
        digests.append(digest.digest())
    return digests


def _canonical(recipe: Mapping[str, Any]) -> str:
    return json.dumps(recipe, sort_keys=True, separators=(",", ":"))
