"""Writes one drafted field of a contract file, with what was seen and every doubt above it."""

from __future__ import annotations

from leadhouse.expectations.drafted import DraftedField
from leadhouse.expectations.yaml_text import YamlText, flow_list, scalar


def write_field(text: YamlText, entry: DraftedField, *, repeats: bool = False) -> None:
    """Add a field to a contract's text. Personal values are never shown, rare ones neither. ``repeats`` says that one
    batch may hold a key twice, as a topic's may: whatever the sample has, the key is not declared unique then."""
    depth = 3
    text.comment(depth, _seen(entry))
    for note in entry.notes:
        text.comment(depth, note)
    for doubt in (*entry.type.doubts, *entry.doubts):
        text.doubt(depth, doubt)
    if entry.profile.perhaps_null:
        text.doubt(
            depth, f"{', '.join(map(repr, entry.profile.perhaps_null))} may mean 'no value'; if so, add to nullTokens"
        )
    text.add(depth, f"- name: {scalar(entry.name)}")
    depth += 1
    if entry.profile.physical_name != entry.name:
        text.add(depth, f"physicalName: {scalar(entry.profile.physical_name)}")
    text.add(depth, f"logicalType: {entry.logical_type}")
    if entry.required:
        text.add(depth, "required: true")
    if entry.key_position:
        if entry.profile.unique and not repeats:
            text.add(depth, "unique: true")
        text.add(depth, "primaryKey: true")
        text.add(depth, f"primaryKeyPosition: {entry.key_position}")
    if entry.classification:
        text.add(depth, f"classification: {entry.classification}")
    custom = _custom(entry)
    if custom:
        text.add(depth, "customProperties:")
        for name, value in custom:
            text.add(depth + 1, f"- {{property: {name}, value: {value}}}")
    if options := _options(entry):
        text.comment(depth, "to refuse any other value:")
        text.comment(depth, f"quality: [{{metric: invalidValues, arguments: {{validValues: {options}}}, mustBe: 0}}]")


def _custom(entry: DraftedField) -> list[tuple[str, str]]:
    custom = []
    if entry.roles:
        custom.append(("role", scalar(entry.roles[0]) if len(entry.roles) == 1 else flow_list(entry.roles)))
    if entry.namespace:
        custom.append(("namespace", scalar(entry.namespace)))
    if entry.known_later:
        custom.append(("known", "later"))
    if entry.type.formats and entry.logical_type in ("timestamp", "date"):
        custom.append(("formats", flow_list(entry.type.formats)))
    if entry.type.signs and entry.logical_type in ("integer", "number"):
        custom.append(("signs", flow_list(entry.type.signs)))
    if entry.positive_values:
        custom.append(("positiveValues", flow_list(entry.positive_values)))
    if entry.consent:
        what = entry.consent
        custom.append(("consent", f"{{channel: {scalar(what.channel)}, purpose: {what.purpose}, means: {what.means}, "
                                  f"legalBasis: {what.legal_basis}}}"))  # fmt: skip
    return custom


def _personal(entry: DraftedField) -> bool:
    roles = {"external_id", "email", "phone", "anonymous_id", "company"}
    return bool(entry.classification) or bool(roles & set(entry.roles))


def _few(entry: DraftedField, most: int) -> bool:
    """Whether the values are few and each frequent, so that showing them shows nobody."""
    distinct = entry.profile.distinct
    return not _personal(entry) and 1 < len(distinct) <= most and min(distinct.values()) >= 3


def _seen(entry: DraftedField) -> str:
    distinct, filled, rows = len(entry.profile.distinct), entry.profile.filled, entry.profile.rows
    share = f"always filled ({rows:,})" if filled == rows else f"filled in {filled:,} of {rows:,} rows"
    if filled and not _personal(entry) and _few(entry, 6) and entry.logical_type in ("string", "boolean", "integer"):
        values = ", ".join(f"{value[:30]} ({count:,})" for value, count in entry.profile.distinct.most_common(6))
        return f"seen: {share}: {values}"
    return f"seen: {share}, {distinct:,} different value{'' if distinct == 1 else 's'}"


def _options(entry: DraftedField) -> str:
    if (
        entry.logical_type != "string"
        or not _few(entry, 12)
        or len(entry.profile.distinct) > 0.1 * entry.profile.filled
    ):
        return ""
    shown = flow_list(sorted(entry.profile.distinct))
    return shown if len(shown) <= 300 else ""
