"""Every module that a trial imports is declared to decide its outcome, or is listed here with the reason why not."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest

from trainables import curves
from trainables.ass import version
from trainables.domains.file_pair import FilePair
from trainables.domains.pairs import PAIRS
from trainables.domains.readers import READERS
from trainables.domains.recipe import PairRecipe

IN_THE_KEY = "what it sets is part of the key as a value"
MAKES_THE_KEY = "computes the key"
STORES = "gives back what it was given, compared with a checksum"
AFTERWARDS = "writes what was measured before"
REFUSES = "only says why something cannot run"
HARMLESS = {
    "trainables.ass.clock": "measures time",
    "trainables.ass.config": IN_THE_KEY,
    "trainables.ass.profiles": IN_THE_KEY,
    "trainables.ass.version": MAKES_THE_KEY,
    "trainables.ass_memory": REFUSES,
    "trainables.cache": "says where packed data lies",
    "trainables.checkpoints": STORES,
    "trainables.config": IN_THE_KEY,
    "trainables.confusions": AFTERWARDS,
    "trainables.contract": REFUSES,
    "trainables.curves": IN_THE_KEY,
    "trainables.credentials": "masks passwords in messages",
    "trainables.domains.data_files": IN_THE_KEY,
    "trainables.domains.expected_files": REFUSES,
    "trainables.domains.file_digests": "hashes files for what is in the key",
    "trainables.domains.listing": "which files it lists, in which order, is part of the key by their digests",
    "trainables.domains.missing": REFUSES,
    "trainables.domains.name_list": "as listing",
    "trainables.domains.pack": STORES,
    "trainables.domains.packing": STORES,
    "trainables.domains.pair_file": IN_THE_KEY,
    "trainables.domains.pair_values": IN_THE_KEY,
    "trainables.domains.pairs": "finds a pair by its name",
    "trainables.domains.processes": "starts and ends processes",
    "trainables.domains.progress": "says how far packing is",
    "trainables.domains.added_pairs": "finds the recipes of packages, which say what decides their images",
    "trainables.domains.readers": "finds a reader by its name",
    "trainables.domains.recipe": "says what a pair has to have",
    "trainables.domains.shard": STORES,
    "trainables.domains.shipped": IN_THE_KEY,
    "trainables.domains.verified": STORES,
    "trainables.extensions": "finds packages, whose code is part of the key of trials that use it",
    "trainables.file_systems": "opens where files are",
    "trainables.gpu_share": REFUSES,
    "trainables.mistakes": REFUSES,
    "trainables.objective": "names what is measured",
    "trainables.panel": AFTERWARDS,
    "trainables.patience": "waits for files that cannot be reached",
    "trainables.predictions": AFTERWARDS,
    "trainables.preemption": "says when a trial is interrupted between two iterations",
    "trainables.storage": STORES,
    "trainables.version": MAKES_THE_KEY,
    "trainables.words": "names metrics and cells",
}
DECLARED = {
    "trainables.ass_trainable": version.DECIDES,
    "trainables.curves_trainable": curves.DECIDES,
}


def file_of(module: str) -> Path | None:
    """The file of a module of this project; None for what is no module of it, such as a function."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


def imported(modules: Iterable[str]) -> set[str]:
    """All modules of `trainables` that these import, and those that these import, and so on; without packages."""
    found: set[str] = set()
    to_read = list(modules)
    while to_read:
        module = to_read.pop()
        if module in found or not module.startswith("trainables.") or not (file := file_of(module)):
            continue
        if file.name != "__init__.py":
            found.add(module)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                to_read += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def declared_by(recipe: PairRecipe) -> set[str]:
    modules = set(sys.modules[type(recipe).__module__].DECIDES)
    if isinstance(recipe, FilePair):
        for images in (recipe.definition.source, recipe.definition.target):
            modules |= set(READERS[images.reader].decides)
    return modules


@pytest.mark.parametrize("trainable", DECLARED)
def test_what_a_trial_imports_is_declared_or_harmless(trainable: str) -> None:
    of_pairs = set().union(*map(declared_by, PAIRS.values()))
    assert imported([trainable]) - set(DECLARED[trainable]) - HARMLESS.keys() - of_pairs == set()


@pytest.mark.parametrize("name", PAIRS)
def test_what_a_pair_imports_is_declared_or_harmless(name: str) -> None:
    declared = declared_by(PAIRS[name]) | set(version.DECIDES)
    assert type(PAIRS[name]).__module__ in declared
    of_other_readers = set().union(*(reader.decides for reader in READERS.values()))
    assert imported(declared_by(PAIRS[name])) - declared - of_other_readers - HARMLESS.keys() == set()


def test_nothing_is_declared_and_harmless_at_once() -> None:
    declared = {*version.DECIDES, *curves.DECIDES}.union(*map(declared_by, PAIRS.values()))
    assert declared & HARMLESS.keys() == set()


def test_every_harmless_module_is_one_that_a_trial_imports() -> None:
    assert HARMLESS.keys() - imported(DECLARED) == set()
