"""A workspace's contracts as a run uses them: read at its start, looked at again while it goes on, and never at odds
with what the lake was filled under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leadhouse.conf.errors import InputError, TransientError
from leadhouse.conf.workspace import Workspace, open_workspace
from leadhouse.expectations.compatibility import BREAKING, differences, version_problem
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.lists import read_lists
from leadhouse.expectations.odcs import parse_contract, read_contracts
from leadhouse.expectations.sharing import circle_of
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.definitions import CONTRACTS
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.lake import Lake


def read_definitions(workspace: Workspace) -> tuple[tuple[Contract, ...], list[str]]:
    """Return a workspace's contracts, none if one of them is wrong, and every problem in its contracts and lists, and
    in what the settings say of the contracts' tenants.

    The lists and who shares a model are only looked at: jobs read them as the intents of their batches have them.
    """
    contracts: tuple[Contract, ...] = ()
    try:
        contracts = read_contracts(workspace.contract_files, workspace.settings.tenant)
        read_lists(workspace.list_files, contracts)
        circle_of(contracts, workspace.settings.training)
    except InputError as problem:
        return contracts, list(problem.problems)
    return contracts, []


def renewed(run: Run) -> Run:
    """Return a run with its workspace's contracts and lists as they are now; the same run if they are as before.

    Raises InputError with every problem in the files, and if a contract breaks with its last version.
    """
    workspace = open_workspace(run.workspace.folder)
    contracts, problems = read_definitions(workspace)
    if problems:
        raise InputError(problems)
    circle_of(contracts, run.workspace.settings.training)  # the run's own settings go on, whatever the file says by now
    if contracts == run.contracts:
        return replace(run, workspace=replace(workspace, settings=run.workspace.settings))
    if problems := breaks(run.contracts, contracts):
        raise InputError(problems)
    if unknown := sorted({contract.tenant for contract in contracts} - run.keys.keys()):
        raise InputError(f"contracts: expected the tenants of this run; {', '.join(unknown)} is new; start it again")
    return replace(run, contracts=contracts, workspace=replace(workspace, settings=run.workspace.settings))


def caught_up(run: Run) -> Run:
    """Return a run with every contract that what is in the lake may have been taken under by another job: those of now,
    and of its own those that are no more.

    While the files can't be used it goes on with its own, as long as they are enough: raises TransientError if the lake
    lists a source that none of them is for.
    """
    try:
        new = renewed(run)
    except InputError as problem:
        sources = {(contract.tenant, contract.source) for contract in run.contracts}
        if unknown := sorted(source for tenant, source in _listed(run.lake) - sources):
            raise TransientError(
                f"contracts: expected one for {', '.join(unknown)}, of which something has landed; the files can't be "
                f"used: {problem}; mend them"
            ) from problem
        return run
    gone = {contract.file for contract in run.contracts} - {contract.file for contract in new.contracts}
    return replace(new, contracts=(*new.contracts, *(entry for entry in run.contracts if entry.file in gone)))


def _listed(lake: Lake) -> set[tuple[str, str]]:
    """Every source of which something was ever listed."""
    tables = (lake.dataset(name).to_table(columns=["tenant", "source"]) for name in ("bronze.files", "bronze.offsets"))
    return {(row["tenant"], row["source"]) for table in tables for row in table.to_pylist()}


def stored_contracts(lake: Lake, tenant: str) -> tuple[Contract, ...]:
    """Return the contracts that the lake's records were last refined under; none if they never were.

    A batch that was stopped counts: it will be ended under those that it began with.
    """
    last = batches.newest_intent(lake, "refine")
    if last is None:
        return ()
    kept = {name: digest for name, digest in last.definitions.items() if name.startswith(CONTRACTS)}
    return tuple(
        parse_contract(lake.kept(digest), name.removeprefix(CONTRACTS), tenant) for name, digest in sorted(kept.items())
    )


def breaks(old: Sequence[Contract], new: Sequence[Contract]) -> list[str]:
    """Return what is wrong where a new contract breaks with its old version without being a new major version."""
    before = {(contract.tenant, contract.source): contract for contract in old}
    problems = []
    for contract in new:
        earlier = before.get((contract.tenant, contract.source))
        found = differences(earlier, contract) if earlier is not None else ()
        breaking = [entry for entry in found if entry.severity == BREAKING]
        if earlier is not None and breaking and (problem := version_problem(earlier, contract, found)):
            reasons = "; ".join(f"{entry.field or 'contract'}: {entry.message}" for entry in breaking)
            problems.append(f"{problem} ({reasons})")
    return problems
