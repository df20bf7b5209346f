"""Named points at which the fault tests stop a job. Without the tests' environment variable they do nothing."""

from __future__ import annotations

import os
import signal

from leadhouse.conf.errors import LeadhouseError

VARIABLE = "LEADHOUSE_FAULT"
"""``POINT=raise`` or ``POINT=kill``: what happens when the point is reached for the first time."""


class InjectedFaultError(LeadhouseError):
    """Raised on purpose by a fault test."""


def reach(point: str) -> None:
    """Mark that a job has reached a named point; stop here if a test asked for it."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, _, action = wanted.rpartition("=")
    if name != point:
        return
    del os.environ[VARIABLE]
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise InjectedFaultError(f"fault at {point}")
