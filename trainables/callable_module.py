"""A module that can be called like its main function: `ass_tune.run(space)` next to `python -m ass_tune.run`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_callable(name: str, function: Callable[..., Any]) -> None:
    """Let the module `name` be called with the arguments of `function`.

    A package cannot export a function under the name of one of its modules: importing the module anywhere would
    put it in the function's place. So the module itself stays there in any order of imports, and takes calls.
    """
    module = sys.modules[name]

    class CallableModule(ModuleType):
        __call__ = staticmethod(function)

    module.__class__ = CallableModule
    module.__dict__["__signature__"] = inspect.signature(function)
