"""A made-up company that sells sensors to factories: its exports, and the truth about its leads beside them.

``make_company`` is the demo's and the bench's source of data. The same number of leads and seed give the same bytes on
any machine and any day. Nothing in Leadhouse knows it: what it writes is read through ``conf/demo``'s contracts.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from leadhouse.conf.errors import InputError
from leadhouse.jobs.company import files
from leadhouse.jobs.company.behaviour import draw_behaviour
from leadhouse.jobs.company.defects import Planted, plant_defects
from leadhouse.jobs.company.files import Landing, iso
from leadhouse.jobs.company.outcomes import Outcomes, draw_outcomes
from leadhouse.jobs.company.people import END, People, draw_people

LANDING, TRUTH, MANIFEST = "landing", "truth.csv", "manifest.json"
TRUTH_COLUMNS = ("lead_id", "created_at", "moment", "propensity", "settled", "won")


@dataclass(frozen=True)
class Manifest:
    """What was made."""

    leads: int
    """People in the CRM, without the few that were planted with the defects."""
    seed: int
    end: str
    """The company's last second, ISO 8601."""
    signals: int
    files: int
    records: Mapping[str, int]
    """Records by top folder of the landing, headers left out, defects included."""
    planted: tuple[Planted, ...]


def make_company(folder: Path, leads: int = 3_000, seed: int = 7) -> Manifest:
    """Write the company's exports below ``folder/landing``, and truth.csv and manifest.json beside it.

    truth.csv has for each lead whose moment has come: lead_id, created_at, moment (when its fate was drawn),
    propensity, settled (whether the horizon has passed) and won. Raises InputError for fewer than 20 or more than
    800,000 leads, or a negative seed.
    """
    if not 20 <= leads <= 800_000:
        raise InputError(f"--leads: expected 20 to 800,000; got {leads}; choose another number")
    if seed < 0:
        raise InputError(f"--seed: expected 0 or more; got {seed}; choose another number")
    # A generator for each part: a change to one leaves the others' draws as they were.
    draw = [np.random.default_rng([seed, part]) for part in range(8)]
    people = draw_people(draw[0], leads)
    events = draw_behaviour(draw[1], people)
    outcomes = draw_outcomes(draw[2], people, events)
    clean: Landing = {
        **files.crm_exports(draw[3], people, outcomes),
        **files.page_views(draw[4], events),
        **files.email_events(people, events),
        **files.form_submissions(people, events),
        **files.calls(draw[5], people, events),
        **files.consents(people, events),
        **files.deals(draw[6], people, outcomes),
    }
    landing, planted = plant_defects(draw[7], clean, people, outcomes)
    _write_landing(folder / LANDING, landing)
    _write_truth(folder / TRUTH, people, outcomes)
    manifest = Manifest(leads, seed, iso(END), len(events), len(landing), _records(landing), planted)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Return what ``make_company`` wrote down about a folder."""
    content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Manifest(**(content | {"planted": tuple(Planted(**entry) for entry in content["planted"])}))


def _write_landing(folder: Path, landing: Landing) -> None:
    for path, lines in landing.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # The telephone system runs on Windows; a file's last line may lack its end.
        end = b"\r\n" if path.startswith("calls/") else b"\n"
        target.write_bytes(end.join(lines) + (b"" if _is_cut(lines) else end))


def _is_cut(lines: list[bytes]) -> bool:
    return lines[-1].startswith(b"{") and not lines[-1].endswith(b"}")


def _write_truth(path: Path, people: People, outcomes: Outcomes) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TRUTH_COLUMNS)
        for lead in np.flatnonzero(~np.isnan(outcomes.propensity)).tolist():
            writer.writerow(
                (
                    people.lead_id[lead],
                    iso(int(people.created[lead])),
                    iso(int(outcomes.moment[lead])),
                    f"{outcomes.propensity[lead]:.6f}",
                    "true" if outcomes.settled[lead] else "false",
                    "true" if outcomes.won[lead] else "false",
                )
            )


def _records(landing: Landing) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for path, lines in landing.items():
        counts[path.split("/")[0]] += len(lines) - path.endswith(".csv")
    return dict(sorted(counts.items()))
