"""The feature job on a small lake: what it writes, when it runs again, and computing a stored moment again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.settings import Settings
from leadhouse.expectations.odcs import read_contracts
from leadhouse.jobs import feature
from leadhouse.jobs.runtime.job import Run
from tests.jobs.contracts import CRM_CONTRACT
from tests.jobs.lakes import TICK, a_run, append

CONTRACT = (
    CRM_CONTRACT
    + """\
      - {name: employees, logicalType: integer, customProperties: [{property: role, value: trait}]}
      - {name: stage, logicalType: string,
         customProperties: [{property: role, value: trait}, {property: known, value: later}]}
"""
)


def days(number: float) -> datetime:
    return TICK + timedelta(days=number)


def signal(key: str, when: datetime, known: datetime | None = None) -> dict[str, Any]:
    return {"identity_key": key, "signal_id": f"{key}{when}", "signal_type": "call", "occurred_at": when} | {
        "known_at": known or when
    }


def trait(key: str, name: str, value: str) -> dict[str, Any]:
    times = dict.fromkeys(("occurred_at", "stated_at", "known_at"), days(-9))
    return {"source": "crm", "identity_key": key, "trait_id": f"{key}{name}", "name": name, "value": value} | times


def identity(key: str, lead: str, when: datetime, batch: int) -> dict[str, Any]:
    return {"identity_key": key, "lead_id": lead, "known_at": when, "batch": f"refine/1/{batch}"}


def lead(name: str, **more: Any) -> dict[str, Any]:
    return {"lead_id": name, "created_at": days(-9), "deleted": False} | more


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Run:
    """Leads a and b with a call each and some traits; lead c is deleted; nothing has been computed yet."""
    opened = a_run(spark, tmp_path, Settings(tenant="acme"), contracts={"crm": CONTRACT}, now=days(30))
    lake = opened.lake
    append(lake, "silver.signals", [signal("a", days(-2)), signal("b", days(-1))])
    created = "2024-05-01T12:00:00.000000Z"
    traits = [trait("a", "created_at", created), trait("a", "employees", "12"), trait("a", "stage", "won")]
    append(lake, "silver.traits", traits)
    append(lake, "silver.identities", [identity(key, key, days(-9), 0) for key in "abc"])
    append(lake, "silver.leads", [lead("a"), lead("b"), lead("c", deleted=True)])
    return opened


def stored(run: Run) -> Mapping[str, dict[str, Any]]:
    found = run.lake.open("gold.lead_features").to_pyarrow_table().to_pylist()
    return {entry["lead_id"]: entry | {"numbers": dict(entry["numbers"])} for entry in found}


def test_each_lead_has_its_features_at_the_latest_event(run: Run) -> None:
    report = feature.run(run)
    assert report.status == "complete"
    found = stored(run)
    assert sorted(found) == ["a", "b"]
    assert {(entry["as_of"], entry["known"]) for entry in found.values()} == {(days(-1), days(-1))}
    assert found["a"]["numbers"] == {
        "age_days": 8.0, "trait:employees": 12.0, "count_7d": 1.0, "count_30d": 1.0, "count_90d": 1.0,
        "count_7d:type:call": 1.0, "count_30d:type:call": 1.0, "count_90d:type:call": 1.0,
        "days_since": 1.0, "days_since:type:call": 1.0, "intensity": 0.951695,
    }  # fmt: skip
    assert found["b"]["numbers"]["count_1d"] == 1


def test_nothing_new_computes_nothing(run: Run) -> None:
    feature.run(run)
    version = run.lake.version("gold.lead_features")
    assert feature.run(run).status == "unchanged"
    assert run.lake.version("gold.lead_features") == version


def test_a_contract_that_says_otherwise_computes_anew(run: Run) -> None:
    feature.run(run)
    path = run.workspace.contract_files[0]
    path.write_text(
        path.read_text().replace("{property: known, value: later}", "{property: known, value: at_creation}")
    )
    run = replace(run, contracts=read_contracts([path], "acme"))
    assert feature.run(run).status == "complete"
    assert dict(stored_categories(run)["a"]) == {"trait:stage": "won"}


def stored_categories(run: Run) -> dict[str, Any]:
    found = run.lake.open("gold.lead_features").to_pyarrow_table().to_pylist()
    return {entry["lead_id"]: entry["categories"] for entry in found}


def test_a_stored_moment_computed_again_gives_the_same_hashes(run: Run) -> None:
    feature.run(run)
    first = stored(run)
    later = [signal("a", days(-2.5), known=days(1)), signal("a", days(-3), known=days(2)), signal("b", days(3))]
    append(run.lake, "silver.signals", later, number=1)
    append(run.lake, "silver.identities", [identity("b", "a", days(3), 1)], number=1)
    assert feature.run(run).status == "complete"
    assert stored(run)["a"]["numbers"]["count_7d"] == 5  # three calls of a, two of b, which is a by now
    assert stored(run)["a"]["as_of"] == days(3)
    again = _features_at(run, [(entry["lead_id"], entry["as_of"], entry["known"]) for entry in first.values()])
    assert again == {name: entry["content_hash"] for name, entry in first.items()}


def _features_at(run: Run, moments: list[tuple[str, datetime, datetime]]) -> dict[str, str]:
    """Hashes of the features at stored moments, wired as the job wires them."""
    found: dict[str, str] = {}

    def step(step: Any) -> Any:
        asked = run.spark.createDataFrame(
            [("acme", *moment) for moment in moments], "tenant string, lead_id string, as_of timestamp, known timestamp"
        )
        ticks = asked.select("tenant", "as_of", "known").distinct()
        found.update(
            {entry.lead_id: entry.content_hash for entry in feature.feature_frame(step, asked, ticks).collect()}
        )
        return feature.Result()

    spec = replace(feature.SPEC, name="again", step=step, writes=())
    feature.run_job(run, spec)
    return found


def test_an_asked_for_moment_uses_what_occurred_by_then(run: Run) -> None:
    feature.run(replace(run, as_of=days(-1.5)))
    found = stored(run)
    assert found["a"]["numbers"]["days_since"] == 0.5
    assert "count_7d" not in found["b"]["numbers"]
