"""Opens a run: workspace, contracts, lake, lock, keys and session, checked before anything is written."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from leadhouse.conf.errors import InputError, LeadhouseError
from leadhouse.conf.workspace import Workspace, open_workspace
from leadhouse.expectations.contract import Contract
from leadhouse.jobs.runtime.broker import client_options
from leadhouse.jobs.runtime.contracts import breaks, read_definitions, stored_contracts
from leadhouse.jobs.runtime.integrity import torn_logs
from leadhouse.jobs.runtime.job import JobSpec, Run
from leadhouse.jobs.runtime.keys import check_key, tenant_keys
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import check_place, open_lake
from leadhouse.jobs.runtime.lock import lake_lock, sharing_lock
from leadhouse.jobs.runtime.losses import lost_tables
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.session import start_session
from leadhouse.jobs.runtime.space import room_needed

_SECOND_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Checked:
    """What a run needs of its workspace, all of it found to be as expected."""

    workspace: Workspace
    contracts: tuple[Contract, ...]
    key_path: Path


def check_run(lake: Path, workspace: Path, *, landing: Path | None = None, takes_files: bool = False) -> Checked:
    """Look at all that a run needs but the lake, which is neither made nor touched.

    ``takes_files`` says that there must be a landing folder, unless the contracts name topics. Raises InputError with
    every problem in workspace, contracts and lists.
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
    return Checked(opened, contracts, key_path)


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
    job: str | None = None,
    beside: tuple[JobSpec, ...] = (),
) -> Iterator[Run]:
    """Open everything that a run needs, and hold the lake while it lasts: alone, or for ``job``, beside others.

    ``beside`` are the jobs of other processes that may be in the midst of a batch. Raises InputError as ``check_run``
    does, before the lake is made or touched; and if a contract breaks with the version that the lake's records were
    last refined under, without being a new major version. Raises NoSpaceError if a disk is full, also while the run is
    at work.
    """
    checked = check_run(lake, workspace, landing=landing, takes_files=takes_files)
    place = check_place(lake)
    with room_needed(lake), lake_lock(lake, holder, job):
        with sharing_lock(lake):
            if place is not None:
                _check_tables(place, shared=job is not None)
            made = open_lake(lake)
            keys = tenant_keys(sorted({contract.tenant for contract in checked.contracts}), checked.key_path)
        if problems := breaks(stored_contracts(made, checked.workspace.settings.tenant), checked.contracts):
            raise InputError(problems)
        yield Run(
            spark=start_session("leadhouse"),
            lake=made,
            workspace=checked.workspace,
            contracts=checked.contracts,
            keys=keys,
            run_id=str(uuid.uuid4()),
            clock=lambda: datetime.now(UTC),
            landing=landing.absolute() if landing else None,
            as_of=as_of,
            allow_empty=allow_empty,
            accept_loss=accept_loss,
            beside=beside,
        )


def _check_tables(place: Place, *, shared: bool) -> None:
    """Refuse a lake whose newest commits are not whole, or whose tables have lost what was written into them.

    ``shared``: other jobs may be writing a commit right now.
    """
    torn = torn_logs(place)
    if torn and shared:
        time.sleep(_SECOND_LOOK_SECONDS)
        torn = torn_logs(place)
    # What is torn can't be asked what it has lost.
    if found := torn or lost_tables(Lake(place.root, place.lake_id)):
        raise LeadhouseError("\n".join(finding.line for finding in found))


def _secret_problems(contract: Contract) -> list[str]:
    try:
        client_options(contract.location)
    except InputError as problem:
        return [f"{contract.file}: {sentence}" for sentence in problem.problems]
    return []
