"""Drafts by meaning: which column is an identity, an outcome, a consent, and what is known only later."""

from __future__ import annotations

from pathlib import Path

from leadhouse.expectations.contract import Contract
from leadhouse.expectations.draft import Draft
from tests.expectations.drafts import doubts_about, drafted, field, rows, written


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


def test_a_time_that_the_won_have_says_when_whatever_its_name(tmp_path: Path) -> None:
    def row(i: int) -> str:
        stage, kickoff = ("Customer", f"2025-03-{i % 28 + 1:02} 10:00") if i % 4 == 0 else ("Lead", "")
        return f"{i},{stage},2025-01-{i % 28 + 1:02} 09:30,2025-06-01 08:00,{kickoff}"

    def contract_of(when: str, number: int) -> tuple[Draft, Contract]:
        header = f"Record ID,Lifecycle Stage,Create Date,Last Activity Date,{when}"
        return drafted(written(tmp_path, f"{when}.csv", rows(header, *[row(i) for i in range(number)])))

    draft, contract = contract_of("Kickoff Call", 400)
    assert field(contract, "kickoff_call").roles == ("outcome_at",)
    assert "filled in where lifecycle_stage says won" in doubts_about(draft, "kickoff_call")
    assert field(contract, "last_activity_date").roles == ("trait",)
    _, contract = contract_of("Became a Customer Date", 20)
    assert field(contract, "became_a_customer_date").roles == ("outcome_at",)
    draft, contract = contract_of("Kickoff Call", 20)
    assert field(contract, "kickoff_call").known == "later", "too few to tell by"
    assert "no column says when it happened" in doubts_about(draft, "lifecycle_stage")


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


def test_a_tick_beside_the_won_is_the_outcome(tmp_path: Path) -> None:
    cells = [f"{i},p{i}@x.com,20260{i % 9 + 1}15,{'x' if i % 3 else ''}" for i in range(60)]
    lines = ["Lead #,Mail,Created,Won?", *cells]
    draft, contract = drafted(written(tmp_path, "leads.csv", "\n".join(lines)))
    won = field(contract, "won")
    assert (won.roles, won.positive_values) == (("outcome",), ("x",))
    assert "x is taken to mean that it happened" in doubts_about(draft, "won")
    assert field(contract, "created").formats == ("yyyyMMdd",)
