"""The registry of models, in MLflow. The only file that imports mlflow, and only when a function here is called."""

from __future__ import annotations

import logging
import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import xgboost as xgb

from leadhouse.conf.disk import is_full
from leadhouse.conf.errors import LeadhouseError, RegistryDownError
from leadhouse.models.artifacts import CARD_FILE, EVIDENCE, metrics_of, params_of, software, write_artifacts
from leadhouse.models.card import Promotion, model_card
from leadhouse.models.learn import Trained
from leadhouse.models.package import Files, model_hash, pack, read_files, unpack, write_files
from leadhouse.models.version import Version, model_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, REFERENCE = "champion", "reference"
_SQLITE = "sqlite:///"
_HASH, _KEY = "model_hash", "training_key"
_PROMOTED, _VERDICT, _BESIDE = "promoted", "verdict", "refused_beside"
_BATCH = "batch"
"""The tag that names the batch in which a version was trained; whoever registers it says so."""
_PACKAGE = "package"
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
_ANSWERS = ("RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE")
"""Errors of a registry that is there."""


@dataclass(frozen=True)
class Registry:
    """Where a lake's models are tracked and registered."""

    folder: Path
    """The lake's folder for models: the SQLite file and the artifacts, unless ``tracking_uri`` says otherwise."""
    tracking_uri: str | None = None

    @property
    def uri(self) -> str:
        """MLflow's tracking and registry address."""
        return self.tracking_uri or f"{_SQLITE}{self._database}"

    @property
    def _database(self) -> Path:
        return self.folder / "mlflow.db"

    @property
    def _client(self) -> MlflowClient:
        return _mlflow_client(self.uri)

    def champion(self, tenant: str) -> Version | None:
        """Return the tenant's champion; None if it has none."""
        return self._called(tenant, CHAMPION)

    def reference(self, tenant: str) -> Version | None:
        """Return the version that every challenger is held against besides the champion; None if there is none."""
        return self._called(tenant, REFERENCE)

    def files(self, version: Version) -> Files:
        """Return a version's files, as it was registered. Raises LeadhouseError if they are not what was registered."""
        import mlflow

        with _reported(self.uri), tempfile.TemporaryDirectory() as folder:
            mlflow.set_registry_uri(self.uri)
            mlflow.set_tracking_uri(self.uri)
            path = mlflow.artifacts.download_artifacts(f"models:/{version.label}", dst_path=folder)
            files = read_files(Path(path) / "data" / _PACKAGE)
        unpack(files, version.model_hash)
        return files

    def register(self, trained: Trained, *, tenant: str, tags: Mapping[str, str]) -> Version:
        """Log a model with its evidence and register it as the tenant's next version; it is not the champion yet.

        ``tags``: what else belongs to the evidence, e.g. the versions of the tables read.
        """
        files, name = pack(trained.model), model_name(tenant)
        ours = {_HASH: model_hash(files), _KEY: str(trained.model.card[_KEY])}
        with _reported(self.uri), tempfile.TemporaryDirectory() as scratch:
            number = self._log(trained, files, name, {**tags, **ours}, Path(scratch))
        return Version(name, number, ours[_HASH], ours[_KEY])

    def batch_of(self, version: Version) -> str | None:
        """Return the name of the batch that trained a version; None if it doesn't say."""
        with _reported(self.uri):
            tags: Mapping[str, str] = self._client.get_model_version(version.name, version.number).tags
        return tags.get(_BATCH)

    def promote(self, version: Version) -> None:
        """Make a version its tenant's champion."""
        with _reported(self.uri):
            self._client.set_registered_model_alias(version.name, CHAMPION, version.number)
            self._client.set_model_version_tag(version.name, version.number, _PROMOTED, "true")

    def dismiss(self, version: Version, why: str, beside: str) -> None:
        """Let a champion be champion no more, so that the model that its tenant shares scores instead; ``beside`` names
        the circle. It is not judged again in it."""
        self.refuse(version, why, beside)
        with _reported(self.uri):
            self._client.delete_registered_model_alias(version.name, CHAMPION)

    def write_evidence(self, version: Version, folder: Path) -> tuple[Path, ...]:
        """Copy a version's card, pictures and figures into a folder and return what is there: ``model_card.md``,
        ``plots`` and ``evidence``."""
        folder.mkdir(parents=True, exist_ok=True)
        with _reported(self.uri):
            run = str(self._client.get_model_version(version.name, version.number).run_id)
            return tuple(Path(self._client.download_artifacts(run, name, str(folder))) for name in EVIDENCE)

    def refer_to(self, version: Version) -> None:
        """Make a version the one that challengers are held against from now on."""
        with _reported(self.uri):
            self._client.set_registered_model_alias(version.name, REFERENCE, version.number)

    def refuse(self, version: Version, why: str, beside: str = "") -> None:
        """Note that a version was not promoted, so that it is not judged again in the same circle of tenants."""
        with _reported(self.uri):
            self._client.set_model_version_tag(version.name, version.number, _VERDICT, why)
            if beside != version.beside:
                self._client.set_model_version_tag(version.name, version.number, _BESIDE, beside)

    def write_card(self, version: Version, promotion: Promotion | None = None) -> None:
        """Write a version's card again, with its number and who promoted it and why."""
        model = unpack(self.files(version), version.model_hash)
        with _reported(self.uri):
            found = self._client.get_model_version(version.name, version.number)
            tags = {name: value for name, value in found.tags.items() if name not in (_PROMOTED, _VERDICT, _BESIDE)}
            card = model_card(
                model,
                title=version.label,
                model_hash=version.model_hash,
                tags={**software(), **tags},
                promotion=promotion,
            )
            self._client.log_text(str(found.run_id), card, CARD_FILE)

    def versions(self, tenant: str) -> list[Version]:
        """Return all of a tenant's versions, oldest first."""
        if self.tracking_uri is None and not self._database.is_file():
            return []
        with _reported(self.uri):
            found = self._client.search_model_versions(f"name='{model_name(tenant)}'")
        return [_version(entry) for entry in sorted(found, key=lambda entry: int(entry.version))]

    def newest(self, tenant: str) -> Version | None:
        """Return the tenant's latest version; None if it has none."""
        return max(self.versions(tenant), key=lambda version: int(version.number), default=None)

    def _called(self, tenant: str, alias: str) -> Version | None:
        if self.tracking_uri is None and not self._database.is_file():
            return None  # a young lake: no need to load MLflow to know
        with _reported(self.uri):
            found = self._by_alias(model_name(tenant), alias)
        return None if found is None else _version(found)

    def _by_alias(self, name: str, alias: str) -> ModelVersion | None:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_model_version_by_alias(name, alias)
        except MlflowException as problem:
            # Both say that there is none: no such model, or a model without that alias.
            if getattr(problem, "error_code", None) in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def _log(self, trained: Trained, files: Files, name: str, tags: Mapping[str, str], scratch: Path) -> str:
        import mlflow

        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        write_files(files, scratch / _PACKAGE)
        evidence = scratch / "evidence"
        write_artifacts(trained, evidence, title=name, model_hash=tags[_HASH], tags=tags)
        with mlflow.start_run(experiment_id=self._experiment(name), run_name=name):
            mlflow.log_params(params_of(trained))
            mlflow.log_metrics(metrics_of(trained))
            mlflow.set_tags(dict(tags))
            mlflow.log_artifacts(str(evidence))
            logged = mlflow.pyfunc.log_model(
                name="model",
                loader_module="leadhouse.models.package",
                data_path=str(scratch / _PACKAGE),
                signature=_signature(),
                pip_requirements=[f"xgboost=={xgb.__version__}"],
            )
        self._ensure_model(name)
        version = self._client.create_model_version(
            name, logged.model_uri, run_id=logged.run_id, tags=dict(tags), model_id=logged.model_id
        )
        return str(version.version)

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = None if self.tracking_uri else str(self.folder / "artifacts" / name)
        return str(self._client.create_experiment(name, artifact_location=location))

    def _ensure_model(self, name: str) -> None:
        if not self._client.search_registered_models(f"name='{name}'"):
            self._client.create_registered_model(name)


def _signature() -> object:
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, DataType, Map, Schema

    inputs = Schema([ColSpec(Map(DataType.double), "numbers"), ColSpec(Map(DataType.string), "categories")])
    return ModelSignature(inputs=inputs, outputs=Schema([ColSpec("double", "probability")]))


def _version(found: ModelVersion) -> Version:
    missing = [key for key in (_HASH, _KEY) if key not in found.tags]
    if missing:
        raise LeadhouseError(
            f"registry: expected {found.name}/{found.version} to be a model of Leadhouse's; it has no {missing[0]}; "
            "promote another version"
        )
    promoted = _PROMOTED in found.tags
    judged = promoted or _VERDICT in found.tags
    own = (found.name, str(found.version), found.tags[_HASH], found.tags[_KEY])
    return Version(*own, promoted, judged, found.tags.get(_BESIDE, ""))


@cache
def _mlflow_client(uri: str) -> MlflowClient:
    _quiet()
    from mlflow import MlflowClient

    if uri.startswith(_SQLITE):
        _make_whole(Path(uri.removeprefix(_SQLITE)))
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _make_whole(database: Path) -> None:
    """Make MLflow's database under another name first: it migrates an empty one step by step, and can't go on with one
    in whose midst it was stopped."""
    from mlflow import MlflowClient

    if database.is_file():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    for left_over in database.parent.glob("*.partial"):
        left_over.unlink()
    # A name of its own each time: MLflow keeps connections to what it has opened before.
    partial = database.with_suffix(f".{uuid.uuid4().hex}.partial")
    MlflowClient(tracking_uri=f"{_SQLITE}{partial}", registry_uri=f"{_SQLITE}{partial}").search_registered_models()
    partial.replace(database)


def _quiet() -> None:
    """No telemetry, banners or progress bars, no minutes of retries: leads are scored without a registry that is down.
    Set before mlflow is imported, which reads them once; what the environment says already holds."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401 - sets up the loggers below, which would undo the levels later

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def _reported(uri: str) -> Iterator[None]:
    """Turn MLflow's failures into one line, and tell a registry that is down from one that says no."""
    _quiet()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (MlflowException, SQLAlchemyError, OSError) as problem:
        place = uri.rpartition("@")[2]  # an address may hold a password before its @
        message = f"registry: expected MLflow at {place} to answer; {str(problem).splitlines()[0]}"
        remedy = "check settings.toml: mlflow.tracking_uri"
        # A full disk is no registry that is down: nothing must go on as if it were.
        if is_full(problem) or getattr(problem, "error_code", None) in _ANSWERS:
            raise LeadhouseError(f"{message}; {remedy}") from problem
        raise RegistryDownError(f"{message}; run again, or {remedy}") from problem
