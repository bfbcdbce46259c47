from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import pytest

from analysis.experiments import prepare_mlflow
from ass_tune.tracker.recorder import Recorder
from ass_tune.tracker.store import MlflowStore
from tests.support.cluster import Cluster, agree_on_a_token
from tests.support.object_store import ObjectStore, why_there_is_none
from tests.support.object_store import object_store as started
from tests.support.packages import Packages, forget
from tests.support.project import PROJECT
from tests.support.studies import Studies, begin_studies
from trainables.storage import Storage

MARKS = {
    "ray": {"cluster"},
    "training": {"trainer", "tiny_pair"},
    "mlflow": {"migrated"},
    "browser": {"browser"},
    "processes": {"object_store"},
}
"""Marks that a test gets from the fixtures that it uses, directly or not; `make quick` leaves all of them out."""
LONG = {"ray", "browser", "costly", "training", "processes"}
"""Marks of tests that take long."""
STARTS_PROCESSES = {"subprocess", "multiprocessing", "ProcessPoolExecutor"}
"""A module that knows one of these names has tests that start processes."""
agree_on_a_token()
# a shell starts what runs in the background with Ctrl-C ignored, and nohup ignores SIGHUP: processes below inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark each test by what it uses; of those that are wanted, put first what takes long."""
    for item in items:
        assert isinstance(item, pytest.Function)
        for mark, fixtures in MARKS.items():
            if not fixtures.isdisjoint(item.fixturenames):
                item.add_marker(mark)
        if not STARTS_PROCESSES.isdisjoint(vars(item.module)):
            item.add_marker("processes")
        if "benchmarks" in item.path.parts:
            item.add_marker("training")
    yield
    items[:] = in_shares(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def in_shares(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """The tests in an order of which each process of pytest-xdist first gets an equal share, its longest tests first.

    Modules stay whole, since their tests share what takes long to set up. What is left over at the end is then short.
    """
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    long = [
        module for module in modules.values() if any(LONG & {mark.name for mark in i.iter_markers()} for i in module)
    ]
    short = [item for module in modules.values() if module not in long for item in module]
    shares: list[list[pytest.Item]] = [list(chain(*long[number::processes])) for number in range(processes)]
    for number, share in enumerate(shares, 1):
        wanted = len(items) * number // processes - sum(map(len, shares[:number]))
        share += [short.pop(0) for _ in range(min(max(wanted, 0), len(short)))]
    return [item for share in shares for item in share] + short


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Packed data and step times of this test session, which its processes share; none from before it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    folder.mkdir(exist_ok=True)
    before = os.environ.get("ASS_CACHE")
    os.environ["ASS_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["ASS_CACHE"]
    else:
        os.environ["ASS_CACHE"] = before


@pytest.fixture(autouse=True)
def no_secret_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process masks the passwords it was given for good; here each test is a process of its own."""
    monkeypatch.setattr("trainables.credentials._kept", set())


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real data sets; skips where there is none."""
    folder = Path(os.environ.get("ASS_DATA_ROOT", PROJECT.parent / "shared" / "data"))
    if not (folder / "camvid").is_dir():
        pytest.skip("real data: neither ASS_DATA_ROOT nor ../shared/data has the folder camvid")
    return folder.resolve()


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """The S3 of this session; skips where no server can be started."""
    if (reason := why_there_is_none()) is not None:
        pytest.skip(reason)
    with started() as store:
        yield store


@pytest.fixture
def bucket(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, which this process finds by the usual variables."""
    for name, value in object_store.variables.items():
        monkeypatch.setenv(name, value)
    return object_store.bucket()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database fresh from its migrations, which take seconds."""
    prepare_mlflow(retries=0, logging_level="CRITICAL")
    folder = tmp_path_factory.mktemp("migrated")
    store = MlflowStore(f"sqlite:///{folder / 'mlflow.db'}", folder / "mlartifacts")
    Recorder(store, "template", "template", Storage(str(folder))).connect()
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def cluster(cache: Path) -> Iterator[Cluster]:
    """The Ray that the studies of this session share."""
    shared = Cluster()
    yield shared
    shared.stop()


@pytest.fixture
def studies(tmp_path: Path, migrated: Path, cluster: Cluster) -> Studies:
    return begin_studies(tmp_path / "studies", migrated, cluster)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Packages]:
    """A folder in which a test installs packages of its own."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(PROJECT)]))
    installed = Packages(folder, monkeypatch)
    yield installed
    monkeypatch.undo()
    forget()


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a search-space file."""

    def write(text: str) -> Path:
        path = tmp_path / "search_space.yaml"
        path.write_text(text)
        return path

    return write
