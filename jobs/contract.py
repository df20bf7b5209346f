"""``leadhouse contract draft``, ``check`` and ``diff``: writing contracts and judging them, without Spark."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import read_settings
from leadhouse.expectations.advice import advice
from leadhouse.expectations.compatibility import BREAKING, Difference, differences, version_problem
from leadhouse.expectations.contract import Contract, Location, Subscription
from leadhouse.expectations.draft import Draft, draft_contract
from leadhouse.expectations.odcs import parse_contract, read_contract, read_contracts
from leadhouse.transforms.splitting import shape_problem

NO_TENANT = "default"
"""Tenant of a contract that is looked at outside any workspace."""


@dataclass(frozen=True)
class Check:
    """A valid contract and what its author should know about it."""

    contract: Contract
    advice: tuple[str, ...]


def default_tenant(workspace: Path | None) -> str:
    """Return the workspace's tenant; outside a workspace, NO_TENANT."""
    if workspace is None or not (workspace / "settings.toml").is_file():
        return NO_TENANT
    return read_settings(workspace).tenant


def check_contracts(path: Path, tenant: str = NO_TENANT) -> tuple[Check, ...]:
    """Check a contract file, or every one in a folder. Raises InputError with all problems of all files."""
    paths: tuple[Path, ...] = (path,)
    if path.is_dir():
        paths = tuple(
            sorted(entry for entry in path.rglob("*") if entry.suffix in (".yaml", ".yml") and entry.is_file())
        )
        if not paths:
            raise InputError(
                f"{path}: expected contract files (*.odcs.yaml); there is none; draft one with 'contract draft'"
            )
    contracts = read_contracts(paths, tenant)
    problems = [f"{contract.file}: {problem}" for contract in contracts if (problem := _shape_problem(contract))]
    if problems:
        raise InputError(problems)
    return tuple(Check(contract, advice(contract)) for contract in contracts)


def draft_into(
    sample: Path, workspace: Path | None, source: str | None = None, location: Location | None = None
) -> tuple[Draft, Path | None]:
    """Draft a contract; with a workspace, write it there as ``contracts/<source>.odcs.yaml``.

    Raises InputError where the sample can't be read, the workspace is none, or it has such a contract already.
    """
    draft = draft_contract(sample, source, location)
    # What is drafted must pass its own check; if it doesn't, the fault is ours and better seen here than at the user's.
    parse_contract(draft.text.encode(), f"the draft of {sample.name}", NO_TENANT)
    if workspace is None:
        return draft, None
    if not (workspace / "settings.toml").is_file():
        raise InputError(
            f"{workspace}: expected a workspace; it has no settings.toml; run 'leadhouse init {workspace}'"
        )
    target = workspace / "contracts" / f"{draft.source}.odcs.yaml"
    target.parent.mkdir(exist_ok=True)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(draft.text)
    except FileExistsError as problem:
        raise InputError(
            f"{target}: expected no such contract yet; it is there; name another source with --source"
        ) from problem
    return draft, target


def diff_contracts(old: Path, new: Path, tenant: str = NO_TENANT) -> tuple[tuple[Difference, ...], str | None]:
    """Compare two versions of a contract: their differences, and what is wrong with the new version's number."""
    before, after = read_contract(old, tenant), read_contract(new, tenant)
    found = differences(before, after)
    return found, version_problem(before, after, found)


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing if count == 1 else thing + 's'}"


def show_draft(
    sample: Path,
    workspace: Path | None,
    source: str | None,
    console: Console,
    *,
    topic: str | None = None,
    broker: str = "",
) -> int:
    """Print a draft to the standard output, or write it into a workspace; ``console`` gets a summary of its doubts.
    ``topic`` at ``broker`` is where such lines come from; None: they land as files."""
    location = Location("kafka", topic, Subscription(broker)) if topic else None
    draft, target = draft_into(sample, workspace, source, location)
    if target is None:
        sys.stdout.write(draft.text)
        return 0
    console.print(
        f"Wrote {target}: {_many(draft.fields, 'field')}, guessed from {_many(draft.rows, 'row')}, "
        f"with {_many(len(draft.doubts), 'doubt')}:",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    for doubt in draft.doubts:
        console.print(Text(f"  ? {doubt}"), soft_wrap=True)
    command = ("leadhouse", "contract", "try", str(target), str(sample), "--workspace", str(workspace))
    console.print(f"Next: {shlex.join(command)}", markup=False, highlight=False, soft_wrap=True)
    return 0


def show_check(path: Path, workspace: Path | None, *, as_json: bool, console: Console) -> int:
    """Print that contracts are valid, and what their authors should know."""
    checks = check_contracts(path, default_tenant(workspace))
    if as_json:
        rows = [
            {"file": check.contract.file, "source": check.contract.source, "version": check.contract.version,
             "fields": len(check.contract.fields), "advice": list(check.advice)}
            for check in checks
        ]  # fmt: skip
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return 0
    for check in checks:
        contract = check.contract
        console.print(
            Text.assemble(("valid  ", "green"), f"{contract.file}: {contract.source} {contract.version}, "
                          f"{len(contract.fields)} fields, {contract.delivery}"),
            soft_wrap=True,
        )  # fmt: skip
        for line in check.advice:
            console.print(Text(f"  note: {line}"), soft_wrap=True)
    return 0


def show_diff(old: Path, new: Path, workspace: Path | None, *, as_json: bool, console: Console) -> int:
    """Print how two versions differ. Returns 2 if the new one breaks without a new major version, else 0."""
    found, problem = diff_contracts(old, new, default_tenant(workspace))
    if as_json:
        document = {
            "compatible": problem is None,
            "problem": problem,
            "differences": [asdict(entry) for entry in found],
        }
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        return 2 if problem else 0
    for entry in found:
        style = "bold red" if entry.severity == BREAKING else "green"
        console.print(
            Text.assemble((f"{entry.severity:10} ", style), f"{entry.field or 'contract'}: {entry.message}"),
            soft_wrap=True,
        )
    if not found:
        console.print("No differences.")
    if problem:
        raise InputError(problem)
    return 0


def _shape_problem(contract: Contract) -> str | None:
    """What ingest could not cut into records: told by the check rather than by the first run."""
    shape = contract.shape
    return shape_problem(format=shape.format, separator=shape.separator, quote=shape.quote, encoding=shape.encoding)
