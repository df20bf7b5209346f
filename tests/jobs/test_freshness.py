"""How fresh a source is stands beside what its contract promises."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from leadhouse.jobs.freshness import freshness
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.batches import Outcome
from leadhouse.jobs.runtime.book import COMPLETE
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.reader import Reader
from tests.jobs.rows import NOON, row
from tests.jobs.small_company import EVENT_CONTRACT, LEAD_CONTRACT

PROMISE = "slaProperties: [{property: freshness, value: 2, unit: h}]\n"


def test_a_source_is_fresh_or_late_by_the_contract_that_it_was_refined_under(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    files = {"web": EVENT_CONTRACT + PROMISE, "crm": LEAD_CONTRACT}
    kept = {f"contracts/{name}.odcs.yaml": lake.keep(text.encode()) for name, text in files.items()}
    batch = batches.new_batch(
        lake, "refine", 1, 0, now=NOON, as_of=None, known=None, inputs_key="k", reads={}, definitions=kept
    )
    batches.begin(lake, batch)
    batches.finish(lake, Outcome(batch, COMPLETE), NOON)
    records = [
        row("bronze.records", tenant="acme", source="web", received_at=NOON - timedelta(hours=5)),
        row("bronze.records", tenant="acme", source="web", received_at=NOON),
        row("bronze.records", tenant="acme", source="crm", received_at=NOON - timedelta(days=9)),
    ]
    lake.append_local("bronze.records", records, app_id="x", app_version=0)

    def states(hours: float) -> dict[str, tuple[float, float | None, str | None]]:
        found = freshness(lake, Reader(lake), NOON + timedelta(hours=hours))
        return {entry["source"]: (entry["age_hours"], entry["promised_hours"], entry["state"]) for entry in found}

    assert states(1.5) == {"web": (1.5, 2.0, "fresh"), "crm": (217.5, None, None)}
    assert states(2.5)["web"] == (2.5, 2.0, "late")


def test_records_that_were_never_refined_have_an_age_and_no_promise(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    lake.append_local("bronze.records", [row("bronze.records", received_at=NOON)], app_id="x", app_version=0)
    (entry,) = freshness(lake, Reader(lake), NOON)
    assert (entry["age_hours"], entry["promised_hours"], entry["state"]) == (0.0, None, None)
