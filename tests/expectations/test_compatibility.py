from __future__ import annotations

from dataclasses import replace

import pytest

from leadhouse.expectations.compatibility import BREAKING, COMPATIBLE, differences, version_problem
from leadhouse.expectations.contract import Consent, Contract, Field, Location, Shape

OLD = Contract(
    tenant="acme",
    source="leads",
    version="1.2.0",
    content_hash="0" * 64,
    file="leads.odcs.yaml",
    owner="sales",
    description="",
    location=Location("local", "leads*.csv"),
    shape=Shape("csv", formats=("dd.MM.yyyy",)),
    fields=(
        Field("lead_id", "Lead ID", "string", key_position=1, required=True, roles=("external_id",), namespace="crm"),
        Field("size", "Size", "integer", roles=("trait",), minimum=0, maximum=100, signs=("+",)),
        Field("stage", "Stage", "string", roles=("outcome",), positive_values=("won",), valid_values=("won", "lost")),
        Field(
            "opt_out", "Opt out", "boolean", roles=("consent",), consent=Consent("email", "*", "withdrawn", "consent")
        ),
        Field("day", "Day", "date", roles=("trait",), formats=("dd.MM.yyyy",)),
    ),
    delivery="incremental",
    creates_leads=True,
)


def changed(name: str, **values: object) -> Contract:
    """The old contract with one field changed."""
    return replace(OLD, fields=tuple(replace(entry, **values) if entry.name == name else entry for entry in OLD.fields))


def severities(new: Contract) -> set[str]:
    return {entry.severity for entry in differences(OLD, new)}


def test_a_contract_agrees_with_itself() -> None:
    assert differences(OLD, OLD) == ()
    assert version_problem(OLD, OLD, ()) is None


@pytest.mark.parametrize(
    "new",
    [
        replace(OLD, fields=OLD.fields[:-1]),
        changed("size", logical_type="number"),
        changed("size", physical_name="Employees"),
        changed("size", roles=()),
        changed("lead_id", namespace="erp"),
        changed("lead_id", key_position=None),
        changed("size", key_position=2),
        changed("stage", positive_values=("won", "lost")),
        changed("stage", valid_values=("won",)),
        changed("size", valid_values=("1",)),
        changed("size", minimum=1),
        changed("size", maximum=99),
        changed("size", max_length=3),
        changed("size", pattern="^[0-9]$"),
        changed("size", required=True),
        changed("size", signs=("%",)),
        changed("opt_out", consent=Consent("email", "*", "given", "consent")),
        changed("day", formats=("MM/dd/yyyy", "dd.MM.yyyy")),
        replace(OLD, fields=(*OLD.fields, Field("new", "New", "string", required=True))),
        replace(OLD, delivery="full"),
        replace(OLD, history="backfill"),
        replace(OLD, outcome="won"),
        replace(OLD, source="contacts"),
        replace(OLD, tenant="other"),
        replace(OLD, shape=replace(OLD.shape, separator=";")),
        replace(OLD, shape=replace(OLD.shape, null_tokens=("", "Select"))),
        replace(OLD, shape=replace(OLD.shape, time_zone="Europe/Berlin")),
        replace(OLD, location=Location("kafka", "leads")),
    ],
)
def test_what_changes_how_stored_data_is_read_breaks(new: Contract) -> None:
    found = differences(OLD, new)
    assert BREAKING in {entry.severity for entry in found}
    assert found[0].severity == BREAKING
    assert "expected a new major (2.0.0)" in str(version_problem(OLD, replace(new, version="1.3.0"), found))
    assert version_problem(OLD, replace(new, version="2.0.0"), found) is None


@pytest.mark.parametrize(
    "new",
    [
        replace(OLD, fields=(*OLD.fields, Field("new", "New", "string"))),
        changed("size", minimum=-1, maximum=None),
        changed("stage", valid_values=("won", "lost", "open")),
        changed("stage", valid_values=()),
        changed("lead_id", required=False),
        changed("size", known="later"),
        changed("size", signs=("%", "+")),
        changed("size", classification="sensitive"),
        changed("day", formats=("dd.MM.yyyy", "yyyy-MM-dd")),
        replace(OLD, location=Location("local", "crm/leads*.csv")),
        replace(OLD, owner="marketing"),
        replace(OLD, retention_days=30),
        replace(OLD, shape=replace(OLD.shape, true_tokens=(*OLD.shape.true_tokens, "ja"))),
        replace(OLD, shape=replace(OLD.shape, formats=("dd.MM.yyyy", "yyyy"))),
    ],
)
def test_what_leaves_stored_data_right_is_compatible_with_a_higher_version(new: Contract) -> None:
    found = differences(OLD, new)
    assert severities(new) == {COMPATIBLE}
    assert version_problem(OLD, replace(new, version="1.2.1"), found) is None
    assert "expected one above 1.2.0" in str(version_problem(OLD, new, found))


def test_a_version_that_is_no_version_is_told() -> None:
    assert "major.minor.patch" in str(version_problem(OLD, replace(OLD, version="two"), ()))


def test_a_sensitive_field_becomes_a_feature_with_a_new_major_only() -> None:
    guarded, opened = (
        changed("size", classification="sensitive"),
        changed("size", classification="sensitive", feature=True),
    )
    (difference,) = differences(guarded, opened)
    assert difference.severity == BREAKING
    assert "its sensitive values become features" in difference.message
    assert {entry.severity for entry in differences(opened, guarded)} == {COMPATIBLE}


def test_every_part_of_a_field_and_of_a_contract_is_compared() -> None:
    other = Field(
        "size", "x", "string", True, True, 9, "sensitive", "d", ("country",), "n", "later", ("v",), "p",
        minimum=1.0, maximum=2.0, max_length=3, formats=("f",), signs=("%",),
        consent=Consent("*", "*", "given", "consent"), positive_values=("w",), feature=True,
    )  # fmt: skip
    base = next(entry for entry in OLD.fields if entry.name == "size")
    for attribute in Field.__dataclass_fields__:
        if attribute == "name":
            continue
        assert differences(OLD, changed("size", **{attribute: getattr(other, attribute)})), (
            f"{attribute} of {base.name}"
        )
    values: dict[str, object] = dict.fromkeys(Contract.__dataclass_fields__, "other")
    values |= {"location": Location("local", "b"), "shape": Shape("json"), "fields": ()}
    for attribute in set(Contract.__dataclass_fields__) - {"version", "content_hash", "content", "file"}:
        assert differences(OLD, replace(OLD, **{attribute: values[attribute]})), attribute


@pytest.mark.parametrize(("after", "expected"), [(None, BREAKING), ("sensitive", COMPATIBLE)])
def test_what_was_kept_out_of_features_does_not_come_in_by_a_minor_version(after: str | None, expected: str) -> None:
    guarded = changed("size", classification="confidential")
    (difference,) = differences(guarded, changed("size", classification=after))
    assert difference.severity == expected
