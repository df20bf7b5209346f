from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Consent, Contract, Field
from leadhouse.expectations.draft import Draft, draft_contract, file_glob, source_name
from leadhouse.expectations.odcs import parse_contract


def drafted(path: Path) -> tuple[Draft, Contract]:
    draft = draft_contract(path)
    return draft, parse_contract(draft.text.encode(), "draft.odcs.yaml", "acme")


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def field(contract: Contract, name: str) -> Field:
    return next(entry for entry in contract.fields if entry.name == name)


def doubts_about(draft: Draft, name: str) -> str:
    return " ".join(doubt for doubt in draft.doubts if doubt.startswith(f"{name}: "))


def rows(header: str, *lines: str) -> str:
    return "\n".join((header, *lines)) + "\n"


# Real exports


def test_x_education_s_outcome_ids_opt_outs_and_null_token_are_found(shared_data: Path) -> None:
    _, contract = drafted(shared_data / "x_education" / "Leads.csv")
    assert field(contract, "converted").roles == ("outcome",)
    assert field(contract, "converted").logical_type == "boolean"
    assert field(contract, "prospect_id").key_position == 1
    assert [entry.name for entry in contract.fields_with("external_id")] == ["prospect_id", "lead_number"]
    assert contract.shape.null_tokens == ("", "Select")
    assert field(contract, "do_not_email").consent == Consent("email", "marketing", "withdrawn", "consent")
    assert field(contract, "do_not_call").consent == Consent("phone", "marketing", "withdrawn", "consent")
    assert (contract.delivery, contract.history, contract.creates_leads) == ("incremental", "live", True)
    assert len(contract.fields) == 37


def test_what_x_education_s_staff_fill_in_afterwards_is_declared_later_with_a_doubt(shared_data: Path) -> None:
    draft, contract = drafted(shared_data / "x_education" / "Leads.csv")
    later = {entry.name for entry in contract.fields if entry.known == "later"}
    filled_in_afterwards = {
        "tags", "lead_quality", "lead_profile", "last_activity", "last_notable_activity", "asymmetrique_activity_index",
        "asymmetrique_profile_index", "asymmetrique_activity_score", "asymmetrique_profile_score",
        "what_is_your_current_occupation", "what_matters_most_to_you_in_choosing_a_course",
    }  # fmt: skip
    assert later == filled_in_afterwards
    assert all("known later?" in doubts_about(draft, name) for name in later)


def test_olist_s_leads_and_deals_are_drafted_so_that_they_join(shared_data: Path) -> None:
    _, leads = drafted(shared_data / "olist_funnel" / "olist_marketing_qualified_leads_dataset.csv")
    _, deals = drafted(shared_data / "olist_funnel" / "olist_closed_deals_dataset.csv")
    assert field(leads, "mql_id").namespace == field(deals, "mql_id").namespace == "mql"
    assert field(leads, "first_contact_date").roles == ("created_at",)
    assert field(leads, "first_contact_date").logical_type == "date"
    assert field(leads, "landing_page_id").roles == field(leads, "origin").roles == ("trait",)
    assert (leads.history, leads.creates_leads, leads.outcome) == ("backfill", True, None)
    assert field(deals, "won_date").roles == ("outcome_at",)
    assert (deals.history, deals.creates_leads, deals.outcome) == ("backfill", False, "won")
    assert all(entry.known == "later" for entry in deals.fields_with("trait"))


def test_febrl_s_headers_keep_their_blanks_and_its_birthdays_stay_out(shared_data: Path) -> None:
    _, contract = drafted(shared_data / "identity" / "febrl" / "dataset1.csv")
    assert field(contract, "given_name").physical_name == " given_name"
    assert field(contract, "given_name").personal
    assert field(contract, "date_of_birth").classification == "restricted"
    assert field(contract, "date_of_birth").roles == ()


def test_splink_s_people_are_known_by_their_id_and_e_mail(shared_data: Path) -> None:
    _, contract = drafted(shared_data / "identity" / "splink" / "fake_1000.csv")
    assert field(contract, "unique_id").roles == ("external_id",)
    assert field(contract, "email").roles == ("email",)
    assert contract.location.path == "fake_1000.csv", "fake_*.csv would take fake_1000_labels.csv too"


# Shapes


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


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"a,b,c\n", "expected records after the header"),
        (b"1,bob@x.com,2024-01-01\n2,al@x.com,2024-01-02\n", "add a header line"),
        (b"1,2,3\n4,5,6\n", "add a header line"),
        (b"sep=;\na;b\n1;2\n", "delete that line"),
        (b"Report of May\n\nid,email,city\n" + b"1,a@b.co,X\n" * 5, "delete the lines above the header"),
        (b"PK\x03\x04....", "Excel"),
        (b"\x1f\x8b\x08....", "gzip"),
        (bytes(range(256)) * 30, "binary"),
        (b"a,b\r1,2\r", "bare CR"),
        (b'[\n  {"a": 1},\n  {"a": 2}\n]\n', "one document over several lines"),
        (b'{"a": 1\n{"a": 2\n{"a":\n', "expected one JSON object a line"),
    ],
)
def test_what_is_no_sample_is_refused_with_what_to_do(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        draft_contract(written(tmp_path, "a.csv", content))


def test_a_missing_sample_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(InputError, match="expected a sample file"):
            draft_contract(path)


# JSON


def test_events_in_json_are_drafted_with_dotted_paths(tmp_path: Path) -> None:
    random.seed(1)
    events = [
        {
            "messageId": f"m{i}",
            "event": random.choice(["Clicked", "Viewed"]),
            "userId": f"u{i % 9}",
            "anonymousId": f"a{i % 30}",
            "timestamp": f"2024-03-{i % 28 + 1:02}T10:00:00Z",
            "context": {"campaign": {"name": "spring", "medium": "email"}, "ip": "10.0.0.1"},
            "tags": ["x"],
        }
        for i in range(100)
    ]
    draft, contract = drafted(written(tmp_path, "events.jsonl", "\n".join(map(json.dumps, events))))
    assert contract.shape.format == "json"
    assert (contract.delivery, contract.history, contract.creates_leads) == ("events", "backfill", False)
    assert field(contract, "message_id").key_position == 1
    roles = {entry.roles[0]: entry.physical_name for entry in contract.fields if entry.roles}
    assert roles == {
        "signal_type": "event", "external_id": "userId", "anonymous_id": "anonymousId", "occurred_at": "timestamp",
        "campaign": "context.campaign.name", "channel": "context.campaign.medium",
    }  # fmt: skip
    assert any("tags" in doubt for doubt in draft.doubts)


def test_a_line_that_is_an_array_holds_the_items(tmp_path: Path) -> None:
    batches = [[{"email": f"u{i % 7}@x.com", "timestamp": 1700000000 + i, "event": e, "sg_event_id": f"{b}-{i}"}
                for i, e in enumerate(("open", "click", "unsubscribe"))] for b in range(20)]  # fmt: skip
    draft, contract = drafted(written(tmp_path, "mail.jsonl", "\n".join(map(json.dumps, batches))))
    assert contract.shape.items == "$"
    assert field(contract, "timestamp").formats == ("epoch_seconds",)
    assert field(contract, "sg_event_id").key_position == 1
    assert "withdraw no consent" in doubts_about(draft, "event")


def test_an_array_of_events_inside_a_line_holds_the_items_and_the_rest_stands_beside(tmp_path: Path) -> None:
    lines = [{"lead": {"id": i}, "events": [{"type": "call", "at": "2024-01-01T00:00:00Z"}] * 2} for i in range(20)]
    _, contract = drafted(written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines))))
    assert contract.shape.items == "events"
    assert field(contract, "lead_id").physical_name == "$.lead.id"
    assert field(contract, "type").roles == ("signal_type",)


def test_json_that_spark_could_not_read_beside_the_rest_is_left_out(tmp_path: Path) -> None:
    lines = ['{"id": 1, "v": 1, "Mail": "a@b.co"}', '{"id": 2, "v": {"q": 1}, "mail": "c@d.co", "a.b": 1}', "not json"]
    draft, contract = drafted(written(tmp_path, "a.jsonl", "\n".join(lines)))
    assert [entry.physical_name for entry in contract.fields] == ["id", "Mail"]
    assert len([doubt for doubt in draft.doubts if doubt.startswith("left out: ")]) == 4
    assert any("not valid JSON" in doubt for doubt in draft.doubts)


# Roles


def test_a_crm_export_s_columns_get_their_roles(tmp_path: Path) -> None:
    header = (
        "Id,IsDeleted,LastName,Company,Email,Phone,Status,IsConverted,ConvertedDate,CreatedDate,LastModifiedDate,"
        "SystemModstamp,HasOptedOutOfEmail,OwnerId,Country,NumberOfEmployees"
    )
    lines = []
    for i in range(200):
        ended = "Open,false," if i % 3 else "Closed,true,2024-02-01"
        changed = f"2024-02-{i % 28 + 1:02}T10:00:00Z"
        who = f"00Q{i:06},false,Doe{i},Firm {i},j{i}@acme.com,+1202555{i:04}"
        lines.append(f"{who},{ended},2024-01-{i % 28 + 1:02}T10:00:00Z,{changed},{changed},false,005,US,{i}")
    _, contract = drafted(written(tmp_path, "sf.csv", rows(header, *lines)))
    roles = {entry.name: entry.roles for entry in contract.fields}
    assert roles["id"] == ("external_id",)
    assert roles["is_deleted"] == ("deleted",)
    assert roles["company"] == ("company",)
    assert roles["email"] == ("email",)
    assert roles["phone"] == ("phone",)
    assert roles["is_converted"] == ("outcome",)
    assert roles["converted_date"] == ("outcome_at",)
    assert roles["created_date"] == ("created_at",)
    assert roles["last_modified_date"] == ("updated_at",)
    assert roles["has_opted_out_of_email"] == ("consent",)
    assert roles["country"] == ("country",)
    assert field(contract, "last_name").known == "at_creation"
    assert {"status", "system_modstamp", "owner_id"} <= {
        entry.name for entry in contract.fields if entry.known == "later"
    }


def test_a_status_in_words_is_the_outcome_where_no_column_says_yes_or_no(tmp_path: Path) -> None:
    lines = [f"{i},{['New', 'Closed Won', 'Lost'][i % 3]}" for i in range(30)]
    _, contract = drafted(written(tmp_path, "a.csv", rows("lead_id,Lead Status", *lines)))
    assert field(contract, "lead_status").roles == ("outcome",)
    assert field(contract, "lead_status").positive_values == ("Closed Won",)


def test_a_column_that_gives_the_outcome_away_is_declared_later(tmp_path: Path) -> None:
    lines = [f"{i},{'a' if i % 4 == 0 else 'b'},{i % 7},{'yes' if i % 4 == 0 else 'no'}" for i in range(400)]
    draft, contract = drafted(written(tmp_path, "a.csv", rows("id,segment,visits,won", *lines)))
    assert field(contract, "won").roles == ("outcome",)
    assert field(contract, "segment").known == "later"
    assert "AUC 1.00" in doubts_about(draft, "segment")
    assert field(contract, "visits").known == "at_creation"


def test_one_s_own_people_are_no_leads(tmp_path: Path) -> None:
    lines = [f"{i},l{i}@x.com,rep{i % 3}@corp.com" for i in range(30)]
    _, contract = drafted(written(tmp_path, "a.csv", rows("id,email,owner_email", *lines)))
    assert [entry.name for entry in contract.fields_with("email")] == ["email"]
    assert field(contract, "owner_email").personal


def test_personal_values_are_never_shown_in_the_file(tmp_path: Path) -> None:
    lines = [f"{i},anna.secret{i % 2}@x.com,Secretson,+4917012345{i % 2}0" for i in range(40)]
    draft, _ = drafted(written(tmp_path, "a.csv", rows("id,email,last_name,phone", *lines)))
    assert "secret" not in draft.text.lower()
    assert "4917012345" not in draft.text


def test_a_small_count_of_ones_and_noughts_is_no_yes_or_no(tmp_path: Path) -> None:
    lines = [f"{i},{i % 2},{i % 2}" for i in range(40)]
    _, contract = drafted(written(tmp_path, "a.csv", rows("id,visits,is_member", *lines)))
    assert field(contract, "visits").logical_type == "integer"
    assert field(contract, "is_member").logical_type == "boolean"


def test_numbers_with_leading_noughts_stay_text(tmp_path: Path) -> None:
    _, contract = drafted(written(tmp_path, "a.csv", rows("id,postcode", "1,01067", "2,80331", "3,04109")))
    assert field(contract, "postcode").logical_type == "string"


def test_a_table_without_anybody_in_it_says_so(tmp_path: Path) -> None:
    draft, _ = drafted(written(tmp_path, "a.csv", rows("age,job", *(f"{i % 50},cook" for i in range(60)))))
    assert any(doubt.startswith("identity: ") for doubt in draft.doubts)
    assert any(doubt.startswith("key: ") for doubt in draft.doubts)


# Names of files


@pytest.mark.parametrize(
    ("file", "glob", "source"),
    [
        ("leads_2024-01-31.csv", "leads_*.csv", "leads"),
        ("export-20240131T101500-3.csv", "export-*.csv", "export"),
        ("Leads.csv", "Leads.csv", "leads"),
        ("crm [all].csv", "crm [[]all].csv", "crm_all"),
        ("2024-01-31.csv", "2024-01-31.csv", "source"),
        ("b2b_leads.jsonl", "b2b_leads.jsonl", "b2b_leads"),
    ],
)
def test_dates_and_numbers_in_a_file_s_name_become_a_glob(tmp_path: Path, file: str, glob: str, source: str) -> None:
    path = written(tmp_path, file, "a,b\n1,2\n")
    assert file_glob(path) == glob
    assert source_name(path).startswith(source)


# Laws

_CELLS = st.one_of(
    st.text(max_size=12),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        [
            "",
            "NULL",
            "yes",
            "No",
            "2024-01-31",
            "1/2/2024",
            "a@b.co",
            "+49 170 1234567",
            "# DOUBT: x",
            "{a: b}",
            "- x",
            "\x85",
            "\u2028",
        ]
    ),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.lists(st.text(min_size=1, max_size=14), min_size=1, max_size=6),
    cells=st.lists(st.lists(_CELLS, min_size=6, max_size=6), min_size=1, max_size=8),
    separator=st.sampled_from(",;\t|"),
)
def test_whatever_the_table_its_draft_is_valid_or_the_sample_is_refused(
    tmp_path: Path, header: list[str], cells: list[list[str]], separator: str
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([header, *(row[: len(header)] for row in cells)])
    path = written(tmp_path, "random.csv", text.getvalue().encode("utf-8", "replace"))
    try:
        draft = draft_contract(path)
    except InputError:
        return
    contract = parse_contract(draft.text.encode(), "random.odcs.yaml", "acme")
    names = [entry.physical_name for entry in contract.fields]
    assert len(set(names)) == len(names)
    document = yaml.safe_load(draft.text)
    assert document["name"] == draft.source


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payloads=st.lists(_JSON, min_size=1, max_size=6))
def test_whatever_the_json_its_draft_is_valid_or_the_sample_is_refused(tmp_path: Path, payloads: list[object]) -> None:
    path = written(tmp_path, "random.jsonl", "\n".join(json.dumps(payload) for payload in payloads))
    try:
        draft = draft_contract(path)
    except InputError:
        return
    parse_contract(draft.text.encode(), "random.odcs.yaml", "acme")
