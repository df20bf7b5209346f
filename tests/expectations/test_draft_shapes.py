"""Drafts of CSV files: separators, encodings, dates and headers however they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Consent
from tests.expectations.drafts import doubts_about, drafted, field, rows, written


def test_a_german_export_is_read_with_its_marks_words_and_dates(tmp_path: Path) -> None:
    lines = [
        f"K{i:04};Müller;m{i}@x.de;{i}.234,5{i % 10};{i % 28 + 1:02}.0{i % 9 + 1}.2023;{'Ja' if i % 2 else 'Nein'};Nein"
        for i in range(1, 40)
    ]
    text = rows("Kundennummer;Nachname;E-Mail;Umsatz;Angelegt am;Newsletter;Gekündigt", *lines)
    draft, contract = drafted(written(tmp_path, "kunden_2024-01-31.csv", text.encode("windows-1252")))
    assert (contract.shape.separator, contract.shape.encoding, contract.shape.decimal_mark) == (
        ";",
        "windows-1252",
        ",",
    )
    assert contract.location.path == "kunden_*.csv"
    assert field(contract, "umsatz").logical_type == "number"
    assert field(contract, "angelegt_am").formats == ("dd.MM.yyyy",)
    assert field(contract, "angelegt_am").roles == ("created_at",)
    assert field(contract, "newsletter").consent == Consent("email", "marketing", "given", "consent")
    assert {"ja"} <= set(contract.shape.true_tokens)
    assert {"nein"} <= set(contract.shape.false_tokens)
    assert "make sure" in doubts_about(draft, "newsletter"), "a consent is never taken for granted"


def test_month_first_dates_are_told_from_their_days(tmp_path: Path) -> None:
    _, contract = drafted(
        written(tmp_path, "a.csv", rows("id,created,signed", "1,1/2/2024,3/4/2024", "2,12/31/2024,5/6/2024"))
    )
    assert field(contract, "created").formats == ("M/d/yyyy",)
    assert field(contract, "signed").formats == ("M/d/yyyy",), "one column tells it for the other"


def test_dates_that_could_be_either_way_are_a_doubt(tmp_path: Path) -> None:
    draft, contract = drafted(written(tmp_path, "a.csv", rows("id,created", "1,01/02/2024", "2,03/04/2024")))
    assert field(contract, "created").formats == ("dd/MM/yyyy",)
    assert "it may be MM/dd/yyyy" in doubts_about(draft, "created")


@pytest.mark.parametrize(
    ("written_as", "formats"),
    [
        ("2024-01-31T10:00:00.123Z", ()),
        ("2024-01-31 10:00:00", ()),
        ("2024-01-31T10:00:00+0100", ("yyyy-MM-dd'T'HH:mm:ssXX",)),
        ("31-Jan-2024", ("dd-MMM-yyyy",)),
        ("Jan 31, 2024 3:05 PM", ("MMM dd, yyyy h:mm a",)),
        ("20240131", ("yyyyMMdd",)),
        ("1706695200", ("epoch_seconds",)),
        ("1706695200123", ("epoch_millis",)),
    ],
)
def test_times_are_read_however_they_are_written(tmp_path: Path, written_as: str, formats: tuple[str, ...]) -> None:
    lines = [f'{i},"{written_as}"' for i in range(3)]
    _, contract = drafted(written(tmp_path, "a.csv", rows("id,created_date", *lines)))
    assert field(contract, "created_date").roles == ("created_at",)
    assert field(contract, "created_date").formats == formats


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1252"])
def test_names_survive_whatever_the_encoding(tmp_path: Path, encoding: str) -> None:
    text = rows("id\tOrt", *(f"{i}\tKöln am Rhein" for i in range(40)))
    draft, contract = drafted(written(tmp_path, "a.tsv", text.encode(encoding)))
    assert field(contract, "ort").roles == ("trait",)
    assert "Köln" in draft.text or "only one value" in draft.text
    assert contract.shape.separator == "\t"
    assert contract.shape.encoding == {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)


def test_quoted_line_breaks_and_doubled_quotes_are_one_cell(tmp_path: Path) -> None:
    draft, contract = drafted(
        written(tmp_path, "a.csv", 'id,email,city\n1,a@b.co,"one\nline ""two"", x"\n2,b@b.co,"plain"\n')
    )
    assert draft.rows == 2
    assert [entry.name for entry in contract.fields] == ["id", "email", "city"]


def test_columns_without_name_or_with_another_s_name_are_left_out_with_a_doubt(tmp_path: Path) -> None:
    draft, contract = drafted(written(tmp_path, "a.csv", rows("id,name,name,", "1,a,b,", "2,c,d,")))
    assert [entry.name for entry in contract.fields] == ["id", "name"]
    assert sum(doubt.startswith("left out: ") for doubt in draft.doubts) == 2


def test_names_become_small_and_unique_and_the_header_s_own_stay(tmp_path: Path) -> None:
    text = rows(
        "Größe (m²),größe m2,customerID,2024,الاسم,E-Mail", *(f"{i},{i}.5,C{i},{i},x,a{i}@b.co" for i in range(5))
    )
    _, contract = drafted(written(tmp_path, "a.csv", text))
    assert [entry.name for entry in contract.fields] == [
        "groesse_m2",
        "groesse_m2_2",
        "customer_id",
        "column_2024",
        "column_5",
        "email",
    ]
    assert [entry.physical_name for entry in contract.fields][:2] == ["Größe (m²)", "größe m2"]


def test_three_hundred_columns_are_no_trouble(tmp_path: Path) -> None:
    header = ",".join(f"c{i}" for i in range(300))
    _, contract = drafted(
        written(tmp_path, "a.csv", rows(header, *(",".join(str(i * j % 7) for i in range(300)) for j in range(9))))
    )
    assert len(contract.fields) == 300


def test_a_title_above_the_header_is_refused(tmp_path: Path) -> None:
    text = "Report;;;\nid;mail;land;won\n" + "".join(f"{i};p{i}@x.com;AT;ja\n" for i in range(20))
    with pytest.raises(InputError, match="delete the lines above the header"):
        drafted(written(tmp_path, "report.csv", text))


def test_marks_within_cells_are_no_separators(tmp_path: Path) -> None:
    lines = ["id,mail,tags", *[f"{i},p{i}@x.com,a|b|c" for i in range(30)]]
    _, contract = drafted(written(tmp_path, "leads.csv", "\n".join(lines)))
    assert (contract.shape.separator, len(contract.fields)) == (",", 3)


def test_users_are_told_by_ids_that_are_called_user(tmp_path: Path) -> None:
    cells = [f"u{i % 9},2026-01-{i % 28 + 1:02}T10:00:00Z,{'add' if i % 3 else 'view'}" for i in range(60)]
    lines = ["user,when,what", *cells]
    _, contract = drafted(written(tmp_path, "seen.csv", "\n".join(lines)))
    roles = {entry.name: entry.roles for entry in contract.fields}
    assert roles == {"user": ("external_id",), "when": ("occurred_at",), "what": ("signal_type",)}


def test_numbers_beside_a_currency_or_percent_sign_are_numbers(tmp_path: Path) -> None:
    lines = ["id;mail;betrag;rabatt", *[f"{i};p{i}@x.com;€ 1.{i:03},50;{i % 9} %" for i in range(30)]]
    draft, contract = drafted(written(tmp_path, "leads.csv", "\n".join(lines)))
    amount, discount = field(contract, "betrag"), field(contract, "rabatt")
    assert (amount.logical_type, amount.signs, contract.shape.decimal_mark) == ("number", ("€",), ",")
    assert (discount.logical_type, discount.signs) == ("integer", ("%",))
    assert "all are in the same unit" in doubts_about(draft, "betrag")
