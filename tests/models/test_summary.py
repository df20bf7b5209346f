"""What a person reads about a new model."""

from __future__ import annotations

from dataclasses import replace

from leadhouse.models.bootstrap import Interval
from leadhouse.models.evidence import Baseline
from leadhouse.models.examples import read_examples
from leadhouse.models.leaks.suspect import Suspect
from leadhouse.models.learn import Plan, learn, prepare
from leadhouse.models.slices import Slices
from leadhouse.models.summary import summary
from tests.models.data import synthetic


def test_the_lines_say_how_good_it_is_and_what_is_suspicious() -> None:
    plan = Plan("acme", "won", 90)
    trained = learn(prepare(read_examples(synthetic(2000)[0]), plan), plan)  # type: ignore[arg-type]
    won, lost = (trained.model.card[name] for name in ("leads_won", "leads_lost"))
    evidence = replace(
        trained.evidence,
        metrics=replace(trained.metrics, auc=0.7912, examples=500),
        intervals={"auc": Interval(0.7611, 0.8204)},
        baselines=(Baseline("base rate", 0.5, 0.6, None), Baseline("logistic regression", 0.78, 0.5, None)),
        slices=Slices((replace(trained.evidence.slices.slices[0], level="FR", worse=True),), {}),
    )
    shown = replace(
        trained,
        evidence=evidence,
        suspects=(Suspect("trait:tags", "alone", 0.92, "alone puts the winner first", "declare it"),),
        infinite={"trait:size": 3},
    )
    first, second, third, *rest = summary("leadhouse-acme/1", shown)
    assert first == (
        f"trained leadhouse-acme/1: AUC .791 (.761 to .820) out of time on 500 examples ({won:,} of {won + lost:,} "
        "leads won)"
    )
    assert second == "on the same examples, AUC of: base rate .500 · logistic regression .780"
    assert third.startswith("average precision .")
    assert rest == [
        "worse than the base rate: country FR",
        "suspected leakage: trait:tags alone puts the winner first; declare it",
        "trait:size: 3 infinite values count as missing",
    ]
