"""Whether a new version of a contract agrees with what is stored under the old one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields

from leadhouse.expectations.contract import Contract, Field

BREAKING = "breaking"
"""Stored records would be refused or read otherwise, or stored facts would mean something else."""
COMPATIBLE = "compatible"
"""What is stored stays right."""

_SAME_MEANING = (
    ("logical_type", "retyped"),
    ("physical_name", "read from another column"),
    ("roles", "its roles changed"),
    ("namespace", "its namespace changed: ids stored under the old one no longer join"),
    ("consent", "its consent changed"),
    ("positive_values", "its positive values changed"),
)
_CONTRACT_MEANING = (
    "tenant",
    "source",
    "delivery",
    "history",
    "creates_leads",
    "signal_type",
    "channel",
    "outcome",
    "global_key",
    "adapter",
)
_GUARDED = ("confidential", "restricted", "sensitive")
"""Classifications that keep a field's values out of features."""
_OF_NO_ACCOUNT = ("owner", "description", "min_rows", "max_shrink", "retention_days", "freshness_hours", "quality")


@dataclass(frozen=True)
class Difference:
    """One difference between two versions of a contract."""

    severity: str
    """BREAKING or COMPATIBLE."""
    field: str | None
    """The field that it is about; None for the contract as a whole."""
    message: str


def differences(old: Contract, new: Contract) -> tuple[Difference, ...]:
    """Return how a new version of a contract differs from the old one, the breaking differences first."""
    found = [*_contract_differences(old, new), *_shape_differences(old, new)]
    before = {field.name: field for field in old.fields}
    after = {field.name: field for field in new.fields}
    for name in before.keys() - after.keys():
        found.append(Difference(BREAKING, name, "removed: stored facts that came from it are no longer explained"))
    for field in new.fields:
        if field.name in before:
            found += _field_differences(before[field.name], field)
        elif field.required or field.key_position:
            found.append(
                Difference(BREAKING, field.name, "added as required: stored records that lack it would be refused")
            )
        else:
            found.append(Difference(COMPATIBLE, field.name, "added"))
    found += _key_differences(old, new)
    return tuple(sorted(found, key=lambda entry: (entry.severity != BREAKING, entry.field or "")))


def version_problem(old: Contract, new: Contract, found: tuple[Difference, ...]) -> str | None:
    """Return what is wrong with the new version's number for these differences, or None."""
    before, after = _version(old.version), _version(new.version)
    if after is None or before is None:
        wrong = old if before is None else new
        return f"{wrong.file}: version: expected major.minor.patch, e.g. 1.2.0; got {wrong.version!r}; correct it"
    breaking = sum(entry.severity == BREAKING for entry in found)
    if breaking and after[0] <= before[0]:
        return (
            f"{new.file}: version: expected a new major ({before[0] + 1}.0.0) for {breaking} breaking "
            f"difference{'s' if breaking > 1 else ''}; got {new.version}; raise it, or undo them"
        )
    if found and after <= before:
        return (
            f"{new.file}: version: expected one above {old.version} for a changed contract; got {new.version}; raise it"
        )
    return None


def _contract_differences(old: Contract, new: Contract) -> Iterator[Difference]:
    for name in _CONTRACT_MEANING:
        if (before := getattr(old, name)) != (after := getattr(new, name)):
            yield Difference(BREAKING, None, f"{name}: {before!r} became {after!r}")
    if old.location.kind != new.location.kind:
        yield Difference(BREAKING, None, f"location: {old.location.kind} became {new.location.kind}")
    elif old.location.path != new.location.path:
        yield Difference(
            COMPATIBLE, None, f"path: {old.location.path!r} became {new.location.path!r}; what was taken already stays"
        )
    if old.location.kind == new.location.kind and old.location.subscription != new.location.subscription:
        yield Difference(COMPATIBLE, None, "subscription: brokers, limits or options changed; offsets go on")
    for name in _OF_NO_ACCOUNT:
        if getattr(old, name) != getattr(new, name):
            yield Difference(COMPATIBLE, None, f"{name} changed")


def _shape_differences(old: Contract, new: Contract) -> Iterator[Difference]:
    for entry in fields(old.shape):
        before, after = getattr(old.shape, entry.name), getattr(new.shape, entry.name)
        if before == after:
            continue
        if entry.name == "max_record_bytes" and after > before:
            yield Difference(COMPATIBLE, None, f"{entry.name}: {before:,} became {after:,}")
        elif entry.name in ("true_tokens", "false_tokens") and set(before) <= set(after):
            yield Difference(COMPATIBLE, None, f"{entry.name}: more words are understood")
        elif entry.name == "formats" and _extended(before, after):
            yield Difference(COMPATIBLE, None, "date formats: more are understood")
        else:
            yield Difference(
                BREAKING, None, f"{entry.name}: {before!r} became {after!r}: stored records would be read otherwise"
            )


def _field_differences(old: Field, new: Field) -> Iterator[Difference]:
    for attribute, words in _SAME_MEANING:
        before, after = getattr(old, attribute), getattr(new, attribute)
        if before != after:
            yield Difference(BREAKING, new.name, f"{words}: {_shown(before)} became {_shown(after)}")
    if old.formats != new.formats:
        severity = COMPATIBLE if _extended(old.formats, new.formats) else BREAKING
        yield Difference(severity, new.name, f"formats: {_shown(old.formats)} became {_shown(new.formats)}")
    if old.signs != new.signs:
        severity = COMPATIBLE if set(old.signs) <= set(new.signs) else BREAKING
        yield Difference(severity, new.name, f"signs: {_shown(old.signs)} became {_shown(new.signs)}")
    for words, tighter in _rules(old, new):
        yield Difference(BREAKING if tighter else COMPATIBLE, new.name, words)
    if old.known != new.known:
        yield Difference(
            COMPATIBLE, new.name, f"known {old.known} became {new.known}: features change, so a new model is trained"
        )
    if old.classification != new.classification:
        words = f"classification: {_shown(old.classification)} became {_shown(new.classification)}"
        opened = old.classification in _GUARDED and new.classification not in _GUARDED
        more = ": its values could become features and reach gold" if opened else ""
        yield Difference(BREAKING if opened else COMPATIBLE, new.name, words + more)
    if old.feature != new.feature:
        opened = new.feature and new.classification == "sensitive"
        more = ": its sensitive values become features" if opened else ""
        words = f"feature: {old.feature} became {new.feature}"
        yield Difference(BREAKING if opened else COMPATIBLE, new.name, words + more)
    if old.unique != new.unique:
        yield Difference(
            COMPATIBLE, new.name, f"unique: {old.unique} became {new.unique}: the gate judges the next batches so"
        )
    if old.description != new.description:
        yield Difference(COMPATIBLE, new.name, "description changed")


def _rules(old: Field, new: Field) -> Iterator[tuple[str, bool]]:
    """Changed row rules in words, and whether they refuse what was accepted before."""
    if old.required != new.required:
        yield (
            "required now: stored records without it would be refused" if new.required else "no longer required",
            new.required,
        )
    if old.pattern != new.pattern:
        yield (f"pattern: {_shown(old.pattern)} became {_shown(new.pattern)}", new.pattern is not None)
    if old.valid_values != new.valid_values:
        narrower = bool(new.valid_values) and not (old.valid_values and set(old.valid_values) <= set(new.valid_values))
        yield (f"valid values: {_shown(old.valid_values)} became {_shown(new.valid_values)}", narrower)
    for attribute, sign in (("minimum", 1), ("maximum", -1), ("max_length", -1)):
        before, after = getattr(old, attribute), getattr(new, attribute)
        if before != after:
            tighter = after is not None and (before is None or sign * (after - before) > 0)
            yield (f"{attribute}: {_shown(before)} became {_shown(after)}", tighter)


def _key_differences(old: Contract, new: Contract) -> Iterator[Difference]:
    before, after = _key(old), _key(new)
    if before != after:
        yield Difference(
            BREAKING, None, f"key: {_shown(before)} became {_shown(after)}: stored items would no longer be recognised"
        )


def _key(contract: Contract) -> tuple[str, ...]:
    return tuple(
        name for _, name in sorted((field.key_position, field.name) for field in contract.fields if field.key_position)
    )


def _extended(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether formats were only added at the end, so that what was read before is read the same."""
    return bool(before) and after[: len(before)] == before


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _version(text: str) -> tuple[int, int, int] | None:
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None
