"""Files that name what installed packages add, and packages that are broken: one error at its line, and only there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from ass_tune.ledger.terms import EXTENSIONS, terms_of
from ass_tune.search.pruners import make_pruner
from ass_tune.search.samplers import make_sampler
from ass_tune.spec import SpecErrors, load
from ass_tune.spec.schema import SCHEMA_FILE, main
from tests.support.examples import EXAMPLES
from tests.support.packages import Packages
from trainables.mistakes import ExitCode

FILE = """study: added
trainable: {trainable}
domains: {domains}
profile: {profile}
ablate: {{adaptor: [{adaptor}]}}
tune: {{lr: {{type: uniform, low: 0.01, high: 0.1}}}}
fixed: {{labeled_images: 5}}
search: {{sampler: {sampler}, trials_per_cell: 2}}
prune: {{pruner: {pruner}, arguments: {arguments}}}
train: {{iterations: 100, evaluate_every: 10}}
"""
USUAL = {
    "trainable": "ass",
    "domains": "streets",
    "profile": "laptop",
    "adaptor": "ga",
    "sampler": "tpe",
    "pruner": "median",
    "arguments": "{}",
}
Write = Callable[[str], Path]


def file(**values: str) -> str:
    return FILE.format(**{**USUAL, **values})


@pytest.fixture
def broken(packages: Packages) -> None:
    """A package of each kind that raises as soon as it is imported."""
    for kind in ("trainables", "adaptors", "samplers", "pruners", "pairs", "trackers"):
        packages.install(f"ass-bad-{kind}", f"ass_tune.{kind}", {"bad": "bad:Bad"}, bad="raise RuntimeError('boom')")


@pytest.mark.usefixtures("broken")
def test_a_study_that_does_not_use_them_knows_nothing_of_broken_packages(write_file: Write) -> None:
    load(write_file(file()))
    load(write_file(file(pruner="percentile", arguments="{percentile: 50}")))


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"trainable": "bad"}, 2),
        ({"adaptor": "joint, bad"}, 2),
        ({"adaptor": "ga+bad"}, 2),
        ({"sampler": "bad"}, 8),
        ({"pruner": "bad"}, 9),
    ],
)
def test_a_study_that_uses_one_gets_one_error_at_its_line(values: dict[str, str], line: int, write_file: Write) -> None:
    with pytest.raises(SpecErrors) as errors:
        load(write_file(file(**values)))
    (said,) = str(errors.value).strip().splitlines()
    assert f":{line}:" in said or f"line {line}" in said
    assert "of package ass-bad-" in said and "cannot be used: importing bad:Bad fails with RuntimeError: boom" in said


def test_a_sampler_and_a_pruner_of_a_package_are_made(packages: Packages, write_file: Write) -> None:
    modules = {
        name.partition("/")[2].removesuffix(".py"): text
        for name, text in EXAMPLES.items()
        if name.startswith("searching/") and name.endswith(".py")
    }
    packages.install("ass-s", "ass_tune.samplers", {"corners": "ass_searching:CORNERS"}, **modules)
    packages.install("ass-p", "ass_tune.pruners", {"first_report": "ass_searching:FIRST_REPORT"})
    with pytest.raises(SpecErrors, match="missing lower, which pruner first_report needs"):
        load(write_file(file(pruner="first_report")))
    spec = load(write_file(file(sampler="corners", pruner="first_report", arguments="{lower: 30}")))
    study = optuna.create_study(sampler=make_sampler("corners", {}, 0, "c", 0), pruner=make_pruner(spec))
    drawn = {study.ask().suggest_float("x", 0.25, 0.75) for _ in range(8)}
    assert drawn == {0.25, 0.75}
    trial = study.ask()
    trial.report(29.0, 10)
    trial.report(99.0, 20)
    assert trial.should_prune()


def test_the_code_of_an_adaptor_is_among_the_terms_of_a_study_that_uses_it(
    packages: Packages, write_file: Write
) -> None:
    packages.install(
        "ass-entropy",
        "ass_tune.adaptors",
        {"entropy": "ass_entropy:Entropy"},
        ass_entropy=EXAMPLES["entropy/ass_entropy.py"],
    )
    assert EXTENSIONS not in terms_of(load(write_file(file())))
    terms = terms_of(load(write_file(file(adaptor="joint, entropy"))))
    assert list(terms[EXTENSIONS]) == ["entropy"]


def test_an_unknown_adaptor_is_told_those_of_packages_too(packages: Packages, write_file: Write) -> None:
    packages.install("ass-bad", "ass_tune.adaptors", {"entropy": "bad:Bad"}, bad="raise RuntimeError('boom')")
    with pytest.raises(SpecErrors, match=r"found 'entropi'; allowed: oracle, .*entropy.*; did you mean 'entropy'\?"):
        load(write_file(file(adaptor="entropi")))


def test_the_schema_of_an_installation_knows_what_packages_add(packages: Packages, tmp_path: Path) -> None:
    packages.install(
        "ass-entropy",
        "ass_tune.adaptors",
        {"entropy": "ass_entropy:Entropy"},
        ass_entropy=EXAMPLES["entropy/ass_entropy.py"],
    )
    assert main([str(tmp_path / "mine.json")]) is ExitCode.FINISHED
    names = json.loads((tmp_path / "mine.json").read_text())["properties"]["tune"]["propertyNames"]["enum"]
    shipped = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))["properties"]["tune"]["propertyNames"]["enum"]
    assert set(names) - set(shipped) == {"lambda_entropy"}


@pytest.mark.usefixtures("broken")
def test_the_schema_of_an_installation_with_a_broken_package_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "mine.json")]) is ExitCode.USER_MISTAKE
    assert not (tmp_path / "mine.json").exists()
    assert "of package ass-bad-" in capsys.readouterr().err
