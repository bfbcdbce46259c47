from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.damage import spoiled
from trainables.domains import pairs
from trainables.domains.packed import PackedSet, shard_files
from trainables.domains.pairs import PAIRS, DomainPair, labeled_pool, open_pair, recipe_version
from trainables.domains.prepare import prepare_pair
from trainables.domains.recipe import SETS, MissingData
from trainables.domains.shard import open_shard
from trainables.domains.streets.recipe import Streets

SIZES = {"source": 6, "target_train": 4, "target_select": 3, "target_report": 2}
HEADER = f"""
import os, resource, signal, sys, time
from pathlib import Path
import numpy as np
from trainables.domains.domain_pair import DomainPair
from trainables.domains.recipe import Content
from trainables.domains.streets.recipe import Streets

cache = Path(sys.argv[1])

class Logged(Streets):
    def build(self, set_name, data_root, rows):
        with (cache / "builds").open("a") as log:
            log.write(f"{{os.getpid()}} {{set_name}}\\n")
        time.sleep(0.3)
        return super().build(set_name, data_root, rows)

recipe = Logged(sizes={SIZES})
"""


def _start(script: str, cache: Path) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", HEADER + script, str(cache)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def _small(cache: Path, seed: int = 0) -> DomainPair:
    return DomainPair(Streets(sizes=SIZES, seed=seed), cache, None)


def _packs(cache: Path) -> list[Path]:
    return sorted(cache.glob("*/*.arrow"))


def _verify(packed: PackedSet) -> None:
    for file in shard_files(packed.path):
        open_shard(file).verify()


def test_a_set_is_packed_when_first_used_and_no_other(tmp_path: Path) -> None:
    pair = _small(tmp_path)
    assert not _packs(tmp_path)
    assert pair.target_select is pair.target_select
    (pack,) = _packs(tmp_path)
    assert pack.parent.name.startswith("streets-target_select-")


def test_a_pack_is_named_by_its_recipe(tmp_path: Path) -> None:
    first, other = _small(tmp_path).source, _small(tmp_path, seed=1).source
    assert first.path != other.path
    assert (first.images[:] != other.images[:]).any()


def test_an_intact_pack_is_not_made_again(tmp_path: Path) -> None:
    written = _small(tmp_path).source.path.stat().st_mtime_ns
    assert _small(tmp_path).source.path.stat().st_mtime_ns == written


@pytest.mark.parametrize("damage", ["truncated", "of another recipe", "flipped"])
def test_a_damaged_pack_is_made_again_with_a_notice(tmp_path: Path, damage: str) -> None:
    packed = _small(tmp_path).source
    (path,) = shard_files(packed.path)
    expected, content = packed.images[:].copy(), path.read_bytes()
    if damage == "of another recipe":
        shard_files(_small(tmp_path, seed=1).source.path)[0].replace(path)
    else:
        path.unlink()
        flipped = bytes([content[10_000] ^ 1])
        altered = content[:-100] if damage == "truncated" else content[:10_000] + flipped + content[10_001:]
        path.write_bytes(altered)
    pair = _small(tmp_path)
    assert pair.source.path == packed.path
    assert (pair.source.images[:] == expected).all()
    _verify(pair.source)
    (notice,) = pair.take_notices()
    assert notice.startswith(str(path))
    assert pair.take_notices() == []


def test_making_a_pack_for_the_first_time_is_not_worth_a_notice(tmp_path: Path) -> None:
    pair = _small(tmp_path)
    assert len(pair.source) == 6
    assert pair.take_notices() == []


@pytest.mark.chaos
def test_any_damage_to_a_pack_is_noticed_and_mended_or_harmless(tmp_path: Path) -> None:
    chance, packed = random.Random(0), _small(tmp_path).source
    (path,) = shard_files(packed.path)
    content, images, labels = path.read_bytes(), packed.images[:].copy(), packed.labels[:].copy()
    noticed = 0
    for case in range(50):
        path.unlink()
        path.write_bytes(spoiled(content, chance, cut=0.3))
        os.utime(path, ns=(case, case))
        pair = _small(tmp_path)
        assert (pair.source.images[:] == images).all()
        assert (pair.source.labels[:] == labels).all()
        assert pair.source.names == packed.names
        noticed += len(pair.take_notices())
    assert noticed > 40


def test_preparing_warns_of_what_was_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "PAIRS", {"small": Streets(name="small", sizes=SIZES)})
    prepare_pair("small", tmp_path, None)
    assert len(_packs(tmp_path)) == len(SETS)
    assert not caplog.records
    (path,) = tmp_path.glob("small-target_select-*/*.arrow")
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    prepare_pair("small", tmp_path, None)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert str(path) in record.getMessage()
    assert path.read_bytes() == content


def test_processes_that_start_at_once_build_one_file(tmp_path: Path) -> None:
    script = "print(*DomainPair(recipe, cache, None).source.path.glob('*.arrow'))"
    processes = [_start(script, tmp_path) for _ in range(3)]
    paths = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert paths == {str(path) for path in _packs(tmp_path)}
    assert len(paths) == 1
    assert len((tmp_path / "builds").read_text().splitlines()) == 1
    open_shard(_packs(tmp_path)[0]).verify()


def test_a_writer_killed_while_it_holds_the_lock_is_harmless(tmp_path: Path) -> None:
    script = """
class Stuck(Streets):
    def build(self, set_name, data_root, rows):
        print("building", flush=True)
        time.sleep(600)

DomainPair(Stuck(sizes=recipe.sizes), cache, None).source
"""
    writer = _start(script, tmp_path)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "building\n"
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    _verify(_small(tmp_path).source)


def test_a_writer_killed_in_the_middle_of_the_file_is_harmless(tmp_path: Path) -> None:
    # The kernel kills a process that writes beyond its file size limit: a kill at an exact byte.
    script = """
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
DomainPair(recipe, cache, None).source
"""
    writer = _start(script, tmp_path)
    writer.communicate()
    assert writer.returncode == -signal.SIGXFSZ
    assert not _packs(tmp_path)
    (leftover,) = tmp_path.glob("*/*.tmp")
    assert 0 < leftover.stat().st_size <= 100_000
    _verify(_small(tmp_path).source)
    assert not leftover.exists()


def test_an_unknown_pair_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown domain pair 'street', known are streets, idda-camvid"):
        open_pair("street", tmp_path)


def test_a_real_pair_without_data_fails_at_once(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="idda-camvid is not complete in"):
        open_pair("idda-camvid", tmp_path / "cache", tmp_path)


def test_pool_and_version_need_no_files() -> None:
    cityscapes = {name: 2616 for name in PAIRS if name.endswith(("-cityscapes", "-cityscapes-half"))}
    assert len(cityscapes) == 5
    assert {name: labeled_pool(name) for name in PAIRS} == {"streets": 400, "idda-camvid": 367, **cityscapes}
    versions = [recipe_version(name) for name in PAIRS]
    assert len({*versions}) == len(PAIRS)
    assert versions == [recipe_version(name) for name in PAIRS]


def test_images_held_out_for_selection_are_trained_on_only_where_the_paper_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Streets(name="small", sizes=SIZES, held_out=3)
    monkeypatch.setattr(pairs, "PAIRS", {"small": recipe})
    assert (labeled_pool("small", "split"), labeled_pool("small", "paper")) == (1, 4)
    pair = DomainPair(recipe, tmp_path, None)
    assert (pair.pool("split"), pair.pool("paper")) == (1, 4)


def test_the_version_is_the_same_in_another_process(tmp_path: Path) -> None:
    script = "from trainables.domains.pairs import recipe_version\nprint(recipe_version('streets'))"
    assert _start(script, tmp_path).communicate()[0].strip() == recipe_version("streets")


def test_every_recipe_describes_each_of_its_sets_differently() -> None:
    for recipe in PAIRS.values():
        assert set(recipe.sizes) == set(SETS)
        assert all(recipe.describe(name) for name in SETS)


def test_the_data_part_imports_no_torch(tmp_path: Path) -> None:
    assert _start("assert 'torch' not in sys.modules", tmp_path).wait() == 0
