"""Every route times every role: nobody gets further than their permission."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from nurture.domain.errors import ConfigurationError
from nurture.domain.roles import Role, may
from nurture.web.guards import Open, Permission, access_of, check_all_declared, is_exempt, needs
from tests.support.visitor import Visitor

NOBODY = {"id": "999999", "slug": "no-such-thing", "default": "x", "path": "app.css"}


def routes(app: Flask, method: str) -> Iterator[tuple[str, str, object]]:
    """Endpoint, address and declared access of each route that knows the method; ids name nothing."""
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or ()):
            values = {name: NOBODY[_kind(converter)] for name, converter in rule._converters.items()}
            address = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
            yield rule.endpoint, address, access_of(app.view_functions[rule.endpoint])


def _kind(converter: object) -> str:
    names = {"IdConverter": "id", "SlugConverter": "slug", "PathConverter": "path"}
    return names.get(type(converter).__name__, "default")


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_the_pages_that_its_permissions_name_and_no_others(
    app: Flask, signed_in: Callable[[str], Visitor], role: Role
) -> None:
    visitor = signed_in(role)
    for endpoint, address, access in routes(app, "GET"):
        status = visitor.get(address).status_code
        if isinstance(access, Permission) and not may(role, access.name):
            assert status == 403, endpoint
        else:
            assert status in (200, 302, 303, 404, 503), endpoint
            assert status != 503 or endpoint == "monitoring.healthz"


@pytest.mark.parametrize("role", Role)
def test_a_role_does_what_its_permissions_name_and_nothing_else(
    app: Flask, signed_in: Callable[[str], Visitor], role: Role
) -> None:
    visitor = signed_in(role)
    for endpoint, address, access in routes(app, "POST"):
        visitor = visitor if visitor.is_in() else signed_in(role)
        status = visitor.post(address).status_code
        if isinstance(access, Permission) and not may(role, access.name):
            assert status == 403, endpoint
        else:
            assert status in (200, 303, 401, 404, 409, 422), endpoint


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_is_sent_to_the_log_in_from_everything_that_is_not_public(app: Flask, method: str) -> None:
    for endpoint, address, access in routes(app, method):
        visitor = Visitor(app)
        answer = visitor.get(address) if method == "GET" else visitor.client.post(address)
        if access is not Open.PUBLIC:
            assert (answer.status_code, answer.location.split("?")[0]) == (303, "/login"), endpoint


def test_no_form_is_taken_without_its_token(app: Flask, signed_in: Callable[[str], Visitor]) -> None:
    visitor = signed_in("admin")
    for endpoint, address, _ in routes(app, "POST"):
        if not is_exempt(app.view_functions[endpoint]):
            assert visitor.client.post(address).status_code == 400, endpoint
    assert visitor.is_in()


def test_only_the_pages_behind_signed_links_take_posts_without_a_token(app: Flask) -> None:
    exempt = {endpoint for endpoint, view in app.view_functions.items() if is_exempt(view)}
    assert exempt == {"addressee.unsubscribe", "addressee.choose_preferences"}


def test_another_session_s_token_opens_nothing(signed_in: Callable[[str], Visitor]) -> None:
    mine, theirs = signed_in("admin"), signed_in("editor")
    answer = mine.client.post("/logout", data={"csrf_token": theirs.token()})
    assert answer.status_code == 400


def test_a_route_that_declares_nothing_keeps_the_application_from_starting(app: Flask) -> None:
    app._got_first_request = False
    app.add_url_rule("/forgotten", "forgotten", lambda: "everybody sees this")
    with pytest.raises(ConfigurationError, match="/forgotten"):
        check_all_declared(app)


def test_a_permission_that_no_role_has_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="leads:fly"):
        needs("leads:fly")


def test_htmx_is_told_to_go_to_the_log_in_instead_of_swapping_it_in(visitor: Visitor) -> None:
    answer = visitor.get(
        "/leads", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/leads?q=a"}
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/leads"
