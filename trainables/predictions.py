"""A network's predictions for a few images, as a Parquet file, to compare adaptors on the same images."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from trainables.domains.classes import ClassSet
from trainables.panel import resized_image, resized_labels, shown_size

COLUMNS = ("pixels", "truth", "prediction")


def predictions_to_parquet(
    names: Sequence[str], images: np.ndarray, truth: np.ndarray, prediction: np.ndarray, classes: ClassSet
) -> bytes:
    """One row per image: its name, and as PNGs its pixels (RGB) and the class ids of truth and prediction (gray).

    Args:
        names: n names of images.
        images: (n, H, W, 3) uint8.
        truth: (n, H', W') uint8; labels are kept at the size of the images, large images are shrunk as in panels.
        prediction: as `truth`.
        classes: names and colours, kept in the schema's metadata.
    """
    width, height = shown_size(images, enlarge=False)
    pictures = {
        "pixels": [_png(resized_image(image, (width, height))) for image in images],
        "truth": [_png(resized_labels(labels, (width, height))) for labels in truth],
        "prediction": [_png(resized_labels(labels, (width, height))) for labels in prediction],
    }
    columns = {"image": pa.array(names, pa.string())}
    columns |= {name: pa.array(pictures[name], pa.binary()) for name in COLUMNS}
    metadata = {"classes": json.dumps(classes.names), "colors": json.dumps(classes.colors)}
    sink = pa.BufferOutputStream()
    table = pa.table(columns).replace_schema_metadata(metadata)
    pq.write_table(table, sink, compression="none", write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def _png(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", optimize=True)
    return stream.getvalue()
