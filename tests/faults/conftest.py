"""The company's lake after one whole, undisturbed run."""

from __future__ import annotations

from tests.jobs.conftest import company, one_key

__all__ = ["company", "one_key"]
