"""Drafts of real exports: what a person who knows them would have declared."""

from __future__ import annotations

from pathlib import Path

from leadhouse.expectations.contract import Consent
from tests.expectations.drafts import doubts_about, drafted, field


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
