"""What readers say about their mail holds at once, is kept in the ledgers, and can be said again."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.domain.errors import NotFound
from nurture.services import preferences
from nurture.services.erase import erase
from nurture.services.preferences import PAUSE, Origin, Wishes
from nurture.store.schema import (
    Consent,
    Decision,
    Document,
    EventRow,
    Inbox,
    Lead,
    LeadAlias,
    Message,
    Recheck,
    Suppression,
)
from nurture.store.suppressions import NewSuppression, suppress
from tests.support.readers import Readers

ONE_CLICK = Origin("one-click unsubscribe", "192.0.2.1")
PAGE = Origin("preferences page", "192.0.2.2")
BOTH = frozenset({"newsletter", "product"})


@pytest.fixture
def post(engine: Engine, clock: FixedClock, tmp_path: Path) -> Readers:
    return Readers.begin(engine, clock, tmp_path)


def unsubscribe(post: Readers, message: int) -> int | None:
    return preferences.unsubscribe_by_message(post.runtime, message, ONE_CLICK, post.now)


def choose(post: Readers, lead: int, *topics: str, **wishes: bool) -> preferences.Preferences:
    values = {"less_often": False, "pause": False, "nothing": False, **wishes}
    return preferences.choose(post.runtime, lead, Wishes(frozenset(topics), **values), PAGE, post.now)


def suppressed(post: Readers) -> dict[tuple[str | None, str], str]:
    """Address and scope → reason."""
    return {(row.address, row.scope): row.reason for row in post.rows(Suppression)}


def kinds(post: Readers) -> list[tuple[str, object]]:
    """What happened, as kind and scope."""
    return [
        (event.kind, event.data["scope"]) for event in sorted(post.rows(EventRow), key=lambda row: row.at)
    ]


# --- unsubscribing by a message --------------------------------------------------------------------


def test_unsubscribing_holds_at_once_and_is_written_down_in_full(post: Readers) -> None:
    lead = post.reader()
    message = post.sent(lead)
    assert post.row(Lead, lead).mailable

    assert unsubscribe(post, message) == lead

    row = post.row(Lead, lead)
    assert (row.mailable, row.not_mailable_because) == (False, "unsubscribe")
    assert suppressed(post) == {("ana@example.com", "marketing"): "unsubscribe"}
    (event,) = post.rows(EventRow)
    assert (event.kind, event.lead_id, event.message_id) == ("unsubscribed", lead, message)
    assert (event.campaign, event.step, event.at) == ("welcome", "hello", post.now)
    assert [row.event_id for row in post.rows(Inbox)] == [event.id]
    given, withdrawn = post.rows(Consent)
    assert (given.given, withdrawn.given) == (True, False)
    assert (withdrawn.topic, withdrawn.how, withdrawn.ip) == ("*", "one-click unsubscribe", "192.0.2.1")
    assert [row.lead_id for row in post.rows(Recheck)] == [lead]


def test_what_still_lies_in_the_outbox_is_suppressed_with_its_reason_and_others_mails_are_not(
    post: Readers,
) -> None:
    lead, other = post.reader(), post.reader("ben@example.com")
    message, pending, claimed = (
        post.sent(lead),
        post.sent(lead, state="pending"),
        post.sent(lead, state="claimed"),
    )
    opt_in = post.sent(lead, kind="system", state="pending")
    others = post.sent(other, state="pending")

    unsubscribe(post, message)

    states = {row.id: (row.state, row.reason) for row in post.rows(Message)}
    assert states[pending] == states[claimed] == ("suppressed", "unsubscribed")
    assert states[message] == ("sent", None)
    assert states[opt_in] == states[others] == ("pending", None)
    logged = {row.message_id: (row.outcome, row.reason) for row in post.rows(Decision)}
    assert logged == dict.fromkeys((pending, claimed), ("suppressed", "unsubscribed"))


def test_unsubscribing_again_changes_nothing(post: Readers) -> None:
    message = post.sent(post.reader())
    unsubscribe(post, message)
    before = (post.count(EventRow), post.count(Consent), post.rows(Suppression)[0].at)

    post.clock.advance(timedelta(days=1))
    unsubscribe(post, message)

    assert (post.count(EventRow), post.count(Consent), post.rows(Suppression)[0].at) == before


def test_a_mail_program_that_asks_eight_times_at_once_is_heard_once(post: Readers) -> None:
    message = post.sent(post.reader())
    callers = [threading.Thread(target=unsubscribe, args=(post, message)) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert (post.count(EventRow), post.count(Suppression)) == (1, 1)


def test_a_message_to_an_erased_person_can_still_be_unsubscribed_from(post: Readers) -> None:
    lead = post.reader()
    message = post.sent(lead)
    erase(post.runtime, "ana@example.com", post.now, "test")

    assert unsubscribe(post, message) is None

    assert post.count(EventRow) == 0
    assert post.row(Lead, lead).mailable is False
    assert set(suppressed(post)) == {(None, "all")}


def test_a_message_that_is_gone_is_named(post: Readers) -> None:
    with pytest.raises(NotFound, match="no message 4711"):
        unsubscribe(post, 4711)


def test_a_merged_leads_old_mail_ends_all_marketing_to_the_person(post: Readers) -> None:
    old, kept = post.reader("ana@old.example.com"), post.reader("ana@new.example.com")
    message = post.sent(old)
    merge(post, old, kept)

    assert unsubscribe(post, message) == kept

    assert post.row(Lead, kept).mailable is False
    assert set(suppressed(post)) == {
        ("ana@old.example.com", "marketing"),
        ("ana@new.example.com", "marketing"),
    }
    assert [event.lead_id for event in post.rows(EventRow)] == [kept]


def merge(post: Readers, old: int, kept: int) -> None:
    """What a merge leaves behind: the old id leads to the lead that was kept."""
    with post.runtime.write() as session:
        session.query(Consent).where(Consent.lead_id == old).update({"lead_id": kept})
        session.add(LeadAlias(old_id=old, lead_id=kept, address="ana@old.example.com", merged_at=post.now))
        session.query(Message).update({"lead_id": kept})


def test_who_changed_address_since_the_mail_is_reached_at_the_new_one(post: Readers) -> None:
    lead = post.reader()
    message = post.sent(lead)
    with post.runtime.write() as session:
        session.query(Lead).update({"address": "ana@elsewhere.example.com"})

    unsubscribe(post, message)

    assert post.row(Lead, lead).mailable is False
    assert set(suppressed(post)) == {
        ("ana@example.com", "marketing"),
        ("ana@elsewhere.example.com", "marketing"),
    }


def test_a_test_mail_does_not_unsubscribe_the_lead_it_shows(post: Readers) -> None:
    lead = post.reader()
    message = post.sent(lead, kind="test", address="staff@example.com")

    assert unsubscribe(post, message) is None

    assert post.row(Lead, lead).mailable is True
    assert post.count(EventRow) == 0


@pytest.mark.parametrize("reason", ["manual", "hard_bounce"])
def test_an_unsubscribe_weighs_more_than_what_the_house_may_lift(post: Readers, reason: str) -> None:
    lead = post.reader()
    message = post.sent(lead)
    leave_alone(post, "ana@example.com", "marketing", reason)

    unsubscribe(post, message)

    assert suppressed(post) == {("ana@example.com", "marketing"): "unsubscribe"}
    assert kinds(post) == [("unsubscribed", "marketing")]


def leave_alone(post: Readers, address: str, scope: str, reason: str) -> None:
    with post.runtime.write() as session:
        suppress(session, [NewSuppression(address, scope, reason)], post.runtime.hash_address, post.now)


# --- the page --------------------------------------------------------------------------------------


def test_the_page_shows_every_topic_and_what_holds(post: Readers) -> None:
    lead = post.reader(language="fr")

    found = preferences.preferences_of(post.runtime, lead, post.now)

    assert [(topic.slug, topic.name, topic.wanted) for topic in found.topics] == [
        ("newsletter", "The Quiet Close", True),
        ("product", "Letters about Quillstead", True),
    ]
    assert (found.address, found.language, found.sender) == ("ana@example.com", "fr", "Quillstead")
    assert (found.subscribed, found.complained, found.less_often, found.paused_until) == (
        True,
        False,
        False,
        None,
    )


def test_looking_at_the_page_writes_nothing(post: Readers) -> None:
    lead = post.reader()
    preferences.preferences_of(post.runtime, lead, post.now)
    assert post.count(EventRow) == post.count(Suppression) == post.count(Recheck) == 0


def test_refusing_one_topic_leaves_the_others(post: Readers) -> None:
    lead = post.reader()
    newsletter, product = (
        post.sent(lead, state="pending", topic=topic) for topic in ("newsletter", "product")
    )

    found = choose(post, lead, "product")

    assert [(topic.slug, topic.wanted) for topic in found.topics] == [
        ("newsletter", False),
        ("product", True),
    ]
    row = post.row(Lead, lead)
    assert (row.mailable, row.refused_topics) == (True, ["newsletter"])
    assert post.row(Message, newsletter).state == "suppressed"
    assert post.row(Message, product).state == "pending"
    assert kinds(post) == [("unsubscribed", "topic:newsletter")]
    assert [(line.topic, line.given) for line in post.rows(Consent)] == [("*", True), ("newsletter", False)]


def test_asking_for_a_topic_again_takes_the_refusal_back(post: Readers) -> None:
    lead = post.reader()
    choose(post, lead, "product")
    post.clock.advance(timedelta(days=1))

    found = choose(post, lead, *BOTH)

    assert all(topic.wanted for topic in found.topics)
    assert post.row(Lead, lead).refused_topics == []
    assert post.count(Suppression) == 0
    assert kinds(post) == [("unsubscribed", "topic:newsletter"), ("resubscribed", "topic:newsletter")]
    newest = post.rows(Consent)[-1]
    assert (newest.topic, newest.given, newest.how, newest.ip) == (
        "newsletter",
        True,
        "preferences page",
        "192.0.2.2",
    )


def test_saving_what_holds_already_leaves_the_ledgers_alone(post: Readers) -> None:
    lead = post.reader()
    choose(post, lead, *BOTH)
    assert (post.count(EventRow), post.count(Consent), post.count(Suppression)) == (0, 1, 0)


def test_wanting_nothing_ends_all_marketing(post: Readers) -> None:
    lead = post.reader()

    found = choose(post, lead, *BOTH, nothing=True)

    assert (found.subscribed, [topic.wanted for topic in found.topics]) == (False, [False, False])
    assert post.row(Lead, lead).mailable is False
    assert suppressed(post) == {("ana@example.com", "marketing"): "unsubscribe"}


def test_wanting_none_of_the_topics_ends_all_marketing_too(post: Readers) -> None:
    lead = post.reader()
    assert choose(post, lead).subscribed is False
    assert post.row(Lead, lead).mailable is False


def test_saving_the_page_without_a_topic_does_not_bring_somebody_back(post: Readers) -> None:
    lead = post.reader()
    unsubscribe(post, post.sent(lead))

    assert choose(post, lead, less_often=True).subscribed is False
    assert post.row(Lead, lead).mailable is False


def test_choosing_a_topic_takes_an_unsubscribe_back_for_that_topic_alone(post: Readers) -> None:
    lead = post.reader()
    unsubscribe(post, post.sent(lead))
    post.clock.advance(timedelta(days=1))

    found = choose(post, lead, "newsletter")

    assert [(topic.slug, topic.wanted) for topic in found.topics] == [
        ("newsletter", True),
        ("product", False),
    ]
    row = post.row(Lead, lead)
    assert (row.mailable, row.refused_topics) == (True, ["product"])
    assert set(kinds(post)) == {
        ("unsubscribed", "marketing"),
        ("resubscribed", "marketing"),
        ("unsubscribed", "topic:product"),
    }


def test_a_complaint_is_never_lifted(post: Readers) -> None:
    lead = post.reader()
    leave_alone(post, "ana@example.com", "all", "complaint")
    leave_alone(post, "ana@example.com", "marketing", "complaint")

    found = choose(post, lead, *BOTH)

    assert (found.complained, found.subscribed) == (True, False)
    assert set(suppressed(post).values()) == {"complaint"}
    assert post.row(Lead, lead).mailable is False
    assert post.count(EventRow) == 0


@pytest.mark.parametrize("reason", ["manual", "hard_bounce", "invalid"])
def test_what_others_know_of_the_address_is_not_the_readers_to_lift(post: Readers, reason: str) -> None:
    lead = post.reader()
    leave_alone(post, "ana@example.com", "marketing", reason)

    choose(post, lead, *BOTH)

    assert suppressed(post) == {("ana@example.com", "marketing"): reason}


def test_less_often_is_kept_until_it_is_taken_back(post: Readers) -> None:
    lead = post.reader()
    assert choose(post, lead, *BOTH, less_often=True).less_often is True
    assert post.row(Lead, lead).less_often is True
    assert choose(post, lead, *BOTH).less_often is False
    assert post.row(Lead, lead).less_often is False


def test_a_pause_lasts_thirty_days_from_when_it_was_asked_for(post: Readers) -> None:
    lead = post.reader()
    until = post.now + PAUSE

    assert choose(post, lead, *BOTH, pause=True).paused_until == until
    assert timedelta(days=30) == PAUSE

    post.clock.advance(timedelta(days=10))
    assert choose(post, lead, *BOTH, pause=True, less_often=True).paused_until == until, (
        "saving again prolongs it"
    )
    assert post.row(Lead, lead).mailable is True


def test_a_pause_that_is_over_is_none_and_is_not_begun_again_by_looking(post: Readers) -> None:
    lead = post.reader()
    choose(post, lead, *BOTH, pause=True)
    post.clock.advance(PAUSE)

    assert preferences.preferences_of(post.runtime, lead, post.now).paused_until is None
    assert choose(post, lead, *BOTH, pause=True).paused_until == post.now + PAUSE


def test_a_pause_can_be_taken_back(post: Readers) -> None:
    lead = post.reader()
    choose(post, lead, *BOTH, pause=True)
    assert choose(post, lead, *BOTH).paused_until is None
    assert post.row(Lead, lead).paused_until is None


def test_topics_that_there_are_not_are_ignored(post: Readers) -> None:
    lead = post.reader()
    choose(post, lead, *BOTH, "nonsense", "topic:newsletter", "all", "marketing")
    assert post.count(Suppression) == 0


def test_a_merged_leads_token_opens_the_page_of_the_lead_that_was_kept(post: Readers) -> None:
    first, second, kept = (post.reader(f"ana-{number}@example.com") for number in range(3))
    with post.runtime.write() as session:
        session.add_all(
            [
                LeadAlias(old_id=first, lead_id=second, merged_at=post.now),
                LeadAlias(old_id=second, lead_id=kept, merged_at=post.now),
            ]
        )

    assert preferences.preferences_of(post.runtime, first, post.now).address == "ana-2@example.com"
    assert choose(post, first, "product").lead_id == kept
    assert post.row(Lead, kept).refused_topics == ["newsletter"]


def test_an_erased_leads_page_is_gone(post: Readers) -> None:
    lead = post.reader()
    erase(post.runtime, "ana@example.com", post.now, "test")

    with pytest.raises(NotFound):
        preferences.preferences_of(post.runtime, lead, post.now)
    with pytest.raises(NotFound):
        choose(post, lead, *BOTH)
    assert post.count(EventRow) == 0


def test_an_organisation_without_topics_can_be_left_and_come_back_to(
    post: Readers,
) -> None:
    with post.runtime.write() as session:
        organisation = session.get(Document, "organisation")
        assert organisation is not None
        organisation.body = {**organisation.body, "topics": []}
        organisation.digest = "2"
    lead = post.reader()

    assert choose(post, lead, less_often=True).subscribed is True
    assert choose(post, lead, nothing=True).subscribed is False
    assert choose(post, lead).subscribed is True
