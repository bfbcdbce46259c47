"""From MLflow's record of a study to conclusions: statistics, tables and figures.

From Python: `load`, `table` and `report`, each imported when it is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.load import load_study as load
    from analysis.report import report as report
    from analysis.table import table as table

__all__ = ["load", "report", "table"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module(f"analysis.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# the same lines as in ass_tune: no package could be found that is certain to be ours and has them for both
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


_check_not_hidden("trainables")
