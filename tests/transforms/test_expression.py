from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from leadhouse.conf.errors import InputError
from leadhouse.transforms.expression import read_expression

TRAITS = {"industry": "string", "employees": "integer", "trial": "boolean", "renewal": "date"}

LEAD = """
    SELECT 0.5D AS score, 'B' AS grade, CAST(NULL AS DOUBLE) AS trend, 'scored' AS status, 'DE' AS country,
           TIMESTAMP'2024-05-01 12:00:00Z' AS created_at,
           map('count_7d', 3.0D, 'count_7d:type:page_view', 2.0D, 'age_days', 10.5D) AS numbers,
           map('trait:industry', 'Maschinen\\'bau') AS categories,
           map('industry', 'Maschinen\\'bau', 'employees', '20', 'trial', 'true', 'renewal', '2024-06-01') AS traits
"""


def checked(text: object, kind: str = "boolean") -> str:
    return read_expression(text, traits=TRAITS, kind=kind).sql


def problems(text: object, kind: str = "boolean") -> str:
    with pytest.raises(InputError) as caught:
        checked(text, kind)
    return "\n".join(caught.value.problems)


MEANINGS: dict[str, bool | None] = {
    "score >= 0.3 and grade in ('A', 'B') and traits.country = 'DE' and features.count_7d > 2": True,
    "SCORE < 0.3 OR Grade NOT IN ('A', 'B')": False,
    "features.`count_7d:type:page_view` = 2": True,
    "features.count_30d = 0 and features.intensity = 0 and features.`count_1d:channel:e-mail` = 0": True,
    "features.days_since is null and trend is null": True,
    "trend > 0": None,
    "created_at between '2024-05-01' and '2024-05-02T00:00:00+02:00'": True,
    "created_at < traits.renewal": True,
    "traits.employees * 2 - 1 >= 39 and traits.employees % 7 = 6": True,
    "score / 0 > 1 or score % 0 > 1": None,
    "traits.trial and not traits.trial = false": True,
    "traits.trial is true": True,
    "traits.industry = 'Maschinen\\'bau' and features.`trait:industry` like 'Masch%'": True,
    "country not like 'D_'": False,
    "case when score > 0.4 then grade else 'Z' end = 'B'": True,
    "coalesce(trend, -1) < 0 and abs(-score) = 0.5": True,
    "round(score + 0.04, 1) = 0.5 and floor(age_days) = 10 and ceil(age_days) = 11": True,
    "least(score, 1, 2) = score and greatest(score, 1, 2) = 2": True,
    "contains(lower(traits.industry), 'bau') and startswith(upper(country), 'D')": True,
    "endswith(trim(country), 'E') and length(country) = 2": True,
    "(((score > 0.1))) -- a comment; drop table x": True,
    "1e-7 < score and 1e300 > score": True,
    "true": True,
}


def test_an_allowed_expression_means_what_it_says(spark: SparkSession) -> None:
    row = spark.sql(LEAD).select(*[F.expr(checked(text)) for text in MEANINGS]).first()
    assert row is not None
    assert dict(zip(MEANINGS, row, strict=True)) == MEANINGS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("java_method('java.lang.Runtime', 'exit')", "function java_method: not allowed"),
        ("reflect('java.lang.System', 'exit', 1) = 1", "function reflect: not allowed"),
        ("rand() < 0.5", "function rand: not allowed"),
        ("created_at < current_timestamp()", "function current_timestamp: not allowed"),
        ("country rlike '(a+)+$'", "function regexp_like: not allowed"),
        ("count(*) > 1", "function count: not allowed"),
        ("rank() over (order by score) = 1", "not allowed"),
        ("exists(traits.x, x -> x)", "not allowed"),
        ("score in (select 1)", "no query"),
        ("score > (select max(score) from gold.lead_scores)", "a query: not allowed"),
        ("select * from silver.leads", "a query: not allowed"),
        ("score > 0.3; drop table silver.leads", "got 2 statements"),
        ("drop table silver.leads", "drop: not allowed"),
        ("score::string = '1'", "cast: not needed"),
        ("score[0] = 1", "bracket: not allowed"),
        ("score as x", "alias: not allowed"),
        (":score > 1", "placeholder: not allowed"),
        ("", "expected an expression"),
        ("   ", "expected an expression"),
        (None, "expected an expression"),
        (["score"], "expected an expression"),
        ("score >", "can't be read"),
        ("score > 0.3)", "can't be read"),
        ("not an expression", "alias: not allowed"),
        ("email = 'x'", "column email: unknown; known are score, grade"),
        (
            "traits.email = 'x'",
            "no contract declares this trait; known are country, employees, industry, renewal, trial",
        ),
        ("traits.employees.x = 1", "unknown; known are"),
        ("features.clicks > 1", "features.clicks: unknown"),
        ("features.count_8d > 1", "expected a window of 1, 7, 30, 90 days"),
        ("features.`trait:size` > 1", "no contract declares this trait"),
        ("score", "expected a true-or-false expression; this one yields a number"),
        ("score = 'A'", "expected values of one kind"),
        ("traits.trial = 'true'", "expected values of one kind"),
        ("created_at > 'soon'", "expected a date or time such as"),
        ("created_at > country", "a date can be compared only"),
        ("grade + 1 > 2", "expected a number; got a text"),
        ("country like lower(grade)", "expected a pattern in quotes"),
        ("country like '%a%a%a%a%a%a'", "at most 5 '%'"),
        ("country like 'a\\\\'", "without '\\'"),
        ("score > 1e999", "expected a number"),
        ("round(score, grade) > 1", "expected the number of decimals"),
        ("least(score) > 1", "expected 2 to 20 values"),
        ("score > 0 \x00", "control characters"),
        ("(" * 200 + "true" + ")" * 200, "levels of nesting"),
        ("not " * 900 + "true", "levels of nesting"),
        ("(" * 900 + "true" + ")" * 900, "words and signs"),
        ("score > 1 or " * 400 + "true", "characters"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: object, said: str) -> None:
    assert said in problems(text)


def test_all_problems_of_an_expression_are_named_at_once() -> None:
    found = problems("rand() > 1 and traits.size = 2 and email = 'x'").splitlines()
    assert [line.split(":")[0] for line in found] == ["function rand", "traits.size", "column email"]


def test_a_long_chain_of_alternatives_is_not_deep() -> None:
    assert checked(" or ".join(["score > 0.1"] * 200)).count("OR") == 199


def test_ranking_must_yield_a_number() -> None:
    assert checked("score * 100 - coalesce(features.days_since, 90)", kind="number")
    assert "expected a number expression" in problems("grade", kind="number")
    assert "this one yields an empty" in problems("null", kind="number")


@settings(max_examples=3, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12), min_size=1, max_size=50)
)
def test_any_text_stays_a_text(spark: SparkSession, texts: list[str]) -> None:
    literals = ["'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" for text in texts]
    same = [F.expr(checked(f"country = {literal}")).alias(f"c{i}") for i, literal in enumerate(literals)]
    rows = spark.createDataFrame([(text,) for text in texts], "country string").select("country", *same).collect()
    for row in rows:
        assert [text for i, text in enumerate(texts) if row[f"c{i}"]] == [text for text in texts if text == row.country]


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("scoregradtis.'`\"()<>=+-*/%;,0123456789 \\\n_andornotincaselikenull"), max_size=60))
def test_no_text_crashes_the_reader(text: str) -> None:
    try:
        sql = checked(text)
    except InputError:
        return
    assert ";" not in sql
