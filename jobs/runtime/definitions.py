"""The user's files and settings that a batch depends on, kept by hash in the lake, read back as its intent has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from leadhouse.conf.settings import Identity, Training
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.odcs import parse_contract
from leadhouse.jobs.runtime.job import Run, Step

CONTRACTS = "contracts/"
_TRAINING = "settings/training"
_IDENTITY = "settings/identity"
_REGION_AND_SHARING = ("default_region", "shared_above")
"""What of the identity settings says which keys a record has and which of them are joined."""


def contract_files(run: Run) -> Mapping[str, bytes]:
    """Return the run's contract files by name, for a job's ``definitions``: as read, whatever they say now."""
    return {f"{CONTRACTS}{contract.file}": contract.content for contract in run.contracts}


def pinned_files(step: Step, prefix: str) -> dict[str, bytes]:
    """Return what the batch's intent has under names that begin with ``prefix``, by the rest of the name, sorted."""
    return {
        name.removeprefix(prefix): step.run.lake.kept(digest)
        for name, digest in sorted(step.batch.definitions.items())
        if name.startswith(prefix)
    }


def pinned_contracts(step: Step) -> tuple[Contract, ...]:
    """Return the contracts as the batch's intent has them, whatever the files say by now."""
    tenant = step.run.workspace.settings.tenant
    return tuple(parse_contract(content, file, tenant) for file, content in pinned_files(step, CONTRACTS).items())


def refine_definitions(run: Run) -> Mapping[str, bytes]:
    """Return what says how records become facts, for a job's ``definitions``: contracts and identity settings."""
    settings = asdict(run.workspace.settings.identity)
    said = {name: settings[name] for name in _REGION_AND_SHARING}
    return {**contract_files(run), _IDENTITY: json.dumps(said, sort_keys=True).encode()}


def pinned_identity(step: Step) -> Identity:
    """Return the identity settings as the batch's intent has them: region of phone numbers, when a value is shared."""
    settings = step.run.workspace.settings.identity
    if _IDENTITY not in step.batch.definitions:  # an earlier release began the batch
        return settings
    return replace(settings, **json.loads(step.run.lake.kept(step.batch.definitions[_IDENTITY])))


def training_settings(run: Run) -> Mapping[str, bytes]:
    """Return the workspace's settings for training, for a job's ``definitions``; ``--strict`` is one of them."""
    training = run.workspace.settings.training
    said = asdict(replace(training, strict=training.strict or run.strict))
    return {_TRAINING: json.dumps(said, sort_keys=True).encode()}


def pinned_training(step: Step) -> Training:
    """Return the training settings as the batch's intent has them, whatever the file says by now."""
    document = json.loads(step.run.lake.kept(step.batch.definitions[_TRAINING]))
    # A batch that an earlier release began knows fewer settings, which then are as they are by default.
    lists = {name: tuple(said) for name, said in document.items() if isinstance(said, list)}
    return Training(**{**document, **lists})
