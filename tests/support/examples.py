"""The files of the examples in `docs/extending.md`, by folder and name."""

from __future__ import annotations

import re

from tests.support.project import PROJECT

BLOCK = re.compile(r"^```\w+\n# (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES: dict[str, str] = dict(BLOCK.findall((PROJECT / "docs" / "extending.md").read_text()))
