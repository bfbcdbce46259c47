"""YAML 1.2 scalars and nothing that surprises: every value with its line, every mistake as a record.

PyYAML's own safe loader reads YAML 1.1, where `1e-4` is text and `no` is false, forgets lines and lets the last
of two equal keys win.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from ass_tune.spec.document import Document
from ass_tune.spec.errors import Path, Place, SpecError, cut, dotted, shown

MAX_VALUES = 2000
MAX_DEPTH = 20
LONGEST_PROBLEM = 200
"""Characters of a message that comes from PyYAML and may quote the file."""

_NULL, _BOOL, _INT, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """Text to nodes, with the scalars of YAML 1.2's core schema; refuses tags, deep nesting and floods."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self.depth = 0
        self.count = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: Any = self.peek_event()
        tag = getattr(event, "tag", None)
        if tag is not None:
            written = cut(tag.replace("tag:yaml.org,2002:", "!!"))
            raise _refused(f"found the tag {written}; allowed: no tags", event)
        if self.depth > MAX_DEPTH:
            raise _refused(f"found more than {MAX_DEPTH} levels of nesting; allowed: at most {MAX_DEPTH}", event)
        self.count += 1
        if self.count > MAX_VALUES:
            raise _refused(f"found more than {MAX_VALUES} values; allowed: fewer", event)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _refused(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


for _tag, _pattern, _first in (
    (_NULL, r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_BOOL, r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (_INT, r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}", list("-+0123456789")),
    (
        _FLOAT,
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _first)


def parse(text: str, source: str, path: Path = ()) -> tuple[Any, dict[Path, Place], list[SpecError]]:
    """The value of a YAML text with the place of each of its parts, and the mistakes in it.

    `path` is where the text's value will sit in the tree. A text that is no YAML at all gives None and one mistake.
    """
    try:
        loader = _Loader(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"found the character {error.character:#04x}; allowed: printable text"
        return None, {}, [SpecError(source, line, "", message)]
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(filter(None, (error.context, error.problem)))
        own = problem.startswith("found") and "; allowed" in problem
        message = problem if own else f"found text that is not YAML: {cut(problem, LONGEST_PROBLEM)}"
        return None, {}, [SpecError(source, mark.line + 1 if mark else None, "", message)]
    except (ValueError, OverflowError):
        # PyYAML trusts the numbers of escaped characters and of YAML's version
        message = "found text that is not YAML: a number that is too large"
        return None, {}, [SpecError(source, loader.line + 1, "", message)]
    builder = _Builder(source)
    builder.places[path] = Place(source, 1)
    try:
        value = None if node is None else builder.build(node, path)
    except _Unfolded as flood:
        return None, {}, [flood.error]
    return value, builder.places, builder.errors


class _Unfolded(Exception):
    """Aliases stand for more than a file may hold."""

    def __init__(self, error: SpecError) -> None:
        self.error = error


class _Builder:
    """Nodes to plain values; expands aliases, within a limit, and collects the mistakes."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.places: dict[Path, Place] = {}
        self.errors: list[SpecError] = []
        self.count = 0
        self.open: list[Node] = []

    def build(self, node: Node, path: Path) -> Any:
        """The node's value; parts that are wrong are left out, so that the rest can still be checked."""
        self.count += 1
        if self.count > MAX_VALUES or node in self.open:
            raise self.flood(node, path, f"found aliases that unfold to more than {MAX_VALUES} values; allowed: fewer")
        if len(self.open) > MAX_DEPTH:
            raise self.flood(node, path, f"found aliases that nest more than {MAX_DEPTH} levels; allowed: fewer")
        self.open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self.mapping(node, path)
            if isinstance(node, SequenceNode):
                return self.sequence(node, path)
            return self.scalar(node, path)
        finally:
            self.open.pop()

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        """Keys must be text and different from each other; the first of two equal keys counts."""
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.build(key_node, path) if isinstance(key_node, ScalarNode) else ()
            here = (*path, str(key))
            if not isinstance(key, str):
                found = shown(key) if isinstance(key_node, ScalarNode) else "a list or mapping"
                self.error(key_node, path, f"found {found} as a key; allowed: text")
            elif key in values:
                first = self.places[here].line
                self.error(key_node, here, f"found the key a second time, first on line {first}; allowed: once")
            else:
                self.places[here] = self.place(key_node)
                values[key] = self.build(value_node, here)
        return values

    def sequence(self, node: SequenceNode, path: Path) -> list[Any]:
        """A list; every item has its own line."""
        values = []
        for index, item in enumerate(node.value):
            self.places[*path, index] = self.place(item)
            values.append(self.build(item, (*path, index)))
        return values

    def scalar(self, node: Node, path: Path) -> Any:
        """Null, true, false, a number or text."""
        text = node.value
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL:
            return text.lower() == "true"
        if node.tag == _INT:
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if node.tag == _FLOAT:
            number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            if not math.isfinite(number):
                self.error(node, path, f"found {cut(text)}; allowed: finite numbers")
                return 1.0
            return number
        if not text.isprintable():
            odd = next(character for character in text if not character.isprintable())
            self.error(node, path, f"found the character {ord(odd):#04x}; allowed: printable text in one line")
            return cut(text, len(text))
        return text

    def place(self, node: Node) -> Place:
        """The line on which a node starts."""
        return Place(self.source, node.start_mark.line + 1)

    def error(self, node: Node, path: Path, message: str) -> None:
        """Collect a mistake."""
        self.errors.append(self.place(node).error(dotted(path), message))

    def flood(self, node: Node, path: Path, message: str) -> _Unfolded:
        """What ends the building."""
        return _Unfolded(self.place(node).error(dotted(path), message))


def parse_document(text: str, source: str, keys: str) -> tuple[Document | None, list[SpecError]]:
    """The tree of a whole file and the mistakes in it; no tree where the text is not YAML or not a mapping.

    `keys` are some that the mapping should have, for the message.
    """
    value, places, errors = parse(text, source)
    if isinstance(value, dict):
        return Document(value, places), errors
    if places:
        kind = "an empty file" if value is None else "a list" if isinstance(value, list) else shown(value)
        errors.append(SpecError(source, 1, "", f"found {kind}; allowed: a mapping with {keys}"))
    return None, errors
