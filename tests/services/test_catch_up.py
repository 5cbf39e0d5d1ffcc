"""The hourly look for whatever nothing else has noticed."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from nurture.services.catch_up import catch_up
from nurture.store.leads import mark_dirty
from nurture.store.schema import Consent, Due, Lead, Recheck, Suppression
from tests.support.stage import Stage

DAY = timedelta(days=1)


def test_leads_that_nobody_looks_at_are_looked_at(stage: Stage) -> None:
    lead, planned = stage.lead(), stage.lead()
    stage.write(lambda session: mark_dirty(session, [planned], stage.now + DAY))
    stage.lead(erased_at=stage.now, address=None)
    assert catch_up(stage.runtime, stage.now) == 1
    assert {row.lead_id: row.at for row in stage.rows(Recheck)} == {
        lead: stage.now,
        planned: stage.now + DAY,
    }
    assert catch_up(stage.runtime, stage.now) == 0


def test_enrollments_that_nobody_decides_are_decided(stage: Stage) -> None:
    enrollment = stage.enroll(stage.campaign("steps: [{key: rest, wait: {for: P3D}}]"), stage.lead())
    stage.write(lambda session: session.execute(delete(Due)))
    catch_up(stage.runtime, stage.now)
    stage.tick()
    assert stage.due_at(enrollment) == stage.now + 3 * DAY


@pytest.mark.parametrize("scope", ["marketing", "topic:product"])
def test_who_is_no_longer_suppressed_may_be_mailed_again(stage: Stage, scope: str) -> None:
    blocked = {"mailable": False} if scope == "marketing" else {"refused_topics": ["product"]}
    lead = stage.lead(**blocked)
    address = stage.rows(Lead)[0].address
    until = stage.now + DAY

    def suppress(session) -> None:  # type: ignore[no-untyped-def]
        session.add(Consent(lead_id=lead, given=True, basis="consent", how="form", at=stage.now))
        session.add(
            Suppression(
                address_hash="h",
                address=address,
                scope=scope,
                reason="manual",
                at=stage.now,
                expires_at=until,
            )
        )

    stage.write(suppress)
    catch_up(stage.runtime, stage.now)
    stage.clock.advance(DAY)
    assert catch_up(stage.runtime, stage.now) == 1
    row = stage.rows(Lead)[0]
    assert (row.mailable, row.refused_topics) == (True, [])
    assert stage.rows(Recheck)[0].at < stage.now
    assert catch_up(stage.runtime, stage.now) == 0
