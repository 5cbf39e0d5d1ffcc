"""What is shipped (campaigns, templates, example leads) hangs together and is fit to be sent."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nurture.content.yaml_files import read_yaml
from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.definition.campaign import CampaignDefinition, walk
from nurture.domain.definition.ladders import Ladders
from nurture.domain.definition.organisation import Organisation
from nurture.domain.definition.scoring import Scoring
from nurture.domain.definition.segments import Segments
from nurture.domain.definition.steps import BranchStep, SendStep, Step
from nurture.domain.definition.streams import Streams
from nurture.domain.events import Event
from nurture.domain.lifecycle.moves import advance
from nurture.domain.values import LeadView, Lifecycle, Stage

ROOT = Path(__file__).parents[2]
CAMPAIGNS = ROOT / "campaigns"
TEMPLATES = ROOT / "email_templates"
LEADS = ROOT / "nurture" / "examples" / "leads.csv"

CAMPAIGN_FILES = sorted(path for path in CAMPAIGNS.glob("*/*.yaml") if path.parent.name != "forms")
TEMPLATE_FILES = sorted(path for path in TEMPLATES.rglob("*.mjml") if path.parent.name != "_layouts")
SENTENCES = re.compile(r">[^<>]*[a-zà-ú][.?!][^<>]*<")


def data(path: Path) -> object:
    return read_yaml(path.read_text(encoding="utf-8"), path.name).data


def campaign(path: Path) -> CampaignDefinition:
    return CampaignDefinition.model_validate(data(path))


def organisation() -> Organisation:
    return Organisation.model_validate(data(CAMPAIGNS / "organisation.yaml"))


def streams() -> Streams:
    return Streams.model_validate(data(CAMPAIGNS / "streams.yaml"))


def front_matter(path: Path) -> dict[str, object]:
    head = read_yaml(path.read_text(encoding="utf-8").split("---\n", 2)[1], path.name).data
    assert isinstance(head, dict)
    return head


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def sends(definition: CampaignDefinition) -> list[SendStep]:
    return [step for step in walk(definition.steps) if isinstance(step, SendStep)]


def kinds(steps: Iterator[Step]) -> set[str]:
    return {type(step).__name__ for step in steps}


@pytest.mark.parametrize("path", CAMPAIGN_FILES, ids=relative)
def test_campaigns_start_when_applied_and_name_only_what_there_is(path: Path) -> None:
    definition = campaign(path)
    assert definition.status == "active"
    assert definition.topic is not None
    assert organisation().topic(definition.topic) is not None
    assert organisation().identity(definition.identity) is not None
    known = {stream.slug for stream in streams().streams}
    for step in sends(definition):
        if step.send.template is not None:
            assert (TEMPLATES / f"{step.send.template}.mjml").is_file(), step.key
        else:
            assert step.send.stream in known, step.key


def test_the_campaigns_together_show_every_kind_of_step() -> None:
    shown = set().union(*(kinds(walk(campaign(path).steps)) for path in CAMPAIGN_FILES))
    assert shown == {
        "SendStep", "WaitStep", "BranchStep", "SplitStep", "UpdateStep", "NotifyStep", "ExitStep",
    }  # fmt: skip


def test_every_branch_says_what_happens_otherwise() -> None:
    for path in CAMPAIGN_FILES:
        for step in walk(campaign(path).steps):
            if isinstance(step, BranchStep):
                assert [arm.otherwise for arm in step.branch].count(True) == 1, step.key
                assert step.branch[-1].otherwise, step.key


def test_the_first_letter_of_the_welcome_leaves_at_any_hour() -> None:
    first, *later = sends(campaign(CAMPAIGNS / "awareness" / "welcome.yaml"))
    assert first.window == "any"
    assert all(step.window is None for step in later)


def test_the_welcome_is_written_in_three_languages() -> None:
    for step in sends(campaign(CAMPAIGNS / "awareness" / "welcome.yaml")):
        for language in ("fr", "pt"):
            assert (TEMPLATES / f"{step.send.template}.{language}.mjml").is_file(), step.key


def test_scoring_ladders_and_segments_can_be_read() -> None:
    assert Scoring.model_validate(data(CAMPAIGNS / "scoring.yaml")).fit.rules
    ladders = Ladders.model_validate(data(CAMPAIGNS / "lifecycle.yaml"))
    assert set(ladders.pairs) == set(Lifecycle)
    assert Segments.model_validate(data(CAMPAIGNS / "segments.yaml")).segments


def test_both_ladders_lead_down_again_at_a_lower_mark_than_up() -> None:
    ladders = Ladders.model_validate(data(CAMPAIGNS / "lifecycle.yaml"))
    down = {(rung, rule.to) for rule in ladders.stage.rules for rung in rule.from_}
    assert {(Stage.DECISION, Stage.INTEREST), (Stage.INTEREST, Stage.AWARENESS)} <= down
    recycled = next(rule for rule in ladders.lifecycle.rules if rule.to is Lifecycle.LEAD and rule.dwell)
    assert recycled.from_ == (Lifecycle.PROSPECT,)


def test_who_buys_after_a_quiet_time_has_bought_and_was_not_recycled() -> None:
    ladders = Ladders.model_validate(data(CAMPAIGNS / "lifecycle.yaml"))
    came, now = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    quiet = LeadView(
        id=1,
        address="ana@example.com",
        created_at=came,
        lifecycle=Lifecycle.PROSPECT,
        lifecycle_since=came,
        stage=Stage.INTEREST,
    )
    order = Event(id=1, lead_id=1, kind="purchased", at=now)
    moves = advance(Snapshot(quiet, (order,), half_life=timedelta(days=30)), ladders, now)
    assert [move.to for move in moves] == [Lifecycle.CUSTOMER, Stage.ACTION]


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=relative)
def test_templates_say_what_they_are_and_show_a_sample(path: Path) -> None:
    head = front_matter(path)
    assert head["kind"] in {"newsletter", "case_study", "proposal", "letter", "system"}
    assert head["subject"]
    assert head["preheader"]
    assert head["sample"]
    assert len(str(head["preheader"])) <= 130


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=relative)
def test_a_language_variant_translates_a_template_that_there_is(path: Path) -> None:
    name, _, language = path.name.removesuffix(".mjml").partition(".")
    if language:
        original = path.with_name(f"{name}.mjml")
        assert front_matter(original)["kind"] == front_matter(path)["kind"]
        assert front_matter(original)["subject"] != front_matter(path)["subject"]
        shared = set(SENTENCES.findall(path.read_text())) & set(SENTENCES.findall(original.read_text()))
        assert not shared


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=relative)
def test_links_lead_to_example_domains_or_are_filled_in(path: Path) -> None:
    for target in re.findall(r'href="([^"]*)"', path.read_text(encoding="utf-8")):
        assert target.startswith(("https://www.example.com/", "{{ preferences_url", "{{ action_url")), target


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=relative)
def test_fields_that_a_lead_may_lack_have_a_text_to_fall_back_on(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for field in re.findall(r"\{\{\s*((?:lead|company|user)\.[^}]*?)\s*\}\}", source):
        assert field == "lead.email" or 'default("' in field, field


def test_four_case_studies_tell_of_different_industries_in_figures() -> None:
    studies = [path for path in (TEMPLATES / "case_studies").glob("*.mjml") if path.name.count(".") == 1]
    industries = [industry for path in studies for industry in front_matter(path)["industries"]]  # type: ignore[attr-defined] # a list by the file format
    assert len(studies) == 4
    assert {"manufacturing", "logistics", "healthcare", "software"} <= set(industries)
    assert len(industries) == len(set(industries))
    for path in studies:
        assert path.read_text(encoding="utf-8").count('mj-class="number"') == 3, path.name


def test_marketing_layouts_bring_the_address_and_the_way_out() -> None:
    for name in ("letter", "newsletter"):
        for language in ("", ".fr", ".pt"):
            source = (TEMPLATES / "_layouts" / f"{name}{language}.mjml").read_text(encoding="utf-8")
            for field in ("from_identity.postal_address", "unsubscribe_url", "preferences_url", "view_url"):
                assert f"{{{{ {field} }}}}" in source, (name, language, field)


def test_example_leads_live_at_example_domains_and_not_all_have_consented() -> None:
    with LEADS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["email"] for row in rows}) == len(rows) >= 60
    assert {row["email"].partition("@")[2] for row in rows} == {"example.com", "example.org", "example.net"}
    assert {row["language"] for row in rows} >= {"en", "fr", "pt"}
    consents = [bool(row["consent"]) for row in rows]
    assert 0 < consents.count(False) < consents.count(True)
    assert {row["lifecycle"] for row in rows} >= {"", "lead", "prospect", "customer", "former_customer"}
