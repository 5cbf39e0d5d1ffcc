"""The merge fields that templates see, by kind."""

import difflib
from collections.abc import Iterable

from nurture.domain.definition.front_matter import Kind

LEAD = ("email", "first_name", "last_name", "language", "zone", "owner", "lifecycle", "stage")
COMPANY = ("name", "domain", "industry", "company_size", "country")

COMMON = frozenset(
    {*(f"lead.{name}" for name in LEAD), *(f"company.{name}" for name in COMPANY)}
    | {"from_identity.name", "from_identity.email", "from_identity.postal_address", "now"}
)
MARKETING = COMMON | {
    "campaign.name", "campaign.slug", "piece.title", "piece.summary", "piece.url",
    "unsubscribe_url", "preferences_url", "view_url",
}  # fmt: skip
SYSTEM = COMMON | {
    "organisation.name", "action_url", "expires_in", "user.name",
    "alert.title", "alert.text", "alert.reasons",
}  # fmt: skip
NEEDED = ("from_identity.postal_address", "unsubscribe_url")
"""What every marketing mail shows, whatever the lead."""


def known_fields(kind: Kind, custom: Iterable[str] = ()) -> frozenset[str]:
    """Every merge field of a template of this kind; `custom` are the organisation's own fields."""
    own = {f"custom.{name}" for name in custom}
    return (SYSTEM if kind is Kind.SYSTEM else MARKETING) | own


def unknown_field(name: str, known: frozenset[str]) -> str:
    """What to say of a merge field that there is not."""
    near = difflib.get_close_matches(name, known, 1)
    if any(field.startswith(f"{name}.") for field in known):
        fields = ", ".join(sorted(field for field in known if field.startswith(f"{name}.")))
        return f'"{name}" is several fields. Name one of {fields}.'
    hint = f' Did you mean "{near[0]}"?' if near else f" There are: {', '.join(sorted(known))}."
    return f'There is no merge field "{name}".{hint}'
