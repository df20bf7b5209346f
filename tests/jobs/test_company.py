"""The made-up company: equal seeds, equal bytes; what is said about it is true of its files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import read_settings
from leadhouse.conf.workspace import shipped_workspace
from leadhouse.jobs.company.behaviour import LEARNING_DAYS, Events, draw_behaviour
from leadhouse.jobs.company.company import Manifest, make_company, read_manifest
from leadhouse.jobs.company.defects import DUPLICATE
from leadhouse.jobs.company.outcomes import (
    HORIZON_DAYS,
    Outcomes,
    draw_outcomes,
    expected_auc,
    observed_auc,
)
from leadhouse.jobs.company.people import COUNTRIES, DAY, END, People, draw_people

Made = tuple[Path, Manifest]
Drawn = tuple[People, Events, Outcomes]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("company")
    return folder, make_company(folder, leads=600, seed=3)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    draw = [np.random.default_rng([5, part]) for part in range(3)]
    people = draw_people(draw[0], 3_000)
    events = draw_behaviour(draw[1], people)
    return people, events, draw_outcomes(draw[2], people, events)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_equal_seeds_make_equal_bytes_and_other_seeds_others(made: Made, tmp_path: Path) -> None:
    folder, _ = made
    make_company(tmp_path / "same", leads=600, seed=3)
    make_company(tmp_path / "other", leads=600, seed=4)
    assert digests(folder) == digests(tmp_path / "same")
    other = digests(tmp_path / "other")
    assert all(other[path] != digest for path, digest in digests(folder).items() if path in other)


def test_the_manifest_counts_the_records_that_are_in_the_files(made: Made) -> None:
    folder, manifest = made
    counted: Counter[str] = Counter()
    for path in sorted((folder / "landing").rglob("*.jsonl")):
        counted[path.parent.name] += len(path.read_bytes().splitlines())
    for path in sorted((folder / "landing").rglob("*.csv")):
        text = path.read_text(encoding="iso-8859-1" if path.parent.name == "calls" else "utf-8")
        rows = list(csv.reader(io.StringIO(text), delimiter=";" if path.parent.name == "calls" else ","))
        counted[path.parent.name] += len(rows) - 1
    assert counted == manifest.records
    assert read_manifest(folder) == manifest


def test_planted_duplicates_are_all_the_duplicates_that_there_are(made: Made) -> None:
    folder, manifest = made
    planted = {entry.source: entry.records for entry in manifest.planted if entry.result == DUPLICATE}
    for source, pattern in (
        ("page_views", "web/*.jsonl"),
        ("email_events", "email/*.jsonl"),
        ("crm_leads", "crm/*.csv"),
    ):
        lines: Counter[bytes] = Counter()
        for path in (folder / "landing").glob(pattern):
            text = path.read_bytes()
            header = text.splitlines()[0] if path.suffix == ".csv" else b""
            lines.update(line for line in text.split(b"\n") if line != header and b"bad" not in line and len(line) > 40)
        assert sum(lines.values()) - len(lines) == planted[source]


def test_the_truth_is_outside_the_landing_folder(made: Made) -> None:
    folder, _ = made
    with (folder / "truth.csv").open() as file:
        truth = list(csv.DictReader(file))
    assert {row["settled"] for row in truth} == {"true", "false"}
    assert all(0 < float(row["propensity"]) < 1 for row in truth)
    assert "propensity" not in "".join(str(path) for path in (folder / "landing").rglob("*"))


def test_nobody_can_be_reached(made: Made) -> None:
    folder, _ = made
    for path in (folder / "landing" / "crm").glob("*.csv"):
        for row in csv.DictReader(io.StringIO(path.read_text())):
            assert not row["E-mail"] or row["E-mail"].endswith(".example")


def test_every_phone_number_is_valid_and_nobody_shares_one(drawn: Drawn) -> None:
    people, _, _ = drawn
    parsed = [
        phonenumbers.parse(phone, COUNTRIES[code] if phone.startswith("+") else "DE")
        for phone, code in zip(people.phone, people.country.tolist(), strict=True)
        if phone
    ]
    assert all(phonenumbers.is_valid_number(number) for number in parsed)
    assert len({(number.country_code, number.national_number) for number in parsed}) == len(parsed)
    assert len(parsed) > len(people) / 2


def test_there_is_enough_to_learn_from(drawn: Drawn) -> None:
    _, events, outcomes = drawn
    settled = outcomes.settled
    assert len(events) >= 50_000
    assert outcomes.won[settled].sum() >= 300
    assert 0.15 <= outcomes.propensity[settled].mean() <= 0.20
    assert 0.80 <= expected_auc(outcomes.propensity[settled]) <= 0.85


def test_wins_come_as_often_as_the_propensity_says(drawn: Drawn) -> None:
    _, _, outcomes = drawn
    order = np.argsort(np.where(outcomes.settled, outcomes.propensity, np.inf))[: outcomes.settled.sum()]
    for part in np.array_split(order, 5):
        p = outcomes.propensity[part]
        spread = np.sqrt(np.sum(p * (1 - p)))
        assert abs(outcomes.won[part].sum() - p.sum()) < 4 * spread


def test_outcomes_lie_within_the_horizon_that_the_workspace_declares(drawn: Drawn) -> None:
    people, _, outcomes = drawn
    training = read_settings(shipped_workspace("demo")).training
    assert (training.ages_days, training.horizon_days) == ((LEARNING_DAYS,), HORIZON_DAYS)
    assert np.all(outcomes.moment % DAY == 0)
    waited = outcomes.moment - (people.created + LEARNING_DAYS * DAY)
    assert 0 <= waited.min() <= waited.max() < DAY
    lag = (outcomes.closed - outcomes.moment)[outcomes.closed > 0]
    assert 0 < lag.min() <= lag.max() <= HORIZON_DAYS * DAY
    assert outcomes.closed.max() <= END


def test_what_happens_after_the_moment_does_not_change_the_propensity(drawn: Drawn) -> None:
    people, events, outcomes = drawn
    leads = np.maximum(events.lead, 0)
    until = events.take((events.lead < 0) | (events.at <= outcomes.moment[leads]))
    again = draw_outcomes(np.random.default_rng([5, 2]), people, until)
    assert np.array_equal(again.propensity, outcomes.propensity, equal_nan=True)
    assert len(until) < len(events)


def test_one_more_pricing_view_in_time_raises_the_propensity(drawn: Drawn) -> None:
    people, events, outcomes = drawn
    of_first = events.lead == 0
    more = replace(events, kind=np.where(of_first & (events.kind == 0), 1, events.kind))
    again = draw_outcomes(np.random.default_rng([5, 2]), people, more)
    assert again.propensity[0] >= outcomes.propensity[0]
    assert np.array_equal(again.propensity[1:], outcomes.propensity[1:], equal_nan=True)


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=12))
def test_the_expected_auc_is_the_mean_over_all_pairs(propensity: list[float]) -> None:
    right = total = 0.0
    for i, p in enumerate(propensity):
        for j, q in enumerate(propensity):
            if i != j:
                right += p * (1 - q) * (1.0 if p > q else 0.5 if p == q else 0.0)
                total += p * (1 - q)
    assert expected_auc(np.array(propensity)) == pytest.approx(right / total)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_the_observed_auc_is_that_of_scikit_learn(pairs: list[tuple[int, bool]]) -> None:
    score = np.array([score for score, _ in pairs], dtype=np.float64)
    label = np.array([label for _, label in pairs])
    if label.all() or not label.any():
        return
    assert observed_auc(score, label) == pytest.approx(roc_auc_score(label, score))


@pytest.mark.parametrize(("leads", "seed"), [(19, 1), (-1, 1), (900_000, 1), (100, -1)])
def test_a_company_that_cannot_be_is_refused_before_anything_is_written(leads: int, seed: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected"):
        make_company(tmp_path, leads=leads, seed=seed)
    assert list(tmp_path.iterdir()) == []


def test_the_smallest_company_can_be_made(tmp_path: Path) -> None:
    manifest = make_company(tmp_path, leads=20, seed=1)
    assert json.loads((tmp_path / "manifest.json").read_text())["leads"] == manifest.leads == 20
