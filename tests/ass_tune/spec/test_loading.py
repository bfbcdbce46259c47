"""How files, their bases and overrides become one study, and how all mistakes come at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ass_tune.spec import SpecErrors, load
from ass_tune.spec.errors import cut
from ass_tune.spec.hyperparameters import Choice, Grid, LogUniform, Uniform
from trainables.curves import CurvesConfig

BASE = """\
study: base
trainable: curves
domains: synthetic
profile: synthetic
ablate:
  adaptor: [joint, ga, ga+csa]
  labeled_images: [5, 20]
tune:
  lambda_sadv: {type: log_uniform, low: 1e-2, high: 1e2}
search: {sampler: tpe, trials_per_cell: 8}
prune: {pruner: median, start: 0.5}
fixed: {noise: 0.1, fail_at: 30}
train: {iterations: 40, evaluate_every: 10}
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    monkeypatch.chdir(tmp_path)

    def file(name: str, text: str) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    file("base.yaml", BASE)
    return file


def lines(path: Path, *overrides: str) -> list[str]:
    with pytest.raises(SpecErrors) as raised:
        load(path, overrides)
    return [str(error) for error in raised.value.errors]


def test_all_mistakes_of_a_file_come_at_once_sorted_by_line(write: Callable[[str, str], Path]) -> None:
    path = write(
        "many.yaml",
        """\
study: many/mistakes
trainable: curves
domains: sinthetic
profile: synthetic
ablate:
  adaptor: [joint, gaa]
tune:
  lambda_sad: {type: uniform, low: 2, high: 1}
  lr: {type: grid, values: [0.1, 0]}
search: {trials_per_cell: 4}
prune: {pruner: median, strat: 0.5}
train: {iterations: 40, evaluate_every: 15}
train: {}
""",
    )
    assert lines(path) == [
        "many.yaml:1: study: found 'many/mistakes'; allowed: letters, digits, dots, _ and -, a letter or digit first",
        "many.yaml:3: domains: found 'sinthetic'; allowed: synthetic; did you mean 'synthetic'?",
        "many.yaml:6: ablate.adaptor[1]: found 'gaa'; allowed: joint, ga or ga+csa; did you mean 'ga'?",
        f"many.yaml:8: tune.lambda_sad: unknown variable of curves; allowed: {', '.join(CurvesConfig.tunable())}; "
        "did you mean 'lambda_sadv'?",
        "many.yaml:8: tune.lambda_sad.low: found 2, which is above high (1); allowed: low < high",
        "many.yaml:9: tune.lr.type: found 'grid', which sampler tpe cannot do; allowed: search.sampler: grid, "
        "or type: choice",
        "many.yaml:9: tune.lr.values[1]: found 0; allowed: a number above 0",
        "many.yaml:11: prune.strat: unknown key; allowed: pruner, start, startup_trials, arguments, around; "
        "did you mean 'start'?",
        "many.yaml:12: train.evaluate_every: found 15, which does not divide iterations (40); allowed: a divisor of it",
        "many.yaml:13: train: found the key a second time, first on line 12; allowed: once",
    ]


@pytest.mark.parametrize("field", ["trainable", "domains", "profile"])
def test_an_empty_name_is_an_unknown_one(write: Callable[[str, str], Path], field: str) -> None:
    [line] = lines(Path("base.yaml"), f"{field}=''")
    assert line.startswith(f"--set {field}: found ''; allowed: ")


def test_numbers_need_no_dot_before_an_exponent(write: Callable[[str, str], Path]) -> None:
    domain = load(Path("base.yaml")).tune["lambda_sadv"]
    assert isinstance(domain, LogUniform)
    assert (domain.low, domain.high) == (0.01, 100.0)


@pytest.mark.parametrize("text", ["no", "off", "yes", "2020-01-01", "1_000", "1:30"])
def test_yaml_1_1_words_are_text(write: Callable[[str, str], Path], text: str) -> None:
    [line] = lines(write("x.yaml", BASE.replace("noise: 0.1", f"noise: {text}")))
    assert line == f"x.yaml:12: fixed.noise: found '{text}'; allowed: a number"


def test_a_file_is_laid_on_its_base(write: Callable[[str, str], Path]) -> None:
    spec = load(
        write(
            "studies/over.yaml",
            """\
extends: ../base.yaml
study: over
ablate: {adaptor: [ga]}
train: {iterations: 80}
""",
        )
    )
    assert spec.study == "over"
    assert spec.ablate == {"adaptor": ("ga",), "labeled_images": (5, 20)}
    assert (spec.train.iterations, spec.train.evaluate_every) == (80, 10)


def test_a_hyperparameter_of_another_type_replaces_that_of_the_base(write: Callable[[str, str], Path]) -> None:
    over = "extends: base.yaml\ntune: {lambda_sadv: {type: choice, values: [1, 3]}}\n"
    domain = load(write("over.yaml", over)).tune["lambda_sadv"]
    assert isinstance(domain, Choice)
    assert domain.values() == (1, 3)


def test_null_takes_away_what_the_base_has_but_is_a_value_under_fixed(write: Callable[[str, str], Path]) -> None:
    spec = load(write("over.yaml", "extends: base.yaml\ntune: {lambda_sadv: null}\nfixed: {fail_at: null}\n"))
    assert spec.tune == {}
    assert spec.fixed == {"noise": 0.1, "fail_at": None}


def test_mistakes_name_the_file_that_they_came_from(write: Callable[[str, str], Path]) -> None:
    write("wrong.yaml", BASE.replace("start: 0.5", "start: 5"))
    path = write("over.yaml", "extends: wrong.yaml\nstudy: over\ntrain: {iterations: 0}\n")
    assert lines(path) == [
        "over.yaml:3: train.iterations: found 0; allowed: a number above 0",
        "wrong.yaml:11: prune.start: found 5; allowed: a number below 1",
    ]


def test_a_missing_base_is_one_mistake(write: Callable[[str, str], Path]) -> None:
    assert lines(write("over.yaml", "study: over\nextends: bsae.yaml\n")) == [
        "over.yaml:2: extends: found no file 'bsae.yaml'; allowed: a search-space file; did you mean 'base.yaml'?"
    ]


def test_a_base_is_a_search_space_file_and_nothing_else_is_read(write: Callable[[str, str], Path]) -> None:
    Path("device.yaml").symlink_to("/dev/zero")
    Path("memory.yaml").symlink_to("/proc/self/mem")
    secret = write("secret.txt", "password: s3cret\n").resolve()
    expected = {
        "device.yaml": "found the device 'device.yaml'; allowed: a search-space file",
        "memory.yaml": "found 'memory.yaml': Input/output error; allowed: a readable search-space file",
        "base.yaml/x.yaml": "found no file 'base.yaml/x.yaml'; allowed: a search-space file",
        f"{'a' * 300}.yaml": f"found '{'a' * 57}...': File name too long; allowed: a readable search-space file",
        str(secret): f"found '{cut(str(secret))}'; allowed: a file name that ends in .yaml or .yml",
    }
    for base, message in expected.items():
        assert lines(write("over.yaml", f"extends: {base}\n")) == [f"over.yaml:1: extends: {message}"]


def test_a_chain_of_files_has_an_end(write: Callable[[str, str], Path]) -> None:
    for number in range(1, 9):
        write(f"{number}.yaml", f"extends: {number - 1}.yaml\nstudy: s{number}\n")
    write("0.yaml", BASE)
    assert load(Path("4.yaml")).study == "s4"
    assert lines(Path("8.yaml")) == [
        "4.yaml:1: extends: found a chain of more than 5 files; allowed: at most 5",
    ]


def test_a_file_that_goes_on_and_on_is_not_read_to_its_end(write: Callable[[str, str], Path]) -> None:
    with write("long.yaml", BASE).open("ab") as file:
        file.truncate(10**12)
    assert lines(Path("long.yaml")) == ["long.yaml: found more than 100000 bytes; allowed: fewer"]


def test_a_thousand_mistakes_are_counted(write: Callable[[str, str], Path]) -> None:
    with pytest.raises(SpecErrors) as raised:
        load(write("x.yaml", BASE + f"replicate: {{seeds: [{'-1, ' * 1000}]}}\n"))
    assert len(raised.value.errors) == 1000
    assert str(raised.value).splitlines()[50:] == ["and 950 more mistakes"]


def test_files_that_extend_each_other_are_refused(write: Callable[[str, str], Path]) -> None:
    write("a.yaml", "extends: b.yaml\n")
    write("b.yaml", "# a comment\nextends: a.yaml\n")
    assert lines(Path("a.yaml")) == [
        "b.yaml:2: extends: found a cycle: a.yaml extends b.yaml extends a.yaml; allowed: no cycle"
    ]


def test_a_base_that_is_no_name_is_refused(write: Callable[[str, str], Path]) -> None:
    assert lines(write("a.yaml", "extends: [b.yaml]\n")) == [
        "a.yaml:1: extends: found ['b.yaml']; allowed: a file name that ends in .yaml or .yml"
    ]


def test_what_is_no_readable_file_is_refused(write: Callable[[str, str], Path]) -> None:
    Path("folder").mkdir()
    Path("latin.yaml").write_bytes(b"study: a\n# caf\xe9\n")
    assert lines(Path("bas.yaml")) == [
        "bas.yaml: found no file 'bas.yaml'; allowed: a search-space file; did you mean 'base.yaml'?"
    ]
    assert lines(Path("folder")) == ["folder: found the directory 'folder'; allowed: a search-space file"]
    assert lines(Path("latin.yaml")) == ["latin.yaml:2: found the byte 0xe9; allowed: UTF-8 text"]
    assert lines(write("bell.yaml", "study: a\nprofile: \a\n")) == [
        "bell.yaml:2: found the character 0x07; allowed: printable text"
    ]


def test_aliases_that_unfold_without_end_are_refused(write: Callable[[str, str], Path]) -> None:
    rows = [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 12)]
    bomb = lines(write("bomb.yaml", "\n".join(["x0: &x0 [1]", *rows])))
    assert any("found aliases that unfold to more than 2000 values; allowed: fewer" in line for line in bomb)
    loop = lines(write("loop.yaml", "ablate: &a {lr: *a}\n"))
    assert any("loop.yaml:1: ablate.lr: found aliases that unfold" in line for line in loop)


def test_an_override_is_laid_on_the_file(write: Callable[[str, str], Path]) -> None:
    overrides = (
        "train.iterations=900",
        "tune.lambda_sadv={type: grid, values: [1e-1, 1]}",
        "search.sampler=grid",
        "prune=none",
        "resources.gpu=0.5",
    )
    spec = load(Path("base.yaml"), overrides)
    domain = spec.tune["lambda_sadv"]
    assert isinstance(domain, Grid)
    assert domain.values() == (0.1, 1)
    assert (spec.train.iterations, spec.prune.pruner, spec.resources.gpu) == (900, "none", 0.5)


def test_an_override_reaches_into_a_hyperparameter(write: Callable[[str, str], Path]) -> None:
    spec = load(Path("base.yaml"), ["tune.lambda_sadv.high=1e3", "tune.lr={type: uniform, low: 0.01, high: 0.1}"])
    assert isinstance(spec.tune["lambda_sadv"], LogUniform)
    assert spec.tune["lambda_sadv"].high == 1000
    assert isinstance(spec.tune["lr"], Uniform)


def test_mistakes_of_overrides_name_the_override(write: Callable[[str, str], Path]) -> None:
    overrides = ("train.iterations=0", "serch.seed=1", "prune.start=2", "nothing", "extends=x.yaml", "study=[1")
    assert lines(Path("base.yaml"), *overrides) == [
        "--set extends: found a base file; allowed: every other field",
        "--set nothing: found 'nothing'; allowed: field=value, e.g. train.iterations=900",
        "--set prune.start: found 2; allowed: a number below 1",
        "--set serch.seed: serch: unknown key; allowed: extends, study, trainable, domains, profile, protocol, "
        "baseline, compare, control, ablate, design, tune, fixed, search, prune, replicate, "
        "train, resources, faults, trackers, checkpoints; did you mean 'search'?",
        "--set study: found text that is not YAML: while parsing a flow sequence, expected ',' or ']', "
        "but got '<stream end>'",
        "--set train.iterations: found 0; allowed: a number above 0",
    ]


def test_an_override_of_no_field_is_refused(write: Callable[[str, str], Path]) -> None:
    deep = ".".join("a" * 100)
    assert lines(Path("base.yaml"), f"{deep}=1", "tune..lr=1", "=1", "a\u202e=1", "search.seed=!!int 1") == [
        "--set : found '=1'; allowed: field=value, e.g. train.iterations=900",
        f"--set {cut(deep)}: found '{cut(deep)}'; allowed: field=value, e.g. train.iterations=900",
        "--set a\N{REPLACEMENT CHARACTER}: found 'a\N{REPLACEMENT CHARACTER}=1'; "
        "allowed: field=value, e.g. train.iterations=900",
        "--set search.seed: found the tag !!int; allowed: no tags",
        "--set tune..lr: found 'tune..lr=1'; allowed: field=value, e.g. train.iterations=900",
    ]


def test_an_empty_mapping_that_would_change_nothing_is_refused(write: Callable[[str, str], Path]) -> None:
    said = "found {}, which changes nothing: mappings merge, so tune.lambda_sadv would stay; allowed: null, which takes"
    [line] = lines(Path("base.yaml"), "tune={}")
    assert line.startswith(f"--set tune: {said} all of it away")
    [line] = lines(write("over.yaml", "extends: base.yaml\ntune: {}\n"))
    assert line.startswith(f"over.yaml:2: tune: {said}")
    assert load(Path("base.yaml"), ["tune=null", "tune={}", "control={}"]).tune == {}


def test_an_override_without_a_value_is_refused(write: Callable[[str, str], Path]) -> None:
    said = "found no value; allowed: a value, or null, which takes the field away"
    assert lines(Path("base.yaml"), "train.iterations=", "tune= ") == [
        f"--set train.iterations: {said}",
        f"--set tune: {said}",
    ]


def test_of_two_overrides_of_a_field_the_last_one_counts(write: Callable[[str, str], Path]) -> None:
    assert load(Path("base.yaml"), ["train.iterations=80", "train.iterations=90"]).train.iterations == 90


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.iteratons=5", "--set train.iteratons: unknown key; allowed: iterations, evaluate_every; did you mean"),
        (
            "tune.lambda_sadv.hihg=5",
            "--set tune.lambda_sadv.hihg: unknown key; allowed: when, type, low, high; did you",
        ),
        ('study="base', "--set study: found text that is not YAML: while scanning a quoted scalar"),
        ("'train.iterations=5'", "--set 'train.iterations: 'train: unknown key; allowed: "),
    ],
)
def test_a_mistyped_override_gets_one_clear_line(write: Callable[[str, str], Path], override: str, said: str) -> None:
    [line] = lines(Path("base.yaml"), override)
    assert line.startswith(said)


def test_what_a_file_lacks_is_no_mistake_of_an_override(write: Callable[[str, str], Path]) -> None:
    write("x.yaml", BASE.replace("profile: synthetic\n", ""))
    assert lines(Path("x.yaml"), "study=other", "train=null") == [
        "--set train: missing required key (Length of every trial)",
        "x.yaml:1: profile: missing required key (Named set of defaults of the trainable)",
    ]


def test_an_override_can_break_what_the_file_says(write: Callable[[str, str], Path]) -> None:
    assert lines(Path("base.yaml"), "train.iterations=45") == [
        "base.yaml:13: train.evaluate_every: found 10, which does not divide iterations (45); allowed: a divisor of it"
    ]
