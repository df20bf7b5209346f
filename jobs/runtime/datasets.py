"""The lake's tables as OpenLineage datasets: schema, version, rows written, quality and column lineage."""

from __future__ import annotations

from importlib.metadata import version

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    dataset_version_dataset,
    documentation_dataset,
    output_statistics_output_dataset,
    ownership_dataset,
    schema_dataset,
)

from leadhouse.expectations.tables import Column, TableSpec, table_specs
from leadhouse.jobs.runtime.batches import Outcome, Quality
from leadhouse.jobs.runtime.commits import Written, written
from leadhouse.jobs.runtime.job import JobSpec
from leadhouse.jobs.runtime.lake import Lake

PRODUCER = f"urn:leadhouse:{version('leadhouse')}"
"""Who made an event; a URI, as the standard wants."""


class Datasets:
    """Makes the datasets of one lake: namespace is the lake's URI, the name is ``layer.table``."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._namespace = lake.root.as_uri()

    def input(self, table: str, at: int | None) -> InputDataset:
        """Name a table that is read, with its Delta version."""
        return InputDataset(namespace=self._namespace, name=table, facets=_version(at))

    def output(self, table: str) -> OutputDataset:
        """Name a table that is going to be written."""
        return OutputDataset(namespace=self._namespace, name=table)

    def described_input(self, table: str, at: int | None, quality: tuple[Quality, ...]) -> InputDataset:
        """Describe a table that was read: its version and what the gate found; its schema comes with who writes it."""
        facets: dict[str, InputDatasetFacet] = {}
        if quality:
            facets["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                assertions=[_assertion(entry) for entry in quality], producer=PRODUCER
            )
        return InputDataset(namespace=self._namespace, name=table, facets=_version(at), inputFacets=facets)

    def described_output(self, table: str, spec: JobSpec, outcome: Outcome) -> OutputDataset:
        """Describe what a batch did to a table: version, schema, rows, and which columns its columns come from."""
        if table not in outcome.writes:
            return self.output(table)
        facets = _meaning(table) | _version(outcome.writes[table]) | self._column_lineage(table, spec)
        return OutputDataset(
            namespace=self._namespace, name=table, facets=facets, outputFacets=self._statistics(table, outcome)
        )

    def _statistics(self, table: str, outcome: Outcome) -> dict[str, OutputDatasetFacet]:
        counted = [count.rows for count in outcome.counts if count.measure == table]
        batch = outcome.batch
        logged = written(
            self._lake.table_path(table),
            outcome.writes[table],
            job=batch.job,
            generation=batch.generation,
            number=batch.number,
        )
        rows = Written(sum(counted), logged.size, logged.files) if counted else logged
        facet = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=rows.rows, size=rows.size, fileCount=rows.files, producer=PRODUCER
        )
        return {"outputStatistics": facet}

    def _column_lineage(self, table: str, spec: JobSpec) -> dict[str, DatasetFacet]:
        tables = {*spec.reads, *spec.writes, *([spec.stream] if spec.stream else [])}
        fields = {}
        for column in _columns(table):
            sources = [_split(source) for source in column.sources]
            inputs = [self._input_field(column, *source) for source in sources if source[0] in tables]
            if inputs:
                fields[column.name] = column_lineage_dataset.Fields(inputFields=inputs)
        if not fields:
            return {}
        return {"columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields, producer=PRODUCER)}

    def _input_field(self, target: Column, table: str, field: str) -> column_lineage_dataset.InputField:
        source = next((column for column in _columns(table) if column.name == field), None)
        same = source is not None and (source.name, source.sql_type) == (target.name, target.sql_type)
        hides = source is not None and source.classification is not None and target.classification is None
        step = column_lineage_dataset.Transformation(
            type="DIRECT", subtype="IDENTITY" if same else "TRANSFORMATION", masking=hides
        )
        return column_lineage_dataset.InputField(
            namespace=self._namespace, name=table, field=field, transformations=[step]
        )


def _meaning(table: str) -> dict[str, DatasetFacet]:
    """What a table is, as its contract says."""
    spec = table_specs().get(table)
    if spec is None:
        return {}
    return {
        "documentation": documentation_dataset.DocumentationDatasetFacet(
            description=f"{spec.purpose} {spec.grain} Contract {spec.version}.",
            contentType="text/plain",
            producer=PRODUCER,
        ),
        "ownership": ownership_dataset.OwnershipDatasetFacet(
            owners=[ownership_dataset.Owner(name=f"team:{spec.owner}", type="OWNER")], producer=PRODUCER
        ),
        "schema": schema_dataset.SchemaDatasetFacet(
            fields=[_field(place, column) for place, column in enumerate(spec.columns, 1)], producer=PRODUCER
        ),
    }


def _field(place: int, column: Column) -> schema_dataset.SchemaDatasetFacetFields:
    return schema_dataset.SchemaDatasetFacetFields(
        name=column.name, type=column.sql_type, description=column.description, ordinal_position=place, fields=None
    )


def _version(at: int | None) -> dict[str, DatasetFacet]:
    if at is None:
        return {}
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(at), producer=PRODUCER)}


def _assertion(quality: Quality) -> data_quality_assertions_dataset.Assertion:
    return data_quality_assertions_dataset.Assertion(
        assertion=quality.expectation,
        success=quality.success,
        column=quality.column,
        severity="error",
        name=f"{quality.tenant}.{quality.source}.{quality.expectation}",
        actual=quality.observed,
        params=None,
    )


def _columns(table: str) -> tuple[Column, ...]:
    spec: TableSpec | None = table_specs().get(table)
    return spec.columns if spec else ()


def _split(source: str) -> tuple[str, str]:
    table, _, field = source.rpartition(".")
    return table, field
