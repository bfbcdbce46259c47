"""What the terminal says while nothing else can be shown, so that no wait is silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text


@contextmanager
def wait_for(what: str) -> Iterator[Callable[[str], None]]:
    """Say what is waited for while the block runs, e.g. `starting Ray`, and take it away when the wait ends.

    It is said on stderr, because stdout may hold JSON, and only where that is a terminal: files get no spinner.
    What the yielded function is called with is a reason why it takes longer, and is said in files too.
    """
    console = Console(stderr=True, emoji=False)
    if not console.is_terminal:
        yield lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True)
        return
    with console.status(Text(f"{what} ...")) as status:
        yield lambda text: status.update(Text(f"{text} ..."))
