"""A workspace's settings: read once from ``settings.toml``, strictly, into frozen values."""

from __future__ import annotations

import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from leadhouse.conf.errors import InputError
from leadhouse.conf.names import name_problem
from leadhouse.conf.toml_reading import build


@dataclass(frozen=True)
class Landing:
    """How landed files are taken."""

    settle_seconds: float = 2.0
    """A last record without a line end is taken once its file has been quiet for this long."""
    range_bytes: int = 64_000_000
    """Files are cut into ranges of about this size, at record ends, so that many tasks can take one file."""


@dataclass(frozen=True)
class Identity:
    """How identity values are normalised and keyed."""

    default_region: str = "US"
    """Country (ISO 3166) of phone numbers that are written without their country code."""
    shared_above: int = 5
    """A value that more than this many others share joins nobody."""
    key_file: str | None = None
    """File with the secret that keys every hash; the environment's LEADHOUSE_IDENTITY_KEY wins. Made on first use."""


@dataclass(frozen=True)
class Training:
    """What the model learns and how it is judged."""

    outcome: str | None = None
    """Name of the outcome to predict; None: the only one that the contracts declare."""
    horizon_days: int = 90
    """A lead counts as won if the outcome happens within this many days after the moment of scoring."""
    ages_days: tuple[int, ...] = (0, 7, 30, 90, 180)
    """Ages at which a lead is looked at in training, at the first midnight (UTC) at or after each."""
    test_share: float = 0.25
    """Share of the latest leads that the model is judged on, where the contract gives a time."""
    folds: int = 5
    """Folds of the cross-validation where it doesn't."""
    min_positives: int = 40
    min_negatives: int = 40
    seed: int = 0
    slice_traits: tuple[str, ...] = ()
    """Traits, besides the country, by whose values a model is judged in slices: a new model may collapse in none."""
    strict: bool = False
    """Register no model whose features are suspected of holding the outcome itself, until a person has mended that."""
    cleared: tuple[str, ...] = ()
    """Features (``trait:size``) that a person has looked at: the card names them, but they hold up no model."""
    share: tuple[str, ...] = ()
    """Tenants that learn one model together, besides each its own, and are scored by it where their own is not better.
    Nobody else's rows are learned from, and nobody else is scored by it."""


@dataclass(frozen=True)
class Decisions:
    """How decisions are made."""

    hold_out_salt: str = "leadhouse"
    """Changing it draws new hold-outs for leads that were never enrolled."""
    rank_minutes: int = 60
    """While jobs follow, so long a ranking stands: until then leads only leave a list, or join at its end."""


@dataclass(frozen=True)
class Lineage:
    """Where OpenLineage events go besides ``<lake>/ops/lineage.jsonl``."""

    namespace: str = "leadhouse"
    url: str | None = None
    api_key_env: str | None = None
    """Name of the environment variable that holds the bearer token."""


@dataclass(frozen=True)
class Mlflow:
    """Where runs and models are kept; None: SQLite below the lake."""

    tracking_uri: str | None = None


@dataclass(frozen=True)
class Destination:
    """One place that lists are synced to."""

    type: str
    """``files`` or ``webhook``."""
    lists: tuple[str, ...] = ()
    """Lists that go there; empty: all."""
    live: bool = False
    """False: in shadow, everything is planned and written down but nothing is sent. ``files`` is always live."""
    folder: str | None = None
    """For ``files``: where to; None: beside the lake, in ``<lake>-exports``."""
    url: str | None = None
    """For ``webhook``."""
    token_env: str | None = None
    """For ``webhook``: name of the environment variable that holds the bearer token."""
    batch_size: int = 100
    timeout_seconds: float = 10.0
    retries: int = 4


@dataclass(frozen=True)
class Maintenance:
    """How a lake is kept small and quick, by ``leadhouse maintain`` and in the quiet moments of ``run --follow``."""

    history_days: int = 7
    """Tables can be read as they stood so many days back (30 at most: Delta itself forgets what is older). What only
    older versions need goes: what has expired is gone from disk so many days later."""
    small_files: int = 16
    """A table is compacted when it has so many files of less than a quarter of ``file_megabytes``."""
    file_megabytes: int = 64
    """Size of the files that compaction makes, about."""
    cluster_megabytes: int = 512
    """Facts are ordered by tenant and time when their table has so many, and again each time it has grown by half."""
    lineage_megabytes: int = 64
    """``ops/lineage.jsonl`` makes way for a new file at this size; three old ones are kept."""


@dataclass(frozen=True)
class Settings:
    """Everything that a workspace's ``settings.toml`` may say."""

    tenant: str
    landing: Landing = field(default_factory=Landing)
    identity: Identity = field(default_factory=Identity)
    training: Training = field(default_factory=Training)
    decisions: Decisions = field(default_factory=Decisions)
    lineage: Lineage = field(default_factory=Lineage)
    mlflow: Mlflow = field(default_factory=Mlflow)
    maintenance: Maintenance = field(default_factory=Maintenance)
    destinations: Mapping[str, Destination] = field(
        default_factory=lambda: types.MappingProxyType({"files": Destination(type="files")})
    )


def read_settings(workspace: Path) -> Settings:
    """Read ``settings.toml`` of a workspace.

    Raises InputError with every problem at once: a missing file or key, an unknown key, a value of the wrong type.
    """
    path = workspace / "settings.toml"
    if not path.is_file():
        raise InputError(
            f"{path}: expected a workspace's settings; there is no such file; say with --workspace where yours is, or "
            f"start one: leadhouse init {workspace} --tenant NAME"
        )
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{path}: expected TOML; {problem}; mend that line") from problem
    problems: list[str] = []
    settings = build(Settings, document, f"{path.name}", problems)
    if settings is not None:
        problems += [
            p for p in (name_problem(settings.tenant, f"{path.name}: tenant"), *_range_problems(settings)) if p
        ]
        problems += _destination_problems(settings.destinations)
    if problems or settings is None:
        raise InputError(problems)
    return typing.cast(Settings, settings)


def _range_problems(settings: Settings) -> list[str]:
    training = settings.training
    problems = []
    if not 0 < training.test_share < 1:
        problems.append(
            f"settings.toml: training.test_share: expected a share between 0 and 1; got {training.test_share}"
        )
    for name, value, least in (
        ("training.horizon_days", training.horizon_days, 1),
        ("training.folds", training.folds, 2),
        ("identity.shared_above", settings.identity.shared_above, 1),
        ("landing.range_bytes", settings.landing.range_bytes, 1),
        ("decisions.rank_minutes", settings.decisions.rank_minutes, 0),
        ("maintenance.history_days", settings.maintenance.history_days, 0),
        ("maintenance.small_files", settings.maintenance.small_files, 2),
        ("maintenance.file_megabytes", settings.maintenance.file_megabytes, 1),
        ("maintenance.cluster_megabytes", settings.maintenance.cluster_megabytes, 1),
        ("maintenance.lineage_megabytes", settings.maintenance.lineage_megabytes, 1),
    ):
        if value < least:
            problems.append(f"settings.toml: {name}: expected at least {least}; got {value}")
    if not training.ages_days or min(training.ages_days) < 0:
        problems.append(
            f"settings.toml: training.ages_days: expected ages of 0 or more days; got {list(training.ages_days)}"
        )
    if training.share and (len(training.share) < 2 or len(set(training.share)) < len(training.share)):
        problems.append(
            "settings.toml: training.share: expected two tenants or more, each once, or none; "
            f"got {list(training.share)}; name who learns together"
        )
    return problems


def _destination_problems(destinations: Mapping[str, Destination]) -> list[str]:
    problems = []
    for name, destination in destinations.items():
        where = f"settings.toml: destinations.{name}"
        if problem := name_problem(name, where):
            problems.append(problem)
        if destination.type not in ("files", "webhook"):
            problems.append(f"{where}.type: expected 'files' or 'webhook'; got {destination.type!r}")
        if destination.type == "webhook" and urlsplit(destination.url or "").scheme not in ("http", "https"):
            problems.append(f"{where}.url: expected an http or https address; got {destination.url!r}")
        if destination.batch_size < 1:
            problems.append(f"{where}.batch_size: expected at least 1; got {destination.batch_size}")
    return problems
