"""Files and the database: nothing changes where anything is wrong, and what comes back are the same bytes."""

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from nurture.clock import FixedClock
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.errors import FileError, InputError
from nurture.services.files import Change, Paths, Plan, apply, check, export, plan
from nurture.services.house import load_house
from nurture.services.runtime import Runtime
from nurture.store.campaigns import set_status
from nurture.store.fires import campaigns_to_look_at, look_again_at
from nurture.store.schema import (
    AuditEntry,
    Campaign,
    CampaignVersion,
    Document,
    Enrollment,
    Lead,
    Recheck,
    Template,
    TemplateVersion,
)
from nurture.store.templates import compiled_json, current_version, current_versions, fronts
from tests.support.letters import LAYOUT, section
from tests.support.runtimes import runtime_on, settings_for

ROOT = Path(__file__).parents[2]
SHIPPED = Paths(ROOT / "campaigns", ROOT / "email_templates")

ORGANISATION = """\
schema: 1
name: Example
identities: [{slug: default, name: Ana, email: ana@example.com, postal_address: 1 High Street}]
topics: [{slug: product, name: Product}]
"""
CAMPAIGN = """\
schema: 1
slug: hello
name: Hello
status: active
topic: product
entry: {when: {lifecycle: lead}}
steps:
  - {key: one, send: {template: letters/one}}
"""
SCORING = """\
schema: 1
half_life: P10D
bands: {1: 60, 2: 30, 3: 10}
fit: {grades: {A: 70, B: 45, C: 20}}
"""
TEMPLATE = f"---\nkind: letter\nlayout: plain\nsubject: Hello\n---\n{section('Hi {{ lead.first_name }}')}"


@pytest.fixture
def runtime(engine: Engine, clock: FixedClock, tmp_path: Path) -> Runtime:
    return runtime_on(engine, clock, settings_for(tmp_path / "var"))


@pytest.fixture
def files(tmp_path: Path) -> Paths:
    """A small set of files that may be applied."""
    paths = Paths(tmp_path / "campaigns", tmp_path / "email_templates")
    for path, text in {
        paths.campaigns / "organisation.yaml": ORGANISATION,
        paths.campaigns / "awareness" / "hello.yaml": CAMPAIGN,
        paths.templates / "letters" / "one.mjml": TEMPLATE,
        paths.templates / "_layouts" / "plain.mjml": LAYOUT,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return paths


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def changes(found: Plan) -> list[tuple[str, str, str]]:
    return [(change.kind, change.name, change.what) for change in found.changes]


def campaign(runtime: Runtime, slug: str = "hello") -> Campaign:
    with runtime.read() as session:
        found = session.scalars(select(Campaign).where(Campaign.slug == slug)).one()
        session.expunge(found)
        return found


def versions(runtime: Runtime) -> list[CampaignVersion]:
    with runtime.read() as session:
        found = list(session.scalars(select(CampaignVersion).order_by(CampaignVersion.number)))
        session.expunge_all()
        return found


def add_leads(runtime: Runtime, now: datetime, *lifecycles: str) -> None:
    with runtime.write() as session:
        for number, lifecycle in enumerate(lifecycles):
            address = f"lead{number}@example.com"
            session.add(
                Lead(address=address, lifecycle=lifecycle, mailable=True, created_at=now, updated_at=now)
            )


def dirty(runtime: Runtime, now: datetime) -> int:
    with runtime.read() as session:
        return len(session.scalars(select(Recheck.lead_id).where(Recheck.at <= now)).all())


# --- check ---------------------------------------------------------------------------------------


def test_shipped_files_have_no_mistakes() -> None:
    report = check(SHIPPED)
    assert report.problems == ()
    assert report.warnings == ()
    assert report.ok
    assert len(report.templates) > 20
    assert report.as_json()["templates"][0].keys() == {"file", "flat", "links"}


def test_wrong_files_are_told_by_file_line_key_and_what_to_do(files: Paths) -> None:
    edit(files.campaigns / "awareness" / "hello.yaml", "template: letters/one", "template: letters/on")
    edit(files.templates / "letters" / "one.mjml", "lead.first_name", "lead.firstname")
    report = check(files)
    assert not report.ok
    assert [str(problem) for problem in report.problems] == [
        "campaigns/awareness/hello.yaml:8: steps[0].send.template: "
        'There is no template "letters/on". Did you mean "letters/one"?',
        'email_templates/letters/one.mjml:6: There is no merge field "lead.firstname". '
        'Did you mean "lead.first_name"?',
    ]


def test_template_that_cannot_be_read_is_not_called_missing(files: Paths) -> None:
    (files.templates / "letters" / "one.mjml").write_bytes(b"\xff")
    assert [problem.file for problem in check(files).problems] == ["email_templates/letters/one.mjml"]


def test_wrong_settings_file_does_not_make_everything_else_wrong(files: Paths) -> None:
    edit(files.campaigns / "organisation.yaml", "topics:", "topcis:")
    assert [problem.key for problem in check(files).problems] == ["topcis"]


def test_sample_that_cannot_be_rendered_is_told(files: Paths) -> None:
    edit(files.templates / "letters" / "one.mjml", "{{ lead.first_name }}", "{{ lead.first_name | round }}")
    edit(files.templates / "letters" / "one.mjml", "subject:", "sample: {lead: {first_name: Ana}}\nsubject:")
    (problem,) = check(files).problems
    assert (problem.file, problem.line, problem.key) == ("email_templates/letters/one.mjml", 4, "sample")


def test_mail_that_would_be_cut_off_is_warned_of(files: Paths) -> None:
    edit(files.templates / "letters" / "one.mjml", "Hi", "Hi " * 34_000)
    report = check(files)
    assert report.ok
    assert [str(warning) for warning in report.warnings] == [
        "email_templates/letters/one.mjml: The mail is 106 kB long, and Gmail cuts off what is over 102 kB. "
        "Shorten it."
    ]


def test_directories_must_be_there(tmp_path: Path) -> None:
    report = check(Paths(tmp_path / "a", tmp_path / "b"))
    assert [problem.file for problem in report.problems] == [str(tmp_path / "a"), str(tmp_path / "b")]


# --- plan ----------------------------------------------------------------------------------------


def test_plan_says_what_changes_and_whom_it_touches_and_changes_nothing(
    runtime: Runtime, files: Paths, now: datetime
) -> None:
    add_leads(runtime, now, "lead", "lead", "customer")
    found = plan(runtime, files)
    assert Change("campaign", "hello", "starts", 2, "these leads enter at once") in found.changes
    assert Change("settings", "organisation", "new", 3, "every lead is looked at again") in found.changes
    assert changes(found) == [
        ("settings", "organisation", "new"),
        ("layout", "plain", "new"),
        ("template", "letters/one", "new"),
        ("campaign", "hello", "new"),
        ("campaign", "hello", "starts"),
    ]
    assert found.as_json()["changes"][0]["leads"] == 3
    with runtime.read() as session:
        assert not session.scalars(select(Document)).all()
        assert not session.scalars(select(Campaign)).all()
        assert not session.scalars(select(TemplateVersion)).all()


def test_plan_counts_who_is_under_way(runtime: Runtime, files: Paths, now: datetime) -> None:
    add_leads(runtime, now, "lead", "lead")
    apply(runtime, files, now)
    one = campaign(runtime)
    with runtime.write() as session:
        for lead_id in session.scalars(select(Lead.id)).all():
            session.add(
                Enrollment(
                    campaign_id=one.id,
                    version_id=one.version_id,
                    lead_id=lead_id,
                    cause="manual:1",
                    status="active",
                    since=now,
                    entered_at=now,
                )
            )
    edit(files.templates / "letters" / "one.mjml", "Hi", "Hey")
    edit(files.campaigns / "awareness" / "hello.yaml", "name: Hello", "name: Hello there")
    assert plan(runtime, files).changes == (
        Change("template", "letters/one", "changed", 2, "mails already queued keep their version"),
        Change("campaign", "hello", "changed", 2, "version 2; leads under way finish on theirs"),
    )


@pytest.mark.parametrize(
    ("entry", "leads", "note"),
    [
        ("{event: purchased}", 0, "leads enter by purchased"),
        ("{manual: true}", 0, "leads enter by hand"),
        (
            '{schedule: {cron: "0 9 1 * *"}, audience: {when: {lifecycle: lead}}}',
            2,
            "these leads enter whenever 0 9 1 * * comes round",
        ),
    ],
)
def test_plan_says_how_leads_enter(
    runtime: Runtime, files: Paths, now: datetime, entry: str, leads: int, note: str
) -> None:
    add_leads(runtime, now, "lead", "lead", "customer")
    edit(files.campaigns / "awareness" / "hello.yaml", "{when: {lifecycle: lead}}", entry)
    assert plan(runtime, files).changes[-1] == Change("campaign", "hello", "starts", leads, note)


# --- apply ---------------------------------------------------------------------------------------


def test_what_is_applied_is_what_runs(runtime: Runtime, files: Paths, now: datetime) -> None:
    done = apply(runtime, files, now)
    one = campaign(runtime)
    assert (one.status, one.started_at, one.topic, one.path) == (
        "active",
        now,
        "product",
        "awareness/hello.yaml",
    )
    (version,) = versions(runtime)
    assert one.version_id == version.id
    assert CampaignDefinition.model_validate(version.definition).slug == "hello"
    with runtime.read() as session:
        assert load_house(session).organisation.name == "Example"
        version_id = current_version(session, "letters/one", "pt-BR")
        assert version_id is not None
        assert compiled_json(session, version_id)["version_id"] == version_id
        assert fronts(session)["letters/one"].subject == "Hello"
        (entry,) = session.scalars(select(AuditEntry)).all()
        session.expunge(entry)
    assert (entry.actor, entry.action) == ("cli", "files.apply")
    assert entry.detail == {"settings": 2, "templates": 1, "campaigns": 1, "started": 1}
    assert changes(done)[-1] == ("campaign", "hello", "starts")


def test_applying_again_changes_nothing(runtime: Runtime, files: Paths, now: datetime) -> None:
    apply(runtime, files, now)
    assert apply(runtime, files, now).changes == ()
    assert len(versions(runtime)) == 1


@pytest.mark.parametrize("where", ["campaign", "settings", "template", "layout"])
def test_nothing_changes_where_anything_is_wrong(
    runtime: Runtime, files: Paths, now: datetime, where: str
) -> None:
    path, old, new = {
        "campaign": (files.campaigns / "awareness" / "hello.yaml", "key: one", "kee: one"),
        "settings": (files.campaigns / "organisation.yaml", "slug: product", "slug: PRODUCT"),
        "template": (files.templates / "letters" / "one.mjml", "first_name", "frist_name"),
        "layout": (files.templates / "_layouts" / "plain.mjml", "<!-- slot -->", ""),
    }[where]
    edit(path, old, new)
    with pytest.raises(FileError) as refused:
        apply(runtime, files, now)
    assert refused.value.problems[0].file.endswith(path.name)
    with runtime.read() as session:
        for table in (Document, Campaign, CampaignVersion, Template, TemplateVersion, AuditEntry):
            assert not session.scalars(select(table)).all()


def test_version_is_added_only_where_the_meaning_changes(
    runtime: Runtime, files: Paths, now: datetime
) -> None:
    path = files.campaigns / "awareness" / "hello.yaml"
    apply(runtime, files, now)
    edit(path, "schema: 1", "# Says hello.\nschema: 1")
    assert changes(apply(runtime, files, now)) == [("campaign", "hello", "reworded")]
    assert [version.number for version in versions(runtime)] == [1]
    assert (versions(runtime)[0].source or "").startswith("# Says hello.")
    edit(path, "name: Hello", "name: Hello there")
    assert changes(apply(runtime, files, now)) == [("campaign", "hello", "changed")]
    assert [version.number for version in versions(runtime)] == [1, 2]
    assert campaign(runtime).name == "Hello there"
    assert campaign(runtime).version_id == versions(runtime)[1].id


def test_template_keeps_its_older_versions(runtime: Runtime, files: Paths, now: datetime) -> None:
    apply(runtime, files, now)
    with runtime.read() as session:
        before = current_versions(session)["letters/one"][""]
    edit(files.templates / "_layouts" / "plain.mjml", "unsubscribe</a>", "leave</a>")
    assert changes(apply(runtime, files, now)) == [
        ("layout", "plain", "changed"),
        ("template", "letters/one", "changed"),
    ]
    with runtime.read() as session:
        assert current_versions(session)["letters/one"][""] != before
        assert compiled_json(session, before)["slug"] == "letters/one"
    edit(files.templates / "_layouts" / "plain.mjml", "leave</a>", "unsubscribe</a>")
    apply(runtime, files, now)
    with runtime.read() as session:
        assert current_versions(session)["letters/one"][""] == before


def test_what_only_the_database_holds_stays_and_counts(
    runtime: Runtime, files: Paths, now: datetime, tmp_path: Path
) -> None:
    apply(runtime, files, now)
    shutil.rmtree(files.templates / "letters")
    (files.campaigns / "organisation.yaml").unlink()
    edit(files.campaigns / "awareness" / "hello.yaml", "name: Hello", "name: Hello there")
    assert changes(apply(runtime, files, now)) == [("campaign", "hello", "changed")]
    with runtime.read() as session:
        assert "letters/one" in current_versions(session)
        assert load_house(session).organisation.name == "Example"


@pytest.mark.parametrize("status", ["paused", "stopped"])
def test_campaign_that_a_person_halted_is_not_started(
    runtime: Runtime, files: Paths, now: datetime, status: str
) -> None:
    apply(runtime, files, now)
    with runtime.write() as session:
        set_status(session, campaign(runtime).id, status)
    edit(files.campaigns / "awareness" / "hello.yaml", "name: Hello", "name: Hello there")
    done = apply(runtime, files, now)
    assert campaign(runtime).status == status
    assert [str(warning) for warning in done.warnings] == [
        f"campaigns/awareness/hello.yaml:4: status: The file says active, but the campaign is {status} "
        "and stays so. Change that in the app."
    ]


def test_running_campaign_is_not_halted_by_a_file(runtime: Runtime, files: Paths, now: datetime) -> None:
    apply(runtime, files, now)
    edit(files.campaigns / "awareness" / "hello.yaml", "status: active", "status: draft")
    done = apply(runtime, files, now)
    assert campaign(runtime).status == "active"
    assert "The file says draft" in str(done.warnings[0])


def test_changed_schedule_is_looked_at_again(runtime: Runtime, files: Paths, now: datetime) -> None:
    path = files.campaigns / "awareness" / "hello.yaml"
    schedule = '{schedule: {cron: "0 9 1 * *"}, audience: {when: {lifecycle: lead}}}'
    edit(path, "{when: {lifecycle: lead}}", schedule)
    apply(runtime, files, now)
    with runtime.write() as session:
        look_again_at(session, campaign(runtime).id, now + timedelta(days=20))
    edit(path, "0 9 1 * *", "0 9 5 * *")
    apply(runtime, files, now)
    with runtime.read() as session:
        assert campaigns_to_look_at(session, [campaign(runtime).id], now)


def test_draft_is_started_by_a_later_file(runtime: Runtime, files: Paths, now: datetime) -> None:
    path = files.campaigns / "awareness" / "hello.yaml"
    edit(path, "status: active", "status: draft")
    apply(runtime, files, now)
    assert campaign(runtime).status == "draft"
    edit(path, "status: draft", "status: active")
    assert changes(apply(runtime, files, now)) == [
        ("campaign", "hello", "reworded"),
        ("campaign", "hello", "starts"),
    ]
    assert campaign(runtime).status == "active"
    assert len(versions(runtime)) == 1


def test_no_campaign_starts_without_somebody_to_write(runtime: Runtime, files: Paths, now: datetime) -> None:
    edit(
        files.campaigns / "organisation.yaml",
        "identities: [{slug: default, name: Ana, email: ana@example.com, postal_address: 1 High Street}]\n",
        "",
    )
    with pytest.raises(FileError, match=r"hello\.yaml:4: status: It cannot start\. There is no identity"):
        apply(runtime, files, now)
    settings = runtime.settings.model_copy(update={"from_address": "Ana <ana@example.com>"})
    with pytest.raises(FileError, match=r"has no postal address\. Add it, or set NURTURE_POSTAL_ADDRESS"):
        apply(replace(runtime, settings=settings), files, now)
    settings = settings.model_copy(update={"postal_address": "1 High Street"})
    apply(replace(runtime, settings=settings), files, now)
    assert campaign(runtime).status == "active"


def test_every_lead_is_looked_at_again_when_doors_open(runtime: Runtime, files: Paths, now: datetime) -> None:
    add_leads(runtime, now, "lead", "customer")
    path = files.campaigns / "awareness" / "hello.yaml"
    edit(path, "status: active", "status: draft")
    apply(runtime, files, now)
    with runtime.write() as session:
        for recheck in session.scalars(select(Recheck)).all():
            session.delete(recheck)
    edit(path, "name: Hello", "name: Hello there")
    apply(runtime, files, now)
    assert dirty(runtime, now) == 0
    edit(path, "status: draft", "status: active")
    apply(runtime, files, now)
    assert dirty(runtime, now) == 2


def test_changed_entry_of_a_running_campaign_is_a_door_too(
    runtime: Runtime, files: Paths, now: datetime
) -> None:
    apply(runtime, files, now)
    add_leads(runtime, now, "customer")
    path = files.campaigns / "awareness" / "hello.yaml"
    edit(path, "name: Hello", "name: Hello there")
    apply(runtime, files, now)
    assert dirty(runtime, now) == 0
    edit(path, "lifecycle: lead", "lifecycle: customer")
    apply(runtime, files, now)
    assert dirty(runtime, now) == 1


def test_changed_scoring_counts_once_it_is_built(runtime: Runtime, files: Paths, now: datetime) -> None:
    apply(runtime, files, now)
    with runtime.read() as session:
        house = load_house(session)
        assert house.active is not None
        assert house.active.id == 1
    (files.campaigns / "scoring.yaml").write_text(SCORING)
    assert changes(apply(runtime, files, now)) == [("settings", "scoring", "new")]
    with runtime.read() as session:
        house = load_house(session)
    assert house.active is not None
    assert house.active.scoring.half_life.days == 10
    assert house.building is None


# --- export --------------------------------------------------------------------------------------


def test_export_gives_the_same_bytes_back(runtime: Runtime, now: datetime, tmp_path: Path) -> None:
    apply(runtime, SHIPPED, now)
    target = Paths(tmp_path / "out" / "campaigns", tmp_path / "out" / "email_templates")
    written = export(runtime, target)
    expected = {
        target.campaigns / path.relative_to(SHIPPED.campaigns): path.read_bytes()
        for path in SHIPPED.campaigns.rglob("*.yaml")
        if path.parent.name != "forms"
    }
    expected |= {
        target.templates / path.relative_to(SHIPPED.templates): path.read_bytes()
        for path in SHIPPED.templates.rglob("*.mjml")
    }
    assert {path: path.read_bytes() for path in written} == expected
    assert apply(runtime, target, now).changes == ()


def test_odd_bytes_survive(runtime: Runtime, files: Paths, now: datetime, tmp_path: Path) -> None:
    path = files.templates / "letters" / "one.mjml"
    path.write_bytes("\ufeff".encode() + path.read_bytes().replace(b"\n", b"\r\n"))
    campaign_path = files.campaigns / "awareness" / "hello.yaml"
    campaign_path.write_bytes(campaign_path.read_bytes().replace(b"\n", b"\r\n") + "# é\u2028".encode())
    apply(runtime, files, now)
    target = Paths(tmp_path / "out" / "campaigns", tmp_path / "out" / "email_templates")
    export(runtime, target)
    assert (target.templates / "letters" / "one.mjml").read_bytes() == path.read_bytes()
    assert (target.campaigns / "awareness" / "hello.yaml").read_bytes() == campaign_path.read_bytes()


def test_what_came_from_no_file_is_written_readably(
    runtime: Runtime, files: Paths, now: datetime, tmp_path: Path
) -> None:
    apply(runtime, files, now)
    with runtime.write() as session:
        session.scalars(select(CampaignVersion)).one().source = None
        session.scalars(select(Campaign)).one().path = "../../evil.yaml"
        session.get_one(Document, "organisation").source = None
    target = Paths(tmp_path / "out" / "campaigns", tmp_path / "out" / "email_templates")
    written = {path.relative_to(tmp_path / "out").as_posix() for path in export(runtime, target)}
    assert "campaigns/campaigns/hello.yaml" in written
    assert (target.campaigns / "campaigns" / "hello.yaml").read_text() == CAMPAIGN
    assert plan(runtime, target).changes[0] == Change("settings", "organisation", "reworded")


def test_directory_that_cannot_be_written_is_told(runtime: Runtime, files: Paths, now: datetime) -> None:
    apply(runtime, files, now)
    blocked = files.campaigns / "organisation.yaml" / "below-a-file"
    with pytest.raises(InputError, match="cannot be written"):
        export(runtime, Paths(blocked, blocked))
