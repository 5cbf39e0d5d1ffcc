"""Conditions over sets of leads, under the rules of the house."""

from datetime import datetime

from sqlalchemy.orm import Session

from nurture.services.house import House
from nurture.store.segments import SetContext


def set_context(session: Session, house: House, now: datetime) -> SetContext:
    """What a condition needs to be asked of all leads at `now`."""
    return SetContext(
        dialect=session.get_bind().dialect.name,
        now=now,
        half_life=house.half_life,
        generation=house.active.id if house.active else None,
        segments=house.segments,
        field_types=house.field_types,
    )
