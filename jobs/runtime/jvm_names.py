"""The JVM's classes and their functions, asked for once.

To make a Column, PySpark asks the JVM each time what ``functions`` and ``col`` are before it calls them: a third of all
calls of a micro-batch, a tenth of a millisecond each. What a name means there never changes while a JVM runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from py4j.java_gateway import JavaClass, JavaMember, JavaPackage, JVMView

_LASTING = (JavaClass, JavaMember, JavaPackage)
"""What a name may stand for as long as the JVM runs. The value of a static field is none of these."""


def remember_names() -> None:
    """Let Py4J look up classes, packages and static functions once, instead of each time that one is named."""
    for kind in (JVMView, JavaPackage, JavaClass):
        if not hasattr(kind.__getattr__, "__wrapped__"):
            kind.__getattr__ = _remembering(kind.__getattr__)


def _remembering(look_up: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    @wraps(look_up)
    def found(owner: Any, name: str) -> Any:
        value = look_up(owner, name)
        if isinstance(value, _LASTING):
            vars(owner)[name] = value  # Python asks __getattr__ only for what isn't here
        return value

    return found
