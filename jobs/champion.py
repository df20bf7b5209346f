"""Which model scores a tenant's leads, and its bytes in the lake: for the jobs that train, score and decide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from leadhouse.conf.errors import LeadhouseError, RegistryDownError
from leadhouse.expectations.sharing import Circle, circle_of
from leadhouse.jobs.runtime.batches import last_outcome
from leadhouse.jobs.runtime.definitions import pinned_files
from leadhouse.jobs.runtime.job import Run, Step
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.models.model import LeadModel
from leadhouse.models.package import MANIFEST, Files, load, pack, unpack
from leadhouse.models.registry import Registry
from leadhouse.models.scoring import Champion
from leadhouse.models.version import Version

_PREFIX = "champion/"


def open_registry(run: Run) -> Registry:
    """Return the registry of a run's lake."""
    return Registry(run.lake.root / "models", run.workspace.settings.mlflow.tracking_uri)


def keep_model(lake: Lake, files: Files) -> str:
    """Store a packed model in the lake by its hashes, for scoring and for replays, and return the model's hash."""
    for name, content in files.items():
        if name != MANIFEST:
            lake.keep(content)
    return lake.keep(files[MANIFEST])


def champion_of(registry: Registry, tenant: str, circle: Circle) -> Version | None:
    """Return the version that scores a tenant's leads: its own champion; without one that of the model which it shares
    with others, if it does; else None."""
    own = registry.champion(tenant)
    return own if own is not None or tenant not in circle.tenants else registry.champion(circle.name)


def champion_definitions(run: Run) -> Mapping[str, bytes]:
    """Return per tenant which version scores its leads, as a definition that an intent can pin."""
    registry, circle = open_registry(run), circle_of(run.contracts, run.workspace.settings.training)
    found = ((tenant, champion_of(registry, tenant, circle)) for tenant in run.tenants)
    return {f"{_PREFIX}{tenant}": _as_definition(version) for tenant, version in found if version is not None}


def standing_champions(run: Run, job: str) -> tuple[Mapping[str, bytes], str | None]:
    """Return what ``champion_definitions`` does, and None; while the registry doesn't answer, what the job's last batch
    had, and a line that says so. Raises RegistryDownError if there was no such batch."""
    try:
        return champion_definitions(run), None
    except RegistryDownError as problem:
        last = last_outcome(run.lake, job)
        had = {} if last is None else last.batch.definitions
        pinned = {name: run.lake.kept(digest) for name, digest in had.items() if name.startswith(_PREFIX)}
        if last is None or not pinned:
            raise
        return pinned, f"{problem}; until it answers leads are scored by the champions of {last.batch.name}"


def pinned_champions(step: Step) -> dict[str, Champion]:
    """Return which version scores each tenant's leads, as the batch's intent has it, whoever was promoted since."""
    pinned = {tenant: _from_definition(content) for tenant, content in pinned_files(step, _PREFIX).items()}
    registry = open_registry(step.run)
    return {
        tenant: Champion(version.label, version.model_hash, _files(step.run.lake, registry, version))
        for tenant, version in pinned.items()
    }


def model_of(run: Run, registry: Registry, version: Version) -> LeadModel:
    """Return a version's model. Raises LeadhouseError if its files are not what was registered."""
    return unpack(_files(run.lake, registry, version), version.model_hash)


def _files(lake: Lake, registry: Registry, version: Version) -> Files:
    """A version's files: from the lake, or from MLflow where it was registered by somebody else."""
    try:
        return pack(load(lake.kept, version.model_hash))
    except LeadhouseError:
        files = registry.files(version)
        keep_model(lake, files)
        return files


def _as_definition(version: Version) -> bytes:
    # Whether it was promoted or judged before is no part of what it is.
    document = asdict(replace(version, was_promoted=True))
    del document["was_judged"], document["beside"]
    return json.dumps(document, sort_keys=True).encode()


def _from_definition(content: bytes) -> Version:
    return Version(**json.loads(content))
