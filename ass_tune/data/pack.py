"""`pack`: says what disk space it needs, then packs the files of a pair with a progress bar for each set."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ass_tune.data.arguments import PackArguments
from ass_tune.terminal.packing_bars import packing_shown
from ass_tune.wording import format_bytes
from trainables.cache import cache_folder
from trainables.domains.pack import Pack, absent_bytes, check_room
from trainables.domains.pairs import DomainPair, data_files, open_pair
from trainables.domains.prepare import pack_pair
from trainables.domains.recipe import SETS, MissingData, UnusableImages
from trainables.mistakes import ExitCode


def pack(name: str, arguments: PackArguments, console: Console) -> ExitCode:
    """Pack the files of a pair that are missing or damaged.

    Raises `MissingData` with the unusable images of all sets, or `NoRoom`.
    """
    with packing_shown(transient=True) as watch:
        data = data_files(name, cache_folder(), arguments.data_root, watch)
    pair = open_pair(name, cache_folder(), arguments.data_root, data.digests)
    _announce(pair, console)
    unusable = _pack_sets(pair, arguments.workers, console)
    if unusable:
        raise MissingData("\n".join(f"{set_name}: {problem}" for set_name, problem in unusable.items()))
    images = sum(len(getattr(pair, set_name)) for set_name in SETS)
    console.print(f"{pair.name}: all {images} images are packed in {pair.cache}")
    return ExitCode.FINISHED


def _announce(pair: DomainPair, console: Console) -> None:
    """Say what will be written where; raises `NoRoom`."""
    packs = {name: pair.pack(name) for name in SETS}
    missing = {name: absent_bytes(packed) for name, packed in packs.items()}
    table = Table(title=f"sets of {pair.name}", title_justify="left")
    for name in ("set", "images", "there", "images of", "labels of", "to write"):
        table.add_column(name, justify="left" if name == "set" else "right")
    for name, packed in packs.items():
        recipe = packed.recipe
        sizes = (f"{width}x{height}" for width, height in (recipe.image_size(name), recipe.label_size(name)))
        table.add_row(name, str(recipe.sizes[name]), str(_there(packed)), *sizes, format_bytes(missing[name]))
    console.print(table)
    total = sum(missing.values())
    console.print(f"{format_bytes(total)} to write in {pair.cache}" if total else f"nothing to write in {pair.cache}")
    pair.cache.mkdir(parents=True, exist_ok=True)
    check_room(pair.cache, missing)


def _there(packed: Pack) -> int:
    return sum(len(part) for part in packed.parts if packed.file(part).exists())


def _pack_sets(pair: DomainPair, workers: int, console: Console) -> dict[str, UnusableImages]:
    """Pack set by set; returns what cannot be used, by set."""
    unusable = {}
    with packing_shown() as watch:
        for name in SETS:
            try:
                notices = pack_pair(pair, workers, watch, [name])
            except UnusableImages as error:
                unusable[name] = error
                continue
            for notice in notices:
                console.print(notice)
    return unusable
