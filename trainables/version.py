"""The version of the code that decides an outcome: a hash of the modules that were declared to decide it.

Every trainable and every domain pair declares such modules in a tuple named `DECIDES`. The hash covers what they
compute. It leaves out comments, docstrings, type hints, the text of errors, the names of files and the `DECIDES`
tuples, so that a change of these makes nobody train again.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec, resolve_name
from pathlib import Path

DECLARATION = "DECIDES"
NOT_COMPUTED = frozenset({"annotation", "returns", "type_comment", "msg"})
"""Fields of syntax nodes that hold type hints and the messages of assertions."""


@dataclass(frozen=True)
class _Code:
    """A module without its imports, the names that it uses, and the imports."""

    digest: str
    used: frozenset[str]
    imports: tuple[_Import, ...]


@dataclass(frozen=True)
class _Import:
    """`from module import name as bound`; the name is empty for a whole module."""

    module: str
    name: str
    bound: str


def code_hash(modules: Iterable[str]) -> str:
    """16 hexadecimal digits that change with the code of modules, in whatever order these are named.

    Modules are dotted names, and none is imported for it but the packages that they are in. What a module imports
    from its own package counts by name and, if it comes from a module that is hashed too, by that module's code, not
    by the place. Raises ModuleNotFoundError for a name without a Python file.
    """
    listed = frozenset(modules)
    lines = sorted(_described(name, listed) for name in listed)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _described(module: str, listed: frozenset[str]) -> str:
    """The code of a module, and where the names come from that it imports and uses."""
    code = _read(module)
    origins = {_origin(found, module, listed) for found in code.imports if found.bound in code.used}
    return " ".join([code.digest, *sorted(origins)])


def _origin(found: _Import, importer: str, listed: frozenset[str]) -> str:
    whole = f"{found.module}.{found.name}"
    if whole in listed:  # a module out of a package
        return f"{found.bound}={_read(whole).digest}"
    if found.module in listed:
        return f"{found.bound}={_read(found.module).digest}:{found.name}"
    if found.module.partition(".")[0] == importer.partition(".")[0]:
        return f"{found.bound}={found.name}"
    return f"{found.bound}={found.module}:{found.name}"


@cache
def _read(module: str) -> _Code:
    spec = find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise ModuleNotFoundError(f"{module} is declared to decide outcomes, and there is no such Python file")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    package = module if spec.submodule_search_locations else module.rpartition(".")[0]
    tokens: list[str] = []
    used: set[str] = set()
    _write(tree, tokens, used)
    digest = hashlib.sha256("\n".join(tokens).encode()).hexdigest()[:16]
    return _Code(digest, frozenset(used), tuple(_imports(tree, package)))


def _imports(tree: ast.AST, package: str) -> Iterator[_Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _Import(alias.name, "", alias.asname or alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                yield _Import(module, alias.name, alias.asname or alias.name)


def _write(node: ast.AST, tokens: list[str], used: set[str]) -> None:
    """Append a syntax tree as text, and the names in it. Unlike ast.dump's, the text is the same for all Pythons."""
    if isinstance(node, ast.Name):
        used.add(node.id)
    tokens.append(type(node).__name__)
    for field, value in ast.iter_fields(_without_message(node)):
        for item in value if isinstance(value, list) else [value]:
            if field in NOT_COMPUTED or _explains(item):
                continue
            if isinstance(item, ast.AST):
                tokens.append(f"{field}(")
                _write(item, tokens, used)
                tokens.append(")")
            elif item is not None:
                tokens.append(f"{field}={item!r}")


def _without_message(node: ast.AST) -> ast.AST:
    """Of `raise Error(...)` only which error it is: nothing is computed from what an error says."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return ast.Raise(exc=node.exc.func, cause=None)
    return node


def _explains(item: object) -> bool:
    """Whether a statement is a docstring, an import, which is counted apart, or a declaration of modules."""
    if isinstance(item, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == DECLARATION for target in item.targets)
    return isinstance(item, ast.Import | ast.ImportFrom) or (
        isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
    )
