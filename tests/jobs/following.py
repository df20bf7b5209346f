"""``run --follow`` in the test's own process: what happens between its turns is a story, told step by step."""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from leadhouse.jobs import following, run
from leadhouse.jobs.runtime.contracts import renewed
from leadhouse.jobs.runtime.job import Run


class Followed:
    """A lake that ``run --follow`` works on while a story goes on. ``jobs``: the only ones that it takes; None: all."""

    def __init__(
        self, lake: Path, workspace: Path, landing: Path | None = None, *, jobs: Sequence[str] | None = None
    ) -> None:
        self.lake, self.workspace, self.landing = lake, workspace, landing
        self._jobs = {name: job for name, job in run.JOBS.items() if jobs is None or name in jobs}
        self._shown = io.StringIO()

    def said(self, words: str) -> int:
        """How often the terminal has shown some words."""
        return self._shown.getvalue().count(words)

    def follow(self, story: Iterator[None]) -> int:
        """Follow until the story ends; it goes on by a step before each turn. Returns the exit code."""

        def go_on(opened: Run) -> Run:
            try:
                next(story)
            except StopIteration:
                signal.raise_signal(signal.SIGTERM)
            return renewed(opened)

        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        console = Console(file=self._shown, width=200)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(following, "renewed", go_on)
                patch.setattr(following, "POLL_SECONDS", 0.01)
                patch.setattr(run, "JOBS", self._jobs)
                return following.follow_jobs(
                    self.lake, self.workspace, landing=self.landing, as_of=None, console=console
                )
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
