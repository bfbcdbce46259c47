"""What opens the files of a data set, by the name in pair files.

A format of its own gets a module with a class that overrides what `Pictures` does otherwise, and an entry here.
"""

from __future__ import annotations

from collections.abc import Mapping

from trainables.domains.pictures import Pictures
from trainables.domains.synthia import Synthia

READERS: Mapping[str, Pictures] = {"pictures": Pictures(), "synthia": Synthia()}
