from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.dataset.tables import Packing
from analysis.export.write import write_export
from analysis.load import load_study
from analysis.pictures import read_pictures
from trainables.confusions import confusions_from_parquet, confusions_to_parquet
from trainables.domains.classes import ClassSet
from trainables.predictions import predictions_to_parquet

COUNTS, PICTURES = "report_confusions.parquet", "predictions.parquet"
CLASSES = ClassSet(("road", "car"), ((1, 2, 3), (4, 5, 6)))


def counts(
    seed: int,
    images: tuple[str, ...] = ("a", "b"),
    classes: tuple[str, ...] = CLASSES.names,
    units: tuple[str, ...] | None = None,
) -> bytes:
    numbers = np.random.default_rng(seed).integers(0, 99, (len(images), len(classes), len(classes)))
    return confusions_to_parquet(numbers, images, classes, units, "image" if units is None else "block")


def predictions(seed: int, names: tuple[str, ...] = ("a", "b"), pixels: int = 0, classes: ClassSet = CLASSES) -> bytes:
    shape = (len(names), 6, 8)
    images = np.random.default_rng(pixels).integers(0, 256, (*shape, 3), np.uint8)
    prediction = np.random.default_rng(seed).integers(0, 2, shape, np.uint8)
    return predictions_to_parquet(names, images, np.zeros(shape, np.uint8), prediction, classes)


def with_another_column(content: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(content))
    sink = pa.BufferOutputStream()
    pq.write_table(table.append_column("note", pa.array(["x"] * len(table))), sink)
    return sink.getvalue().to_pybytes()


def packed(path: str, *contents: bytes) -> Packing:
    packing = Packing()
    for number, content in enumerate(contents):
        packing.add(f"run{number}", path, content)
    return packing


def test_an_image_is_kept_once_for_all_trials() -> None:
    tables = packed(PICTURES, predictions(1), predictions(2), predictions(3, names=("a",))).tables()
    assert len(tables["predictions"]) == 5
    assert tables["images"]["image"].to_pylist() == ["a", "b"]
    assert "files" not in tables


def test_trials_may_have_seen_other_images_of_the_same_classes() -> None:
    tables = packed(COUNTS, counts(1), counts(2, images=("c",))).tables()
    assert tables["confusions"]["image"].to_pylist() == ["a", "b", "c"]
    assert tables["confusions"]["run"].to_pylist() == ["run0", "run0", "run1"]
    of_c = confusions_from_parquet(counts(2, images=("c",)))
    assert tables["confusions"]["counts"].to_pylist()[2] == of_c.counts.ravel().tolist()


def test_the_unit_of_each_image_is_kept() -> None:
    tables = packed(COUNTS, counts(1, units=("x/1", "x/1")), counts(2, units=("x/1", "x/2"))).tables()
    assert tables["confusions"]["unit"].to_pylist() == ["x/1", "x/1", "x/1", "x/2"]
    assert tables["confusions"].schema.metadata[b"resample_by"] == b'"block"'
    mixed = packed(COUNTS, counts(1, units=("x/1", "x/1")), counts(2)).tables()
    assert mixed["files"]["run"].to_pylist() == ["run1"]


@pytest.mark.parametrize(
    ("path", "first", "other"),
    [
        (COUNTS, counts(1), counts(2, classes=("road", "bus"))),
        (COUNTS, counts(1), counts(2, classes=("road", "car", "bus"))),
        (COUNTS, counts(1), with_another_column(counts(2))),
        (COUNTS, counts(1), counts(2, images=())),
        (COUNTS, counts(1), b"damaged"),
        (PICTURES, predictions(1), predictions(2, pixels=1)),
        (PICTURES, predictions(1), predictions(2, classes=ClassSet(CLASSES.names, ((9, 9, 9), (4, 5, 6))))),
        (PICTURES, predictions(1), with_another_column(predictions(2))),
        (PICTURES, predictions(1), predictions(1)[:-9]),
    ],
)
def test_a_file_that_the_tables_cannot_hold_is_kept_byte_for_byte(path: str, first: bytes, other: bytes) -> None:
    tables = packed(path, first, other).tables()
    assert tables["files"].to_pylist() == [{"run": "run1", "path": path, "content": other}]
    assert len(tables["confusions" if path == COUNTS else "predictions"]) == 2


def test_such_files_come_out_of_an_export_beside_the_others(exported: Path, tmp_path: Path) -> None:
    study = load_study(exported)
    first, second = study.frame["run"][study.frame["chosen"]][:2]
    other = {(second, COUNTS): counts(1), (second, PICTURES): predictions(1), (first, "panel.png"): b""}

    class Mixed:
        def paths(self, run: str) -> list[str]:
            return list(study.files.paths(run))

        def read(self, run: str, path: str) -> bytes:
            return other.get((run, path)) or study.files.read(run, path)

    write_export(replace(study, files=Mixed()), {}, tmp_path / "mixed")
    back = load_study(tmp_path / "mixed")
    assert back.files.read(second, COUNTS) == counts(1)
    assert back.files.read(second, PICTURES) == predictions(1)
    came_back, were = (confusions_from_parquet(where.files.read(first, COUNTS))[0] for where in (back, study))
    np.testing.assert_array_equal(came_back, were)
    assert [found.image for found in read_pictures(back.files.read(first, PICTURES))] == [
        found.image for found in read_pictures(study.files.read(first, PICTURES))
    ]
    with pytest.raises(FileNotFoundError):
        back.files.read(first, "network.pt")
