"""What journeys ask of an installation, in the words of its operator."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from nurture.services.explain import Explanation, explain
from nurture.store.schema import Enrollment, Message
from tests.support.installation import Installation, Mail

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def local(mail: Mail, zone: str) -> str:
    """When a mail went out, on a clock there."""
    return f"{mail.at.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}"


def told(house: Installation, address: str) -> Explanation:
    """What `nurture explain` says of a lead."""
    return explain(house.runtime, address, house.now)


def engagement(house: Installation, address: str) -> float:
    """The engagement that pages show."""
    return float(told(house, address).lead["engagement"])


def stage(house: Installation, address: str) -> str:
    """Where the lead stands."""
    return str(told(house, address).lead["stage"])


def outcomes(house: Installation, address: str) -> list[tuple[str, str, str]]:
    """The decision log, oldest first: step, outcome and reason."""
    log = reversed(told(house, address).decisions)
    return [(str(line["step"] or ""), str(line["outcome"]), str(line["reason"])) for line in log]


def pieces(house: Installation, address: str) -> list[str]:
    """The pieces that a lead was sent, in order."""
    sent = house.rows(Message, lead_id=house.lead_id(address), state="sent")
    return [message.piece for message in sent if message.piece]


def passages(house: Installation, address: str) -> list[Enrollment]:
    """The lead's ways through campaigns, in order."""
    return house.rows(Enrollment, lead_id=house.lead_id(address))


def subjects(house: Installation, address: str) -> list[str]:
    """What a lead was sent, in order."""
    return [mail.subject for mail in house.mails(address)]
