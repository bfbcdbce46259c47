"""No source of the project runs what it reads: no unpickling, no evaluated text, no shell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import PROJECT

SOURCES = sorted(path for path in PROJECT.glob("[a-z]*/**/*.py") if path.relative_to(PROJECT).parts[0] != "tests")
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
UNSAFE_FUNCTIONS = {
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.Loader", "yaml.UnsafeLoader"),
    *("os.system", "os.popen", "tempfile.mktemp", "pandas.read_pickle"),
}


def unsafe(source: str) -> Iterator[str]:
    """What of a source could run what it reads, or write where somebody else expects it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in UNSAFE_MODULES)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNSAFE_MODULES:
            yield str(node.module)
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in names if name in {*UNSAFE_FUNCTIONS, "torch.load", "numpy.load"})
        if isinstance(node, ast.Attribute) and ast.unparse(node) in UNSAFE_FUNCTIONS:
            yield ast.unparse(node)
        if isinstance(node, ast.Call):
            yield from unsafe_call(
                ast.unparse(node.func), {each.arg: ast.unparse(each.value) for each in node.keywords}
            )


def unsafe_call(name: str, keywords: dict[str | None, str]) -> Iterator[str]:
    if name in UNSAFE_CALLS:
        yield name
    if name == "torch.load" and keywords.get("weights_only") != "True":
        yield "torch.load without weights_only"
    if name.endswith(("numpy.load", "np.load")) and keywords.get("allow_pickle", "False") != "False":
        yield "numpy.load with pickles"
    if keywords.get("shell", "False") != "False":
        yield f"{name} in a shell"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_source_runs_what_it_reads(path: Path) -> None:
    assert list(unsafe(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib.numpy_pickle",
        "eval('1')",
        "exec(text)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "from yaml import unsafe_load",
        "torch.load(path)",
        "from torch import load",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(command, shell=True)",
        "os.system(command)",
        "tempfile.mktemp()",
        "from tempfile import mktemp",
    ],
)
def test_what_is_unsafe_is_found(source: str) -> None:
    assert list(unsafe(source))
