"""``leadhouse models``: a tenant's model versions, and a person's word on which of them scores."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.lake_models import open_models
from leadhouse.jobs.model_health import newest_verdicts, verdicts
from leadhouse.jobs.promotions import LEDGER, PROMOTED, ROLLED_BACK, champions_before, ledger_rows, put_back
from leadhouse.jobs.runtime.answers import grid, show_json
from leadhouse.jobs.runtime.place import Place
from leadhouse.models.card import Promotion
from leadhouse.models.package import card_of
from leadhouse.models.registry import Registry
from leadhouse.models.version import Version

CHAMPION, REFERENCE = "champion", "reference"
_SHOWN = ("version", "is", "AUC", "judged", "verdict", "decided_at", "reason", "health")


def show_models(lake: Path, workspace: Path, *, as_json: bool, console: Console) -> None:
    """Print every version of every tenant's model, and of the one that tenants share, the latest first: whose leads it
    scores, what was decided about it and why.

    Raises InputError if there is no lake or no workspace.
    """
    models = open_models(lake, workspace)
    scoring = models.scoring()
    rows = [row for owner in models.owners for row in _rows(models.place, models.registry, owner, scoring)]
    if as_json:
        show_json(rows, console)
    elif not rows:
        console.print("No model has been trained yet.")
    else:
        columns = (*_SHOWN[:2], "scores", *_SHOWN[2:]) if models.circle.tenants else _SHOWN
        shown = [[row[column] for column in columns] for row in rows]
        console.print(grid("Models", columns, shown, width=console.width, fold=True))
        console.print(
            "leadhouse models card VERSION says how good one is and where it fails; models promote VERSION --reason … "
            "makes one the champion, models rollback takes it back",
            highlight=False,
        )


def promote(lake: Path, workspace: Path, label: str, *, reason: str, person: str | None, console: Console) -> None:
    """Make a version its tenant's champion by a person's word; the next batch is scored by it. A tenant's own goes
    before the one that it shares.

    Raises InputError if there is no such version, if it is champion already, or if no reason is given.
    """
    models = open_models(lake, workspace)
    tenant, version = models.version(label)
    _take_over(models.place, models.registry, tenant, version, PROMOTED, _reason(reason), person, console)


def roll_back(
    lake: Path, workspace: Path, *, tenant: str | None, reason: str, person: str | None, console: Console
) -> None:
    """Make the champion before the present one champion again; the next batch is scored by it. Before a tenant's first
    champion there is the model that it shares, if it does.

    Raises InputError if the tenant is not said where there are several, if there was no champion before, or if no
    reason is given.
    """
    models = open_models(lake, workspace)
    registry, tenants, circle = models.registry, models.tenants, models.circle
    if tenant is None and len(tenants) > 1:
        raise InputError(f"--tenant: expected one of {', '.join(tenants)}; got nothing")
    if tenant is not None and tenant not in tenants:
        raise InputError(f"--tenant: expected one of {', '.join(tenants) or 'none'}; got {tenant!r}")
    if not tenants:
        raise InputError(f"models: expected a contract in {workspace}; there is none")
    wanted = tenant or tenants[0]
    versions = {version.label: version for version in registry.versions(wanted)}
    before = [label for label in champions_before(ledger_rows(models.place, wanted)) if label in versions]
    shared = registry.champion(circle.name) if wanted in circle.tenants else None
    to = versions[before[-1]] if before else shared
    if to is None or registry.champion(wanted) is None:
        raise InputError(f"models: expected a champion of {wanted} before the present one; there was none")
    _take_over(models.place, registry, wanted, to, ROLLED_BACK, _reason(reason), person, console)


def _take_over(
    place: Place,
    registry: Registry,
    tenant: str,
    version: Version,
    verdict: str,
    reason: str,
    person: str | None,
    console: Console,
) -> None:
    """Write a person's word down, then act on it; jobs that are at work need not stop."""
    from leadhouse.jobs.runtime.lake import Lake  # here, so that the commands that only look start fast
    from leadhouse.jobs.runtime.lock import sharing_lock

    champion = registry.champion(tenant)
    if champion is not None and champion.label == version.label:
        raise InputError(f"models: expected a version other than the champion; {version.label} is the champion already")
    who, moment = person or getpass.getuser(), datetime.now(UTC)
    lake = Lake(place.root, place.lake_id)
    if not lake.exists(LEDGER):
        raise InputError(f"models: expected a lake of this release at {place.root}; run 'leadhouse run' once")
    row = {
        "tenant": tenant,
        "model_version": version.label,
        "decided_at": moment,
        "verdict": verdict,
        "model_hash": version.model_hash,
        "replaced": champion.label if champion else None,
        "reason": reason,
        "person": who,
        "criteria": [],
        "is_reference": False,
    }
    with sharing_lock(place.root):
        lake.append_local(LEDGER, [row], app_id=f"models:{LEDGER}", app_version=lake.version(LEDGER) + 1)
        put_back(registry, version, champion or version, Promotion(who, moment.isoformat(timespec="seconds"), reason))
    console.print(f"{version.label} is {tenant}'s champion; the next batch is scored by it", highlight=False)


def _rows(place: Place, registry: Registry, tenant: str, scoring: Mapping[str, Version | None]) -> list[dict[str, Any]]:
    champion, reference = registry.champion(tenant), registry.reference(tenant)
    decided = {str(row["model_version"]): row for row in ledger_rows(place, tenant)}
    measured = verdicts(place, tenant)
    rows = []
    for version in reversed(registry.versions(tenant)):
        roles = [name for name, held in ((CHAMPION, champion), (REFERENCE, reference)) if _same(version, held)]
        card, row = card_of(place.kept, version.model_hash), decided.get(version.label, {})
        low, high = card.get("intervals", {}).get("auc", (None, None))
        auc = card["metrics"]["auc"]
        health = newest_verdicts(measured, version.label)
        rows.append(
            {
                "tenant": tenant,
                "version": version.label,
                "is": ", ".join(roles),
                "scores": ", ".join(whose for whose, held in scoring.items() if _same(version, held)),
                "AUC": f"{auc:.3f}" + ("" if low is None else f" ({low:.3f} to {high:.3f})"),
                "judged": f"{card['method']}, {card['metrics']['examples']:,} examples",
                **{name: row.get(name) for name in ("verdict", "decided_at", "person", "reason", "criteria")},
                "health": "; ".join(f"{one['verdict']}: {one['words']}" for one in health),
                "model_hash": version.model_hash,
            }
        )
    return rows


def _same(version: Version, held: Version | None) -> bool:
    return held is not None and held.label == version.label


def _reason(text: str) -> str:
    if not text.strip():
        raise InputError("--reason: expected why, for those who ask later; got nothing")
    return text.strip()
