"""What a source with many fields states."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import Row, SparkSession

from leadhouse.transforms import facts
from leadhouse.transforms.deduplicate import new_facts
from leadhouse.transforms.fact_mapping import FactMapping, TraitField
from leadhouse.transforms.values import ValueSpec

_FIELDS = 60
_TEXT = ValueSpec("string", ".", (), ("true",), ("false",), "UTC", ())
_NUMBER = ValueSpec("number", ".", (), ("true",), ("false",), "UTC", ())


def test_a_contract_with_many_fields_can_be_planned(spark: SparkSession) -> None:
    """Spark draws conclusions from each field's filter for all others: by default it runs out of memory at 24 fields.

    The rows are no constants, which Spark would compute while it plans: only a batch of few rows is of such.
    """
    names = [f"field_{number}" for number in range(_FIELDS)]
    specs = [_NUMBER if number % 4 == 0 else _TEXT for number in range(_FIELDS)]
    at = datetime(2026, 3, 1, tzinfo=UTC)
    values = dict.fromkeys(names, "7.50") | {"field_3": None}
    typed = {name: 7.5 if spec is _NUMBER else values[name] for name, spec in zip(names, specs, strict=True)}
    item = Row(
        tenant="acme", record_id="r1", item=0, received_at=at, known_at=at, identity_key="key",
        texts=Row(**values), row=Row(**typed),
    )  # fmt: skip
    texts = ", ".join(f"{name}: string" for name in names)
    row = ", ".join(
        f"{name}: {'double' if spec is _NUMBER else 'string'}" for name, spec in zip(names, specs, strict=True)
    )
    schema = (
        "tenant string, record_id string, item int, received_at timestamp, known_at timestamp, identity_key string, "
        f"texts struct<{texts}>, row struct<{row}>"
    )
    items = spark.createDataFrame([item], schema).coalesce(1)
    stated = new_facts(facts.traits(items, _mapping(names, specs), "refine/0/0"), None, "trait_id")
    said = {row["name"]: row["value"] for row in stated.select("name", "value").toArrow().to_pylist()}
    assert said == {
        name: "7.5" if spec is _NUMBER else "7.50" for name, spec in zip(names, specs, strict=True) if name != "field_3"
    }


def _mapping(names: list[str], specs: list[ValueSpec]) -> FactMapping:
    return FactMapping(
        source="crm", key_fields=(), all_fields=tuple(names), events=False, global_key=False, backfill=False,
        creates_lead=True, identities=(), consents=(), outcomes=(), signal_type=None, channel=None,
        signal_type_field=None, channel_field=None, campaign_field=None, created_at=None, occurred_at=None,
        updated_at=None, outcome_at=None, default_region="DE",
        traits=tuple(TraitField(name, name, spec, at_creation=True) for name, spec in zip(names, specs, strict=True)),
    )  # fmt: skip
