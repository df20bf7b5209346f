"""A version is learned again as it was, whatever became known since and whatever maintenance has let go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.errors import InputError
from leadhouse.jobs import feature, refine, train
from leadhouse.jobs.model_rebuild import rebuild_model
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.runner import run_job
from tests.jobs.lakes import append, content
from tests.jobs.test_model_versions import command
from tests.jobs.test_sharing import FEW, a_company, shared
from tests.jobs.test_train import LEADS, NOW, START, add_leads, run, trained_by  # noqa: F401 - run is the fixture

LATER = NOW + timedelta(days=1)
_FACTS = ("silver.traits", "silver.outcomes", "silver.identities")


def say_when_made(lake: Lake, count: int, tenant: str = "acme") -> None:
    """State when each of a tenant's leads was made, as leads are derived from that."""
    created = [START + timedelta(days=number * 300 / count) for number in range(count)]
    said = [
        {"tenant": tenant, "identity_key": f"lead{number:04}", "occurred_at": at, "known_at": at, "stated_at": at,
         "source": "crm", "trait_id": f"lead{number:04}created", "name": "created_at", "value": at.isoformat()}
        for number, at in enumerate(created)
    ]  # fmt: skip
    append(lake, "silver.traits", said, number=lake.version("silver.traits"))


@pytest.fixture
def trained(run: Run) -> Run:  # noqa: F811 - the fixture above
    """A run whose leads follow from their traits, with one version learned from them."""
    add_leads(run.lake, moves=True)
    say_when_made(run.lake, LEADS)
    run_job(run, refine.LEADS)
    feature.run(run)
    assert train.run(run).notes[0].startswith("trained leadhouse-acme/1")
    return run


def learn_more(run: Run) -> None:  # noqa: F811
    """Let corrections, an outcome and a merge become known that the version could not know, then derive all anew."""
    known = {"known_at": LATER}
    early = known | {"occurred_at": START + timedelta(days=2)}
    append(
        run.lake, "silver.traits", [
            early | {"identity_key": f"lead{number:04}", "stated_at": LATER, "source": "crm",
                     "trait_id": f"late{number}",
                     "name": "segment", "value": "small"}
            for number in range(1, 60, 2)
        ], number=2,
    )  # fmt: skip
    append(
        run.lake, "silver.outcomes", [
            early | {"identity_key": f"lead{number:04}", "outcome_id": f"late{number}", "outcome": "won", "value": True,
                     "timed": True}
            for number in range(0, 40, 2)
        ], number=2,
    )  # fmt: skip
    merged = {"identity_key": "lead0002", "lead_id": "lead0001", "is_lead": True, "batch": "refine/1/1"}
    append(run.lake, "silver.identities", [known | merged], number=2)
    run_job(run, refine.LEADS)
    feature.run(run)


def test_what_became_known_since_changes_nothing(spark: SparkSession, trained: Run) -> None:
    before = len(content(spark, trained.lake, "silver.leads"))
    learn_more(trained)
    assert len(content(spark, trained.lake, "silver.leads")) == before - 1
    for table in _FACTS:
        trained.lake.compact(table, target_bytes=2**27)
        trained.lake.vacuum(table, hours=0, keep=())
    found = rebuild_model(trained, "leadhouse-acme/1")
    assert found.words == "leadhouse-acme/1 is reproduced: the same bytes"
    assert train.run(trained_by(trained)).notes[0].startswith("trained leadhouse-acme/2"), "the facts do differ by now"


def test_a_version_that_tenants_share_is_learned_again_from_all_of_them(spark: SparkSession, tmp_path: Path) -> None:
    together = a_company(spark, tmp_path, "acme", "globex", share=("acme", "globex"))
    for tenant, count in (("acme", LEADS), ("globex", FEW)):
        add_leads(together.lake, count, tenant=tenant)
        say_when_made(together.lake, count, tenant)
    run_job(together, refine.LEADS)
    feature.run(together)
    train.run(together)
    label = f"leadhouse-{shared(together)}/1"
    assert rebuild_model(together, label).words == f"{label} is reproduced: the same bytes"


def test_facts_that_are_gone_are_said_with_what_came_out(trained: Run) -> None:
    trained.lake.remove(
        "silver.outcomes", "identity_key < 'lead0050'", app_id="maintain:silver.outcomes", app_version=1
    )
    found = rebuild_model(trained, "leadhouse-acme/1")
    assert not found.holds
    assert found.difference > 1e-3
    assert f"examples {LEADS} then" in found.words or "leads won" in found.words
    assert found.words.startswith("leadhouse-acme/1: expected the scores that it gave; they differ by up to 0.")


def test_a_version_that_is_none_is_refused(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="expected a version, of which there are leadhouse-acme/1; got 'acme/7'"):
        rebuild_model(trained, "acme/7")
    (trained.workspace.folder / "settings.toml").write_text('tenant = "acme"\n')
    capsys.readouterr()
    assert command(trained, "rebuild", "leadhouse-acme/1") == 0
    assert capsys.readouterr().out == "leadhouse-acme/1 is reproduced: the same bytes\n"
