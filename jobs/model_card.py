"""``leadhouse models card``: how good a version is, where it fails and what it looks at, for people to read."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.markdown import Markdown

from leadhouse.conf.errors import InputError
from leadhouse.jobs.lake_models import LakeModels, open_models
from leadhouse.models.artifacts import CARD_FILE
from leadhouse.models.version import Version


def show_card(lake: Path, workspace: Path, label: str | None, *, folder: Path | None, console: Console) -> None:
    """Print a version's card, as Markdown unless it is a terminal; without a label that of the only champion.

    ``folder``: also put the card there, with its pictures and figures. Raises InputError if there is no such version,
    or if several could be meant; RegistryDownError if the registry doesn't answer.
    """
    models = open_models(lake, workspace)
    version = _only_champion(models) if label is None else models.version(label)[1]
    with TemporaryDirectory() as scratch:
        into = folder or Path(scratch)
        models.registry.write_evidence(version, into)
        card = (into / CARD_FILE).read_text(encoding="utf-8")
    if console.is_terminal:
        console.print(Markdown(card))
    else:
        console.print(card, markup=False, highlight=False, soft_wrap=True, end="")


def _only_champion(models: LakeModels) -> Version:
    champions = {version.label: version for version in models.scoring().values() if version is not None}
    if len(champions) != 1:
        have = ", ".join(champions) or "none yet"
        raise InputError(f"models card: expected VERSION, where there isn't one champion; there are: {have}")
    return next(iter(champions.values()))
