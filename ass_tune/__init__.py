"""Hyperparameter and ablation studies of semi-supervised domain adaptation, on Ray Tune, Optuna and MLflow.

From Python: `load_space`, `plan`, `run` and `status`, each imported when it is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ass_tune.plan import plan as plan
    from ass_tune.run import run as run
    from ass_tune.run import status as status
    from ass_tune.spec.loading import load as load_space

    __version__: str

__all__ = ["__version__", "load_space", "plan", "run", "status"]

_FUNCTIONS = {"load_space": ("ass_tune.spec.loading", "load"), "status": ("ass_tune.run", "status")}
_CALLABLE_MODULES = ("plan", "run")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from ass_tune.version import version

        return version()
    if name in _CALLABLE_MODULES:
        return import_module(f"ass_tune.{name}")
    if name in _FUNCTIONS:
        module, function = _FUNCTIONS[name]
        return getattr(import_module(module), function)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _check_not_hidden(package: str) -> None:
    """Stop where Python finds something else under the name of a package of ours, e.g. in the current folder.

    Raises ImportError; a command ends with the message alone, and exit code 2.
    """
    found, ours = find_spec(package), Path(__file__).parent.with_name(package)
    there = Path(found.origin or "") if found else Path()
    if found is None or there.resolve() == (ours / "__init__.py").resolve():
        return
    there = there.parent if there.name == "__init__.py" else there
    message = (
        f"{there} hides the package '{package}' of ass_tune, because Python looks in {there.parent} first. "
        "Run the command from another folder, or as `ass-tune ...`, or with `python -P -m ...`."
    )
    # Python puts -m there while it imports the command's package
    if Path("".join(sys.argv[:1])).name in ("-m", "ass-tune"):
        print(message, file=sys.stderr)
        raise SystemExit(2)
    raise ImportError(message)


for _package in ("analysis", "trainables"):
    _check_not_hidden(_package)
