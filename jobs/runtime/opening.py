"""Opens a run: workspace, contracts, lake, lock, keys and session, checked before anything is written."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from leadhouse.conf.errors import InputError
from leadhouse.conf.workspace import open_workspace
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.lists import read_lists
from leadhouse.expectations.odcs import read_contracts
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.keys import check_key, tenant_keys
from leadhouse.jobs.runtime.lake import check_place, open_lake
from leadhouse.jobs.runtime.lock import lake_lock
from leadhouse.jobs.runtime.session import start_session


@contextmanager
def open_run(
    lake: Path,
    workspace: Path,
    *,
    landing: Path | None = None,
    as_of: datetime | None = None,
    holder: str = "leadhouse",
    allow_empty: tuple[str, ...] = (),
) -> Iterator[Run]:
    """Open everything that a run needs, and hold the lake's lock while it lasts.

    Raises InputError with every problem in workspace, contracts and lists before the lake is made or touched.
    """
    opened = open_workspace(workspace)
    problems: list[str] = []
    contracts: tuple[Contract, ...] = ()
    try:
        contracts = read_contracts(opened.contract_files, opened.settings.tenant)
        if not contracts:
            problems.append(
                f"{workspace / 'contracts'}: expected at least one contract (*.yaml); found none; make one with "
                "'leadhouse contract draft SAMPLE'"
            )
        read_lists(opened.list_files, contracts)
    except InputError as problem:
        problems += problem.problems
    if landing is not None and not landing.is_dir():
        problems.append(f"--landing: expected a folder at {landing}; there is none; choose another")
    if problems:
        raise InputError(problems)
    key_file = opened.settings.identity.key_file
    key_path = workspace / key_file if key_file else lake / "identity.key"
    check_key(key_path)
    check_place(lake)
    with lake_lock(lake, holder):
        made = open_lake(lake)
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
        )
