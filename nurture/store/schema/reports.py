"""What pages count with: sums that are kept, so that no page has to count a ledger."""

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from nurture.store.base import Base, Big


class DailyCount(Base):
    """How often something happened on a day (in the organisation's zone) in a campaign (`""` = in none).

    `measure` is a word of `nurture.store.rollups.Measure`. The rows are a cache of messages and events: the
    days that can still change are counted anew by the roll-up, and any day can be.
    """

    __tablename__ = "daily_count"
    day: Mapped[date] = mapped_column(primary_key=True)
    campaign: Mapped[str] = mapped_column(String(128), primary_key=True)
    measure: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[Big]
