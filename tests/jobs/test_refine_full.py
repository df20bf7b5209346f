"""A full export: a row that is gone from it is a lead that is gone, unless too many are gone at once."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from tests.jobs.small_company import rows_of, run_company

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: crm
name: crm
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: "crm/*.csv", format: csv}]
customProperties:
  - {property: delivery, value: full}
  - {property: minRows, value: 4}
  - {property: maxShrink, value: 0.25}
schema:
  - name: crm
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true, customProperties: [{property: role,
         value: external_id}]}
      - {name: size, logicalType: integer, customProperties: [{property: role, value: trait}]}
      - {name: mail, logicalType: string, customProperties: [{property: role, value: email}]}
"""


def test_absence_is_a_fact_until_the_row_is_back(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    crm = _Crm(tmp_path)
    assert crm.lands("day1", "A,1", "B,2", "C,3", "D,4", "E,5") == 0
    assert crm.deleted() == set()
    # B's row is refused, not absent: nothing is known about it but that it is there.
    assert crm.lands("day2", "A,1", "B,many", "C,3", "E,6") == 0
    assert crm.deleted() == {"D"}
    assert crm.lands("day3", "A,1", "B,2", "C,3", "D,4", "E,6") == 0
    assert crm.deleted() == set()
    assert [row["value"] for row in crm.said()] == ["true", "false"]


def test_an_export_that_shrinks_too_much_is_held(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    crm = _Crm(tmp_path)
    rows = [f"L{number},1" for number in range(20)]
    assert crm.lands("day1", *rows) == 0
    assert crm.lands("day2", *rows[:8]) == 3
    assert "expected at most 25% of 20 rows to be gone; 12 are" in crm.shown
    assert crm.deleted() == set()
    assert {row["record_id"] for row in rows_of(crm.lake, "ops.held")}
    assert crm.lands("day3", *rows[:19]) == 0
    assert crm.deleted() == {"L19"}


def test_a_merged_row_leaves_its_lead_alive(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    crm = _Crm(tmp_path)
    assert crm.lands("day1", "A,1,a@x.com", "B,2,a@x.com", "C,3,c@x.com", "D,4,d@x.com") == 0
    assert crm.lands("day2", "B,2,a@x.com", "C,3,c@x.com", "D,4,d@x.com") == 0
    assert crm.deleted() == set()
    assert len(crm.said()) == 1


def test_of_two_exports_at_once_the_later_counts(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    crm = _Crm(tmp_path)
    crm.write("day1", "A,1", "B,2", "C,3", "D,4")
    assert crm.lands("day2", "A,1", "B,2", "C,3") == 0
    assert crm.deleted() == {"D"}


def test_an_export_that_is_still_being_written_proves_nothing(
    spark: SparkSession, one_key: None, tmp_path: Path
) -> None:
    crm = _Crm(tmp_path, settle_seconds=3600.0)
    assert crm.lands("day1", "A,1", "B,2", "C,3", "D,4") == 0
    (crm.landing / "crm" / "day2.csv").write_text("id,size,mail\nA,1,\nB,2,\nC,3,\nD", encoding="utf-8")
    assert crm.refines() == 0
    assert "not complete when it was read" in crm.shown
    assert crm.deleted() == set()


def test_a_row_without_a_readable_key_could_be_any_row(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    crm = _Crm(tmp_path)
    assert crm.lands("day1", "A,1", "B,2", "C,3", "D,4") == 0
    assert crm.lands("day2", "A,1", "B,2", "C,3", ",4") == 0
    assert "1 rows without a readable key" in crm.shown
    assert crm.deleted() == set()


class _Crm:
    """A CRM that lands everything it holds, again and again."""

    def __init__(self, folder: Path, settle_seconds: float = 0.0) -> None:
        self.lake, self.landing, self.workspace = folder / "lake", folder / "landing", folder / "workspace"
        (self.landing / "crm").mkdir(parents=True)
        (self.workspace / "contracts").mkdir(parents=True)
        (self.workspace / "contracts" / "crm.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
        settings = f'tenant = "acme"\n[landing]\nsettle_seconds = {settle_seconds}\n'
        (self.workspace / "settings.toml").write_text(settings, encoding="utf-8")
        self.shown = ""

    def lands(self, day: str, *rows: str) -> int:
        """Land an export and refine it; returns the exit code."""
        self.write(day, *rows)
        return self.refines()

    def write(self, day: str, *rows: str) -> None:
        """Write an export; rows of two columns have no e-mail address."""
        rows = tuple(row if row.count(",") == 2 else f"{row}," for row in rows)
        (self.landing / "crm" / f"{day}.csv").write_text("\n".join(["id,size,mail", *rows, ""]), encoding="utf-8")

    def refines(self) -> int:
        """Ingest and refine what has landed; returns refine's exit code."""
        assert run_company(self.lake, self.workspace, self.landing, "ingest")[0] == 0
        code, self.shown = run_company(self.lake, self.workspace, self.landing, "refine")
        return code

    def said(self) -> list[dict[str, object]]:
        """The facts about presence, in the order of their times."""
        told = [row for row in rows_of(self.lake, "silver.traits") if row["name"] == "deleted"]
        return sorted(told, key=lambda row: str(row["stated_at"]))

    def deleted(self) -> set[str]:
        """External ids of the leads that count as deleted."""
        leads = [row for row in rows_of(self.lake, "silver.leads") if row["deleted"]]
        return {str(dict(row["external_ids"])["crm"]) for row in leads}  # type: ignore[call-overload]
