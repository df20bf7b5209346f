"""Opens a run: workspace, contracts, lake, lock, keys and session, checked before anything is written."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from leadhouse.conf.errors import InputError, LeadhouseError
from leadhouse.conf.workspace import open_workspace
from leadhouse.expectations.contract import Contract
from leadhouse.jobs.runtime.broker import client_options
from leadhouse.jobs.runtime.contracts import breaks, read_definitions, stored_contracts
from leadhouse.jobs.runtime.integrity import torn_logs
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.keys import check_key, tenant_keys
from leadhouse.jobs.runtime.lake import Lake, check_place, open_lake
from leadhouse.jobs.runtime.lock import lake_lock
from leadhouse.jobs.runtime.losses import lost_tables
from leadhouse.jobs.runtime.session import start_session
from leadhouse.jobs.runtime.space import room_needed


@contextmanager
def open_run(
    lake: Path,
    workspace: Path,
    *,
    landing: Path | None = None,
    as_of: datetime | None = None,
    holder: str = "leadhouse",
    allow_empty: tuple[str, ...] = (),
    accept_loss: tuple[str, ...] = (),
    takes_files: bool = False,
) -> Iterator[Run]:
    """Open everything that a run needs, and hold the lake's lock while it lasts.

    ``takes_files`` says that there must be a landing folder, unless the contracts name topics. Raises InputError with
    every problem in workspace, contracts and lists before the lake is made or touched; and if a contract breaks with
    the version that the lake's records were last refined under, without being a new major version. Raises NoSpaceError
    if a disk is full, also while the run is at work.
    """
    opened = open_workspace(workspace)
    contracts, problems = read_definitions(opened)
    if not opened.contract_files:
        missing = f"{workspace / 'contracts'}: expected at least one contract (*.yaml); found none"
        problems.insert(0, f"{missing}; make one with 'leadhouse contract draft SAMPLE'")
    topics = [contract for contract in contracts if contract.location.subscription is not None]
    if landing is None and takes_files and not topics:
        problems.append("--landing: expected the folder that files land in; it is missing; name it")
    for contract in topics:
        problems += _secret_problems(contract)
    if landing is not None and not landing.is_dir():
        problems.append(f"--landing: expected a folder at {landing}; there is none; choose another")
    if problems:
        raise InputError(problems)
    key_file = opened.settings.identity.key_file
    key_path = workspace / key_file if key_file else lake / "identity.key"
    check_key(key_path)
    place = check_place(lake)
    with room_needed(lake), lake_lock(lake, holder):
        # What is torn can't be asked what it has lost.
        if place is not None and (found := torn_logs(place) or lost_tables(Lake(place.root, place.lake_id))):
            raise LeadhouseError("\n".join(finding.line for finding in found))
        made = open_lake(lake)
        if problems := breaks(stored_contracts(made, opened.settings.tenant), contracts):
            raise InputError(problems)
        tenants = sorted({contract.tenant for contract in contracts})
        keys = tenant_keys(tenants, key_path)
        yield Run(
            spark=start_session("leadhouse"),
            lake=made,
            workspace=opened,
            contracts=contracts,
            keys=keys,
            run_id=str(uuid.uuid4()),
            clock=lambda: datetime.now(UTC),
            landing=landing.absolute() if landing else None,
            as_of=as_of,
            allow_empty=allow_empty,
            accept_loss=accept_loss,
        )


def _secret_problems(contract: Contract) -> list[str]:
    try:
        client_options(contract.location)
    except InputError as problem:
        return [f"{contract.file}: {sentence}" for sentence in problem.problems]
    return []
