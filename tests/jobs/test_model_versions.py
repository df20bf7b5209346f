"""``leadhouse models``: what it shows, and that a person's word is acted on by the next batch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.jobs import cli, feature, score, train
from leadhouse.jobs.champion import open_registry
from leadhouse.jobs.promotions import champions_before
from leadhouse.jobs.runtime.job import Run
from tests.jobs.lakes import content
from tests.jobs.test_train import add_leads, run, trained_by  # noqa: F401 - run is the fixture

Said = pytest.CaptureFixture[str]


@pytest.fixture
def models(run: Run) -> Run:  # noqa: F811 - the fixture above
    """A run whose tenant has two versions: the first is champion, the second was refused."""
    add_leads(run.lake)
    train.run(run)
    train.run(trained_by(run, seed=1))
    (run.workspace.folder / "settings.toml").write_text('tenant = "acme"\n')
    return run


def command(models: Run, *words: str) -> int:
    return cli.main(["models", *words, "--lake", str(models.lake.root), "--workspace", str(models.workspace.folder)])


def scored_by(spark: SparkSession, models: Run) -> set[str]:
    score.run(models)
    return {row.model_version for row in content(spark, models.lake, "gold.lead_scores")}


def test_a_person_promotes_and_rolls_back_and_the_next_batch_is_scored_by_it(
    spark: SparkSession, models: Run, capsys: Said
) -> None:
    feature.run(models)
    assert scored_by(spark, models) == {"leadhouse-acme/1"}
    capsys.readouterr()
    assert command(models, "promote", "leadhouse-acme/2", "--reason", "new field", "--by", "ops") == 0
    assert capsys.readouterr().out == "leadhouse-acme/2 is acme's champion; the next batch is scored by it\n"
    assert scored_by(spark, models) == {"leadhouse-acme/2"}
    assert command(models, "rollback", "--reason", "sales complain", "--by", "ops") == 0
    assert scored_by(spark, models) == {"leadhouse-acme/1"}
    rows = sorted(content(spark, models.lake, "ops.promotions"), key=lambda row: row.decided_at)
    assert [(row.model_version[-1], row.verdict, row.replaced, row.person, row.reason) for row in rows[2:]] == [
        ("2", "promoted", "leadhouse-acme/1", "ops", "new field"),
        ("1", "rolled back", "leadhouse-acme/2", "ops", "sales complain"),
    ]

    capsys.readouterr()
    assert command(models, "list", "--json") == 0
    second, first = json.loads(capsys.readouterr().out)
    assert (first["version"], first["is"], first["verdict"]) == (
        "leadhouse-acme/1", "champion, reference", "rolled back",
    )  # fmt: skip
    assert (second["is"], second["verdict"], second["person"]) == ("", "promoted", "ops")
    assert second["AUC"].startswith("0.")


def test_what_can_not_be_promoted_is_said(models: Run, capsys: Said) -> None:
    assert command(models, "promote", "leadhouse-acme/9", "--reason", "x") == 2
    assert "expected a version, of which there are leadhouse-acme/1, leadhouse-acme/2" in capsys.readouterr().err
    assert command(models, "promote", "leadhouse-acme/1", "--reason", "x") == 2
    assert "is the champion already" in capsys.readouterr().err
    assert command(models, "promote", "leadhouse-acme/2", "--reason", " ") == 2
    assert "--reason: expected why" in capsys.readouterr().err
    assert command(models, "rollback", "--reason", "x") == 2
    assert "expected a champion of acme before the present one" in capsys.readouterr().err
    assert command(models, "rollback", "--reason", "x", "--tenant", "other") == 2
    assert "--tenant: expected one of acme; got 'other'" in capsys.readouterr().err
    assert open_registry(models).champion("acme") == open_registry(models).versions("acme")[0]


def test_a_card_is_shown_and_put_into_a_folder_with_its_pictures(models: Run, capsys: Said, tmp_path: Path) -> None:
    capsys.readouterr()
    assert command(models, "card", "--folder", str(tmp_path / "new" / "card")) == 0
    said = capsys.readouterr().out
    assert said.startswith("# Model card: leadhouse-acme/1\n")
    assert "## Where does it fail?" in said
    (contract,) = models.contracts
    assert f"| contract acme/crm | {contract.version}, SHA-256 {contract.content_hash} |" in said
    assert (tmp_path / "new" / "card" / "model_card.md").read_text() == said
    assert (tmp_path / "new" / "card" / "plots" / "roc.png").read_bytes().startswith(b"\x89PNG")
    assert command(models, "card", "leadhouse-acme/2") == 0
    assert capsys.readouterr().out.startswith("# Model card: leadhouse-acme")
    assert command(models, "card", "leadhouse-acme/9") == 2


def test_a_lake_without_models_says_so(run: Run, capsys: Said) -> None:  # noqa: F811 - the fixture
    (run.workspace.folder / "settings.toml").write_text('tenant = "acme"\n')
    assert command(run, "list") == 0
    assert capsys.readouterr().out == "No model has been trained yet.\n"
    assert command(run, "card") == 2
    assert "there are: none yet" in capsys.readouterr().err


def test_a_rollback_returns_to_what_was_there_before_and_never_to_what_was_taken_back() -> None:
    def rows(*said: tuple[str, str]) -> list[dict[str, str]]:
        return [{"model_version": version, "verdict": verdict} for version, verdict in said]

    three = [("1", "promoted"), ("2", "promoted"), ("x", "refused"), ("3", "promoted")]
    assert champions_before(rows(*three)) == ["1", "2"]
    assert champions_before(rows(*three, ("2", "rolled back"))) == ["1"]
    assert champions_before(rows(*three, ("2", "rolled back"), ("1", "rolled back"))) == []
    assert champions_before(rows(*three, ("2", "rolled back"), ("4", "promoted"))) == ["1", "2"]
    assert champions_before([]) == []
