"""The rules that count until scoring.yaml and lifecycle.yaml have been applied."""

from typing import Any

from nurture.domain.definition.ladders import Ladders
from nurture.domain.definition.scoring import Scoring


def _rule(key: str, name: str, event: str, points: float, **more: object) -> dict[str, Any]:
    return {"key": key, "name": name, "when": {"event": event}, "points": points, **more}


def _cap(points: float, per: str) -> dict[str, Any]:
    return {"points": points, "per": per}


DEFAULT_SCORING = Scoring.model_validate(
    {
        "half_life": "P30D",
        "bands": {"1": 60, "2": 30, "3": 10},
        "groups": {"email": {"cap": _cap(15, "P1D")}, "web": {"cap": _cap(20, "P1D")}},
        "rules": [
            _rule("opened-email", "Opened a mail", "email_opened", 1, group="email", cap=_cap(2, "P1D")),
            _rule("clicked-email", "Clicked a link in a mail", "email_clicked", 8, group="email"),
            _rule("replied", "Answered a mail", "email_replied", 20),
            _rule("visited-page", "Visited a page", "page_visited", 1, group="web", cap=_cap(5, "P1D")),
            _rule("downloaded", "Downloaded something", "asset_downloaded", 10, group="web"),
            _rule("sent-form", "Sent a form", "form_submitted", 10, cap=_cap(20, "P1D")),
            _rule("chatted", "Wrote in the chat", "chat_message", 6, cap=_cap(6, "P1D")),
            _rule("talked", "Spoke to us", "call_logged", 15, cap=_cap(15, "P1D")),
            _rule("asked-for-demo", "Asked for a demonstration", "demo_requested", 40, cap=_cap(40, "P30D")),
            _rule("asked-for-quote", "Asked for a quote", "quote_requested", 50, cap=_cap(50, "P30D")),
            _rule("unsubscribed", "Unsubscribed", "unsubscribed", -25),
            _rule("bounced", "Mail came back", "email_bounced", -5),
            _rule("complained", "Called our mail spam", "email_complained", -100, once_per="lead"),
        ],
        "fit": {"grades": {"A": 70, "B": 45, "C": 20}},
    }
)
"""Nobody has a fit by it, since who fits is each organisation's own."""


def _any_event(*kinds: str) -> dict[str, Any]:
    return {"any": [{"event": kind} for kind in kinds]}


_FIT_IS_NOT_D = {"any": [{"fit": {"at_least": "C"}}, {"none": [{"fit": {"at_least": "D"}}]}]}

DEFAULT_LADDERS = Ladders.model_validate(
    {
        "pin": "P30D",
        "lifecycle": {
            "rules": [
                {
                    "key": "bought",
                    "name": "Bought",
                    "from": ["suspect", "lead", "prospect", "former_customer", "disqualified"],
                    "to": "customer",
                    "when": {"event": "purchased"},
                },
                {
                    "key": "asked-for-offer",
                    "name": "Asked for a quote or a demonstration",
                    "from": ["suspect", "lead"],
                    "to": "prospect",
                    "when": {"all": [_any_event("quote_requested", "demo_requested"), _FIT_IS_NOT_D]},
                },
                {
                    "key": "gave-details",
                    "name": "Gave its details or its consent",
                    "from": "suspect",
                    "to": "lead",
                    "when": _any_event(
                        "consent_given", "form_submitted", "chat_message", "call_logged", "email_replied"
                    ),
                },
                {
                    "key": "qualified",
                    "name": "Engaged and a good fit",
                    "from": "lead",
                    "to": "prospect",
                    "when": {"all": [{"engagement": {"gte": 40}}, {"fit": {"at_least": "B"}}]},
                },
                {
                    "key": "recycled",
                    "name": "Went quiet",
                    "from": "prospect",
                    "to": "lead",
                    "dwell": "P90D",
                    "when": {
                        "none": [{"engagement": {"gte": 15}}, {"event": "call_logged", "within": "P90D"}]
                    },
                },
            ]
        },
        "stage": {
            "rules": [
                {
                    "key": "compares",
                    "name": "Compares offers",
                    "from": ["awareness", "interest"],
                    "to": "decision",
                    "when": {
                        "any": [
                            *_any_event("quote_requested", "demo_requested")["any"],
                            {"engagement": {"gte": 55}},
                        ]
                    },
                },
                {
                    "key": "interested",
                    "name": "Shows interest",
                    "from": "awareness",
                    "to": "interest",
                    "when": {
                        "any": [
                            *_any_event("email_clicked", "asset_downloaded")["any"],
                            {"engagement": {"gte": 20}},
                        ]
                    },
                },
                {
                    "key": "cooled-decision",
                    "name": "Stopped comparing",
                    "from": "decision",
                    "to": "interest",
                    "dwell": "P60D",
                    "when": {"none": [{"engagement": {"gte": 20}}]},
                },
                {
                    "key": "cooled-interest",
                    "name": "Lost interest",
                    "from": "interest",
                    "to": "awareness",
                    "dwell": "P120D",
                    "when": {"none": [{"engagement": {"gte": 4}}]},
                },
            ]
        },
        "on_lifecycle": {"customer": "action", "former_customer": "awareness", "disqualified": "awareness"},
        "pairs": {
            "suspect": ["awareness"],
            "lead": ["awareness", "interest"],
            "prospect": ["interest", "decision"],
            "customer": ["action"],
            "former_customer": ["awareness", "interest", "decision"],
            "disqualified": ["awareness"],
        },
    }
)
