"""Tenants that share a model: who gives rows, who is scored by it, and when a tenant's own model takes over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import Settings, Training
from leadhouse.conf.workspace import open_workspace
from leadhouse.expectations.sharing import circle_of
from leadhouse.jobs import feature, score, train
from leadhouse.jobs.champion import champion_of, open_registry
from leadhouse.jobs.model_health import verdicts
from leadhouse.jobs.promotions import ledger_rows
from leadhouse.jobs.runtime.contracts import read_definitions, renewed
from leadhouse.jobs.runtime.job import Run
from leadhouse.models.package import load
from leadhouse.models.version import Version
from tests.jobs.lakes import a_run, content
from tests.jobs.test_model_versions import command
from tests.jobs.test_train import CONTRACT, NOW, add_leads, trained_by
from tests.jobs.test_watch import RECENT, scored_by, watched

FEW = 60
"""Leads of a tenant below the floor."""


def a_company(spark: SparkSession, folder: Path, *tenants: str, share: tuple[str, ...] = ()) -> Run:
    """A run over an empty lake with a contract of each tenant."""
    contracts = {
        tenant: f"tenant: {tenant}\n" + CONTRACT.replace("acme.crm", f"{tenant}.crm").replace("crm*", f"{tenant}*")
        for tenant in tenants
    }
    settings = Settings(tenant="acme", training=Training(horizon_days=30, ages_days=(0,), share=share))
    return a_run(spark, folder, settings, contracts=contracts, now=NOW)


def shared(run: Run) -> str:
    return circle_of(run.contracts, run.workspace.settings.training).name


def newest(run: Run, tenant: str) -> Version:
    found = open_registry(run).newest(tenant)
    assert found is not None
    return found


def scoring(run: Run, tenant: str) -> str | None:
    circle = circle_of(run.contracts, run.workspace.settings.training)
    found = champion_of(open_registry(run), tenant, circle)
    return None if found is None else found.label


def test_a_run_that_is_to_share_with_nobody_known_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "crm.odcs.yaml").write_text(CONTRACT)
    (tmp_path / "settings.toml").write_text('tenant = "acme"\n[training]\nshare = ["acme", "globex"]\n')
    _, problems = read_definitions(open_workspace(tmp_path))
    (problem,) = problems
    assert problem.startswith("settings.toml: training.share: expected tenants that contracts name (acme); got globex")


def test_a_run_goes_on_with_the_contracts_before_where_one_who_shares_is_gone(tmp_path: Path) -> None:
    run = a_company(cast("SparkSession", None), tmp_path, "acme", "globex", share=("acme", "globex"))
    (run.workspace.folder / "settings.toml").write_text('tenant = "acme"\n')
    assert renewed(run).contracts == run.contracts
    (run.workspace.folder / "contracts" / "globex.odcs.yaml").unlink()
    with pytest.raises(InputError, match="expected tenants that contracts name"):
        renewed(run)


def test_the_shared_model_scores_who_has_too_few_leads_or_no_better_model(spark: SparkSession, tmp_path: Path) -> None:
    run = a_company(spark, tmp_path, "acme", "globex", "initech", share=("globex", "acme"))
    add_leads(run.lake)
    add_leads(run.lake, FEW, tenant="globex")
    add_leads(run.lake, FEW, tenant="initech")
    feature.run(run)
    notes = train.run(run).notes
    label = f"leadhouse-{shared(run)}/1"
    assert notes[0].startswith(f"trained {label}: AUC .")
    card = load(run.lake.kept, newest(run, shared(run)).model_hash).card
    assert card["leads_won"] + card["leads_lost"] == 300 + FEW, "equal ids of two tenants are two leads"
    assert not [name for name in card["excluded"] if "tenant" in name]
    (refused,) = ledger_rows(run.lake, "acme")
    assert (refused["verdict"], refused["model_version"]) == ("refused", "leadhouse-acme/1")
    assert refused["reason"].startswith(f"refused: not better than {label} beyond noise: AUC ")
    assert [one["passed"] for one in refused["criteria"] if one["name"] == "better than the shared model"] == [False]
    without = [note.split(":")[0] for note in notes if "not enough data" in note]
    assert without == ["globex", "initech"]

    score.run(run)
    rows = content(spark, run.lake, "gold.lead_scores")
    assert {(row.tenant, row.status, row.model_version) for row in rows} == {
        ("acme", "scored", label),
        ("globex", "scored", label),
        ("initech", "not enough data", None),
    }
    assert {row.model_hash for row in rows} == {newest(run, shared(run)).model_hash, None}
    assert train.run(replace(run)).status == "unchanged"


def test_a_tenants_own_model_takes_over_where_it_is_better(spark: SparkSession, tmp_path: Path) -> None:
    run = a_company(spark, tmp_path, "acme", "globex", share=("acme", "globex"))
    add_leads(run.lake, 600)
    add_leads(run.lake, 240, tenant="globex", opposite=True)
    train.run(run)
    label = f"leadhouse-{shared(run)}/1"
    # One orders globex's leads the wrong way round; acme's it orders well, but says too little of the large ones.
    for tenant, leads, says in (("globex", 60, "AUC +0."), ("acme", 151, "AUC +0.0000")):
        assert scoring(run, tenant) == f"leadhouse-{tenant}/1"
        (row,) = ledger_rows(run.lake, tenant)
        assert (row["verdict"], row["replaced"]) == ("promoted", label)
        assert row["reason"].startswith(f"promoted: better than {label}: {says}")
        assert "log loss" in row["reason"]
        assert row["leads"] == leads, "a quarter of its own leads, none of others"


def test_what_was_refused_beside_a_shared_model_is_judged_anew_where_nothing_is_shared_any_more(
    spark: SparkSession, tmp_path: Path
) -> None:
    run = a_company(spark, tmp_path, "acme", "globex", share=("acme", "globex"))
    add_leads(run.lake)
    add_leads(run.lake, FEW, tenant="globex")
    train.run(run)
    alone = trained_by(run, share=())
    assert scoring(alone, "acme") is None, "what has learned from others' rows scores nobody who doesn't share"
    train.run(alone)
    assert scoring(alone, "acme") == "leadhouse-acme/1"
    assert scoring(alone, "globex") is None
    assert len(open_registry(run).versions("acme")) == 1


@pytest.fixture
def refused(spark: SparkSession, tmp_path: Path) -> Run:
    """A run whose tenants are scored by their shared model: acme's own was no better, globex has too few leads."""
    run = a_company(spark, tmp_path, "acme", "globex", share=("acme", "globex"))
    add_leads(run.lake)
    add_leads(run.lake, FEW, tenant="globex")
    train.run(run)
    said = 'tenant = "acme"\n[training]\nshare = ["acme", "globex"]\n'
    (run.workspace.folder / "settings.toml").write_text(said)
    return replace(run, clock=lambda: datetime.now(UTC))  # a person's word is dated by the clock on the wall


def test_a_persons_word_goes_before_the_shared_model_and_back(refused: Run, capsys: pytest.CaptureFixture[str]) -> None:
    label = f"leadhouse-{shared(refused)}/1"
    capsys.readouterr()
    assert command(refused, "list", "--json") == 0
    listed = {row["version"]: row for row in json.loads(capsys.readouterr().out)}
    assert {version: row["scores"] for version, row in listed.items()} == {
        "leadhouse-acme/1": "",
        label: "acme, globex",
    }
    assert command(refused, "promote", "leadhouse-acme/1", "--reason", "we know our leads", "--by", "ops") == 0
    assert (scoring(refused, "acme"), scoring(refused, "globex")) == ("leadhouse-acme/1", label)
    assert command(refused, "rollback", "--tenant", "acme", "--reason", "we don't", "--by", "ops") == 0
    assert scoring(refused, "acme") == label
    last = ledger_rows(refused.lake, "acme")[-1]
    assert (last["verdict"], last["model_version"], last["replaced"], last["person"]) == (
        "rolled back", label, "leadhouse-acme/1", "ops",
    )  # fmt: skip
    capsys.readouterr()
    assert command(refused, "rollback", "--tenant", "acme", "--reason", "x") == 2
    assert "expected a champion of acme before the present one" in capsys.readouterr().err
    notes = train.run(trained_by(refused, cleared=("trait:none",))).notes
    assert "leadhouse-acme/1: the training data are unchanged; nothing was trained" in notes
    assert scoring(refused, "acme") == label, "a person's word holds as long as nothing new is known"


def test_a_shared_model_is_watched_by_a_tenants_own_scores_and_stays(refused: Run) -> None:
    label = f"leadhouse-{shared(refused)}/1"
    scored_by(refused, label, RECENT, upside_down=True)
    notes = watched(refused).notes
    assert f"{label}: drift of globex's leads is not watched, since it learned from other tenants' leads, too" in notes
    (stays,) = [note for note in notes if "failed" in note]
    assert stays.startswith(f"{label} failed on {len(RECENT)} leads")
    assert "a shared model stays until a person decides" in stays
    assert [(row["model_version"], row["verdict"]) for row in verdicts(refused.lake, "acme")] == [(label, "failed")]
    assert verdicts(refused.lake, "globex") == []
    assert scoring(refused, "acme") == label


@pytest.mark.parametrize("both", [False, True])
def test_an_own_model_that_fails_makes_way_for_the_shared_one_unless_that_fails_too(refused: Run, both: bool) -> None:
    label = f"leadhouse-{shared(refused)}/1"
    assert command(refused, "promote", "leadhouse-acme/1", "--reason", "x", "--by", "ops") == 0
    scored_by(refused, "leadhouse-acme/1", RECENT[:75], upside_down=True)
    scored_by(refused, label, RECENT[75:], upside_down=both)
    notes = watched(refused).notes
    assert scoring(refused, "acme") == ("leadhouse-acme/1" if both else label)
    last = ledger_rows(refused.lake, "acme")[-1]
    if both:
        (stays,) = [note for note in notes if note.startswith("leadhouse-acme/1 failed")]
        assert stays.endswith("no champion before it is known to be better: it stays until a person decides")
    else:
        assert (last["verdict"], last["model_version"], last["replaced"], last["person"]) == (
            "rolled back", label, "leadhouse-acme/1", None,
        )  # fmt: skip


@pytest.mark.parametrize("share", [(), ("acme", "globex")])
def test_rows_of_who_does_not_share_reach_nobodys_model(
    spark: SparkSession, tmp_path: Path, share: tuple[str, ...]
) -> None:
    tenants = ("acme", "globex", "initech") if share else ("acme", "initech")
    found = []
    for folder, others in (("without", 0), ("with", 150)):
        run = a_company(spark, tmp_path / folder, *tenants, share=share)
        add_leads(run.lake)
        if share:
            add_leads(run.lake, FEW, tenant="globex")
        if others:
            add_leads(run.lake, others, tenant="initech", opposite=True)
        train.run(run)
        names = ("acme", *((shared(run),) if share else ()))
        found.append([(one.model_hash, one.training_key) for one in (newest(run, name) for name in names)])
    assert found[0] == found[1]
