"""Search-space files that somebody or something has broken, as hypothesis draws them from sound ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from ass_tune.spec import StudySpec
from trainables.ass.config import AssConfig

SCALARS = (
    *("", "~", "null", "true", "False", "yes", "off", "none", "tuned", "0", "1", "2", "5", "40", "-1", "-0.0", "0.5"),
    *("1.0", "1e-3", "1e-320", "1e308", "1e400", "999999999999999999", "9" * 30, "9" * 5000, ".inf", "-.inf", ".nan"),
    *("0o17", "017", "0x1F", "1:30", "190:20:30.15", "1_000", "2020-01-01", "2001-12-14t21:59:43.10-05:00"),
    *("grid", "tpe", "median", "csa", "streets", "laptop", "curves", "../x", "/etc/passwd", "a/b", ".hidden", "_x"),
    *("'x'", '"\\0"', '"\\e[2J"', '"\\ud800"', '"\\U00110000"', '"\\UFFFFFFFF"', '"a\\nb"', "\u202eabc", "é", "🚗"),
    *("w" * 500, "x " * 3000, "$HOME", "${oc.env:HOME}", "{{ 1 + 1 }}", "1 + 1", "[bold]x[/]", "$\\frac$", "a|b", "@x"),
    "__import__('os').system('touch BROKEN')",
)
NODES = (
    *("[]", "{}", "[1]", "[null]", "[tuned, 1]", "[a, [b, [c]]]", "{a: {b: [1, {c: 2}]}}", "[1, 1.0, true]", "[[1], 2"),
    *(
        "{type: uniform, low: 0, high: 1}",
        "{type: log_uniform, low: 1e-3, high: 1}",
        "{type: int, low: 1, high: 9}",
        "{type: int, low: 0, high: 99999}",
    ),
    *("{type: choice, values: [0.1, 1]}", "{type: grid, values: [0.1, 1]}", "{uniform: 1, type: uniform, low: 2}"),
    *("{type: int, low: 1, high: 9, step: 0}", "{type: choice, values: [1], when: {adaptor: [ga]}}"),
    *(
        "{sampler: random, trials_per_cell: 3}",
        "{sampler: grid}",
        "{sampler: cmaes, trials_per_cell: 9}",
        "{arguments: {group: true, multivariate: false}}",
    ),
    *("{pruner: hyperband}", "{pruner: patient, arguments: {patience: 1}, around: {pruner: median}}"),
    *("{iterations: 60, evaluate_every: 20}", "{iterations: 999999999999999999, evaluate_every: 1}", "{cpu: 1e-320}"),
    *("!!python/object/apply:os.system ['touch BROKEN']", "!!python/name:os.system", "!!binary aGVsbG8=", "!x 1"),
    *(
        "!!set {a, b}",
        "!!timestamp 2020-01-01",
        "&here [1, 2]",
        "*here",
        "{<<: *here}",
        "{<<: {a: 1}}",
        "&loop [*loop]",
    ),
    *("[" * 30 + "]" * 30, "{? [a] : b}", "|", "- 1", "%TAG ! x", "`x`", "'open", f"[{'1, ' * 3000}]"),
    "[&a [1, 1, 1, 1, 1], &b [*a, *a, *a, *a, *a], &c [*b, *b, *b, *b, *b], &d [*c, *c, *c, *c, *c], [*d, *d, *d, *d]]",
)
PAIR_VALUES = (
    *("x/{stem}", "{sequence}/{stem}.png", "{split}/*_{stem}", "{stem}/{stem}", "{name}", "../{stem}"),
    *("*" * 50 + "{stem}", "first 1 of 2", "last 2 of 1", "'#404040'", "'#xyzxyz'", "[1, 2, 3]", "[0, 255]", "256"),
    *("[[1, 2, 3], [4, 5, 6]]", "[64, 48]", "[64]", "{top: 3}", "{left: 9, right: 3}", "[{bottom: 9}]"),
    *("{split: train}", "{share: 0.3}", "{of: train}", "{split: val, part: first 1 of 3}", "{a: 1, b: [2, 3]}"),
    *("{road: [0, 0, 0], sky: '#ffffff'}", "[road, sky]", "rest", "gta5-cityscapes", "synthia", "block", "sequence"),
    *("bicubic", "rider", "road"),
)
"""What stands in pair files."""
KEYS = ("lr", "warmup", "adaptor", "type", "values", "when", "uniform", "int", "__class__", "<<", "1", "é", "k" * 300)
BASES = ("adaptors.yaml", "csa.yaml", "self.yaml", "cycle.yaml", "missing.yaml", "folder", "folder.yaml", "device.yaml")
BASES += (
    "../search_spaces/csa.yaml",
    "/etc/passwd",
    "/dev/zero",
    "a" * 300 + ".yaml",
    '"\\0.yaml"',
    "[csa.yaml]",
    "''",
)
FIELDS = ("study", "train.iterations", "search", "search.sampler", "prune", "tune.lr", "ablate.adaptor", "fixed.lr")
FIELDS += (
    "tune.lambda_sadv.low",
    "a.b.c",
    "study.x",
    "",
    ".",
    "train",
    "resources.cpu",
    "é",
    "a" * 200,
    "x." * 40 + "y",
)


@dataclass(frozen=True)
class Raw:
    """Text that stands in the file as it is."""

    text: str


@dataclass
class Entries:
    """A mapping in which keys may repeat."""

    pairs: list[tuple[Any, Any]]


@dataclass(frozen=True)
class Case:
    """A file's content and what the command line overrides."""

    content: bytes
    overrides: tuple[str, ...]


def tree(value: Any) -> Any:
    """A YAML value in a form that can be broken."""
    if isinstance(value, dict):
        return Entries([(key, tree(item)) for key, item in value.items()])
    return [tree(item) for item in value] if isinstance(value, list) else value


def text(node: Any) -> str:
    """A tree as YAML in flow style."""
    if isinstance(node, Raw):
        return node.text
    if isinstance(node, Entries):
        return "{" + ", ".join(f"{text(key)}: {text(value)}" for key, value in node.pairs) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(text, node)) + "]"
    return json.dumps(node, ensure_ascii=False)


def _children(node: Any) -> list[Any]:
    """The parts of a node that hold others, itself first."""
    inner = [value for _, value in node.pairs] if isinstance(node, Entries) else node if isinstance(node, list) else []
    own = [node] if isinstance(node, Entries | list) and inner else []
    return own + [part for child in inner for part in _children(child)]


def _items(node: Any) -> list[Any]:
    return node.pairs if isinstance(node, Entries) else node


def _with_value(node: Any, index: int, value: Any) -> None:
    items = _items(node)
    items[index] = (items[index][0], value) if isinstance(node, Entries) else value


def _delete(draw: Callable, root: Entries, node: Any, index: int) -> None:
    del _items(node)[index]


def _duplicate(draw: Callable, root: Entries, node: Any, index: int) -> None:
    _items(node).insert(draw(st.integers(0, index)), _items(node)[index])


def _rename(draw: Callable, root: Entries, node: Any, index: int) -> None:
    key = Raw(draw(st.sampled_from((*KEYS, *SCALARS))))
    if isinstance(node, Entries):
        node.pairs[index] = (key, node.pairs[index][1])


def _replace(draw: Callable, root: Entries, node: Any, index: int) -> None:
    _with_value(node, index, Raw(draw(st.sampled_from((*SCALARS, *NODES)))))


def _nudge(draw: Callable, root: Entries, node: Any, index: int) -> None:
    numbers = st.integers(1, 99) | st.floats(0, 9) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    _with_value(node, index, Raw(str(draw(numbers))))


def _swap(draw: Callable, root: Entries, node: Any, index: int) -> None:
    other = draw(st.integers(0, len(root.pairs) - 1))
    value, outer = deepcopy(_value(node, index)), deepcopy(root.pairs[other][1])  # one may hold the other
    root.pairs[other] = (root.pairs[other][0], value)
    _with_value(node, index, outer)


def _value(node: Any, index: int) -> Any:
    return node.pairs[index][1] if isinstance(node, Entries) else node[index]


def _extend(draw: Callable, root: Entries, node: Any, index: int) -> None:
    root.pairs.insert(0, ("extends", Raw(draw(st.sampled_from(BASES)))))


def _add(draw: Callable, root: Entries, node: Any, index: int) -> None:
    value = Raw(draw(st.sampled_from((*SCALARS, *NODES))))
    _items(node).append((draw(st.sampled_from(KEYS)), value) if isinstance(node, Entries) else value)


def _section(draw: Callable, root: Entries, node: Any, index: int) -> None:
    name, value = draw(st.sampled_from(tuple(StudySpec.model_fields))), Raw(draw(st.sampled_from(NODES)))
    root.pairs = [*((key, old) for key, old in root.pairs if key != name), (name, value)]


def _variable(draw: Callable, root: Entries, node: Any, index: int) -> None:
    section = draw(st.sampled_from(("ablate", "tune", "fixed")))
    entry = draw(st.sampled_from(AssConfig.tunable())), Raw(draw(st.sampled_from(NODES)))
    root.pairs = [
        (key, Entries([*old.pairs, entry]) if key == section and isinstance(old, Entries) else old)
        for key, old in root.pairs
    ]


def _pair_value(draw: Callable, root: Entries, node: Any, index: int) -> None:
    _with_value(node, index, Raw(draw(st.sampled_from(PAIR_VALUES))))


MUTATIONS = (_delete, _duplicate, _rename, _replace, _nudge, _nudge, _swap, _extend, _add, _section, _variable)
PAIR_MUTATIONS = (_delete, _duplicate, _rename, _replace, _nudge, _swap, _extend, _add, _pair_value, _pair_value)
"""Those of pair files."""
TEXTS: tuple[Callable[[bytes, int], bytes], ...] = (
    lambda content, at: b"\xef\xbb\xbf" + content,
    lambda content, at: content.replace(b"\n", b"\r\n"),
    lambda content, at: content.replace(b"\n", b"\r"),
    lambda content, at: content[:at] + b"\t" + content[at:],
    lambda content, at: content[:at] + b"\xff" + content[at:],
    lambda content, at: content[:at] + b"\x00" + content[at:],
    lambda content, at: content[:at] + b"\xef\xbb\xbf" + content[at:],
    lambda content, at: content[:at],
    lambda content, at: content[:at] + content[at + 1 :],
    lambda content, at: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :],
    lambda content, at: content + b"---\n" + content,
    lambda content, at: content.decode().encode("utf-16"),
    lambda content, at: b"%YAML 1." + b"1" * (at * 20) + b"\n---\n" + content,
)


@st.composite
def cases(draw: st.DrawFn, folder: Path, mutations: tuple[Callable, ...] = MUTATIONS) -> Case:
    """A sound file of the folder with some mutations of its tree, fewer of its text, and a few overrides."""
    path = draw(st.sampled_from(sorted(folder.glob("*.yaml"))))
    root = tree(yaml.safe_load(path.read_text(encoding="utf-8")))
    for _ in range(draw(st.integers(0, 3))):
        if not (nodes := _children(root)):
            break
        node = draw(st.sampled_from(range(len(nodes))).map(nodes.__getitem__))
        draw(st.sampled_from(mutations))(draw, root, node, draw(st.integers(0, len(_items(node)) - 1)))
    content = "".join(f"{text(key)}: {text(value)}\n" for key, value in root.pairs).encode()
    if draw(st.integers(0, 7)) == 0 and content:
        content = draw(st.sampled_from(TEXTS))(content, draw(st.integers(0, len(content) - 1)))
    return Case(content, tuple(draw(st.lists(_overrides, max_size=2)) if draw(st.integers(0, 5)) == 0 else ()))


_overrides = st.builds(
    "{}{}{}".format, st.sampled_from(FIELDS), st.sampled_from(("=", "=", "=", "")), st.sampled_from((*SCALARS, *NODES))
)
