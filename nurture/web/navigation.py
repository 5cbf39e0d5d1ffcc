"""What every page of the app shows around its content."""

from dataclasses import dataclass

from flask import Flask, request

from nurture.domain.roles import may
from nurture.services.switches import Stop, stops
from nurture.store.users import UserView
from nurture.web.context import display_zone, now, the_runtime, user_or_none


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the menu."""

    endpoint: str
    label: str
    icon: str
    permission: str


PLACES = (
    Place("dashboard.show", "Dashboard", "dashboard", "reports:view"),
    Place("campaigns.index", "Campaigns", "route", "campaigns:view"),
    Place("leads.index", "Leads", "users", "leads:view"),
    Place("outbox.index", "Outbox", "mail", "outbox:view"),
    Place("tasks.index", "Tasks", "circle-check", "tasks:view"),
    Place("health.show", "Health", "heart-rate-monitor", "health:view"),
    Place("people.index", "People", "shield-check", "users:manage"),
    Place("settings.show", "Settings", "settings", "settings:view"),
)
THEMES = ("light", "dark")


def install(app: Flask) -> None:
    """Give every template the menu, the user and the time."""

    @app.context_processor
    def surroundings() -> dict[str, object]:
        user = user_or_none()
        return {
            "user": user,
            "places": places_for(user),
            "blueprint": request.blueprint,
            "may": lambda permission: user is not None and may(user.role, permission),
            "now": now,
            "zone": display_zone,
            "theme": theme(),
            "sending_stops": sending_stops,
        }


def places_for(user: UserView | None) -> tuple[Place, ...]:
    """The entries of the menu that this user may open."""
    return () if user is None else tuple(place for place in PLACES if may(user.role, place.permission))


def theme() -> str:
    """Light or dark as the reader chose; empty where the system decides."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


def sending_stops() -> tuple[Stop, ...]:
    """The stop switches that are on, for the bar that says so on every page."""
    with the_runtime().read() as session:
        return stops(session)
