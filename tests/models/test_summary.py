"""What a person reads about a new model."""

from __future__ import annotations

from dataclasses import replace

from leadhouse.models.examples import read_examples
from leadhouse.models.leakage import Suspect
from leadhouse.models.learn import Plan, learn, prepare
from leadhouse.models.summary import summary
from tests.models.data import synthetic


def test_the_lines_say_how_good_it_is_and_what_is_suspicious() -> None:
    plan = Plan("acme", "won", 90)
    trained = learn(prepare(read_examples(synthetic(2000)[0]), plan), plan)  # type: ignore[arg-type]
    shown = replace(
        trained,
        metrics=replace(trained.metrics, auc=0.7912, examples=500),
        baseline_auc=0.78,
        suspects=(Suspect("trait:tags", 0.92, "has an AUC of .92 alone"),),
        infinite={"trait:size": 3},
    )
    first, second, *rest = summary("leadhouse-acme/1", shown)
    won, lost = (trained.model.card[name] for name in ("leads_won", "leads_lost"))
    assert first == (
        f"trained leadhouse-acme/1: AUC .791 out of time on 500 examples ({won:,} of {won + lost:,} leads won); "
        "logistic regression .780"
    )
    assert second.startswith("average precision .")
    assert rest == [
        "suspected leakage: trait:tags has an AUC of .92 alone",
        "trait:size: 3 infinite values count as missing",
    ]
