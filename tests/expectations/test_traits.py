from __future__ import annotations

from pathlib import Path

from leadhouse.conf.workspace import open_workspace, shipped_workspace
from leadhouse.expectations.contract import Contract, Field, Location, Shape
from leadhouse.expectations.odcs import read_contracts
from leadhouse.expectations.traits import sensitive_features, trait_kinds
from leadhouse.transforms.features import TraitKind


def contract(*fields: Field, source: str = "crm") -> Contract:
    shape, location = Shape(format="csv"), Location("local", "*.csv")
    return Contract("acme", source, "1.0.0", "x" * 64, "crm.odcs.yaml", "sales", "", location, shape, fields)


def test_traits_are_typed_by_their_own_source() -> None:
    crm = contract(
        Field("employees", "Employees", "integer", roles=("trait",)),
        Field("revenue", "Revenue", "number", roles=("trait",)),
        Field("land", "Land", "string", roles=("country", "trait")),
        Field("stage", "Stage", "string", roles=("trait",), known="later"),
        Field("note", "Note", "string"),
    )
    forms = contract(Field("employees", "Employees", "string", roles=("trait",)), source="forms")
    assert trait_kinds((crm, forms)) == (
        TraitKind("acme", "crm", "employees", "number"),
        TraitKind("acme", "crm", "revenue", "number"),
        TraitKind("acme", "crm", "country", "string"),
        TraitKind("acme", "crm", "land", "string"),
        TraitKind("acme", "crm", "stage", "string", known="later"),
        TraitKind("acme", "forms", "employees", "string"),
    )


def test_personal_sensitive_and_reserved_traits_are_none() -> None:
    fields = (
        Field("name", "Name", "string", roles=("trait",), classification="confidential"),
        Field("health", "Health", "string", roles=("trait",), classification="sensitive"),
        Field("mail", "Mail", "string", roles=("email", "trait")),
        Field("firm", "Firm", "string", roles=("company", "trait")),
        Field("created_at", "Created", "timestamp", roles=("created_at", "trait")),
        Field("gone", "Gone", "boolean", roles=("deleted",)),
        Field("country", "Country", "string", roles=("country",), classification="sensitive"),
    )
    assert trait_kinds((contract(*fields),)) == ()


def test_a_sensitive_trait_is_a_feature_where_the_contract_says_so_and_a_personal_one_never() -> None:
    crm = contract(
        Field("age", "Age", "integer", roles=("trait",), classification="sensitive", feature=True),
        Field("religion", "Religion", "string", roles=("trait",), classification="sensitive"),
        Field("size", "Size", "integer", roles=("trait",), feature=True),
        Field("born", "Born", "date", roles=("trait",), classification="restricted", feature=True),
        Field("land", "Land", "string", roles=("country",), classification="sensitive", feature=True),
    )
    assert [kind.name for kind in trait_kinds((crm,))] == ["age", "size", "country"]
    assert sensitive_features((crm,), "acme") == {"trait:age", "trait:country"}
    assert sensitive_features((crm,), "other") == frozenset()


def test_what_sales_fill_in_after_the_fact_is_no_feature_of_x_education() -> None:
    workspace = open_workspace(Path(shipped_workspace("x_education")))
    kinds = trait_kinds(read_contracts(workspace.contract_files, workspace.settings.tenant))
    usable = {kind.name for kind in kinds if kind.known == "at_creation"}
    assert {"tags", "lead_quality", "last_activity"}.isdisjoint(usable)
    assert {"tags", "lead_quality", "last_activity"} <= {kind.name for kind in kinds}
    assert "lead_source" in usable
