"""The errors that Leadhouse raises on purpose.

Each says what was expected, what came and what to do, in one line. The class says who can mend it and whether the
same call can succeed later; the command line turns it into an exit code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class LeadhouseError(Exception):
    """Base of every error raised on purpose: the job failed (exit code 1)."""

    exit_code = 1
    retryable = False


class TransientError(LeadhouseError):
    """The same call may succeed later: a lock that is held, a destination that does not answer."""

    retryable = True


class RegistryDownError(TransientError):
    """The model registry doesn't answer. What it answered last goes on; nothing is learned meanwhile."""


class InputError(LeadhouseError):
    """The user's input or configuration is wrong (exit code 2). Carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: Sequence[str] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class NoSpaceError(LeadhouseError):
    """No room is left on a disk. The same call succeeds once there is."""

    retryable = True


class LostBytesError(LeadhouseError):
    """Bytes that were listed in a landing folder are gone before they were taken. Names the file."""


class LostOffsetsError(LeadhouseError):
    """Messages of a topic are gone before they were taken, or the topic is another one. Names topic and offsets."""


def joined(problems: Sequence[LeadhouseError]) -> LeadhouseError:
    """Return several errors as one: of the class of the first that no retry mends, if there is one."""
    if len(problems) == 1:
        return problems[0]
    worst = next((problem for problem in problems if not problem.retryable), problems[0])
    return type(worst)("\n".join(str(problem) for problem in problems))
