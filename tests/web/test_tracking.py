"""What mails link to, asked for through the whole application, as readers, scanners and mail programs do."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from nurture.app import HITS, create_app
from nurture.store.base import Base
from nurture.store.schema import (
    Consent,
    EventRow,
    Hit,
    MessageLink,
    Suppression,
)
from nurture.tokens import Purpose, address_token, message_token, preferences_token, sign
from nurture.web.tracking import PIXEL, client_address
from tests.support.installation import BASE_URL, Installation, Mail

GIF = base64.b64encode(PIXEL)
ANA = "ana@example.com"


@pytest.fixture(scope="module")
def letter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Mail]]:
    """An installation that has welcomed Ana, for tests that change nothing of hers."""
    installation = welcomed(tmp_path_factory.mktemp("letter"))
    yield installation, installation.mail(ANA)
    installation.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def house(backend: str, tmp_path: Path) -> Iterator[Installation]:
    """The same, once on each database, for the test alone."""
    installation = welcomed(tmp_path, backend)
    yield installation
    installation.close()


def welcomed(directory: Path, backend: str = "sqlite", **environ: str) -> Installation:
    installation = Installation.shipped(directory, backend=backend, environ=environ)
    installation.add_leads({"email": ANA, "first_name": "Ana", "zone": "Europe/Lisbon"})
    installation.work()
    return installation


def count(house: Installation, table: type[Base]) -> int:
    with house.runtime.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def rows(house: Installation, table: type[Base]) -> list[Base]:
    with house.runtime.read() as session:
        found = list(session.scalars(select(table).order_by(*table.__table__.primary_key.columns)))  # type: ignore[attr-defined]
        session.expunge_all()
        return found


def hits(house: Installation) -> list[tuple[str, int | None, str]]:
    """Kind, link and method of every hit, in order."""
    with house.runtime.read() as session:
        return [(hit.kind, hit.link, hit.method) for hit in session.scalars(select(Hit).order_by(Hit.id))]


def everything_but_hits(house: Installation) -> str:
    """The whole database as text, without the hits."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in ("hit", "heartbeat")]
    with house.runtime.read() as session:
        return "\n".join(
            f"{table.name} {sorted(map(repr, session.execute(select(table))))}" for table in tables
        )


# --- the pixel -------------------------------------------------------------------------------------


def test_the_pixel_is_a_picture_that_nobody_keeps_and_an_open(house: Installation) -> None:
    answer = house.browser().get(house.mail(ANA).pixel)

    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/gif", PIXEL)
    assert answer.data[:6] == b"GIF89a"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert hits(house) == [("open", None, "GET")]


@pytest.mark.parametrize(
    "token", ["", "x", "A" * 27, "A" * 2000, "%00", "ä", "..%2f..%2fetc%2fpasswd", "a/b/c"]
)
def test_a_forged_pixel_is_the_same_picture_and_no_hit(letter: tuple[Installation, Mail], token: str) -> None:
    house, mail = letter
    before = count(house, Hit)
    good, forged = house.browser().get(mail.pixel), house.browser().get(f"{BASE_URL}/o/{token}")

    assert (forged.status_code, forged.data) == (200, PIXEL)
    assert list(forged.headers) == list(good.headers)
    assert count(house, Hit) == before + 1


def test_a_hit_keeps_who_asked_and_how(house: Installation) -> None:
    house.browser("Reader/1.0", "2001:db8::7").head(house.mail(ANA).pixel)

    (hit,) = rows(house, Hit)
    assert isinstance(hit, Hit)
    assert (hit.message_id, hit.at) == (house.message_id(house.mail(ANA)), house.now)
    assert (hit.method, hit.ip, hit.user_agent) == ("HEAD", "2001:db8::7", "Reader/1.0")


# --- links -----------------------------------------------------------------------------------------


def test_a_link_leads_to_its_target_and_is_a_click(house: Installation) -> None:
    mail = house.mail(ANA)

    answer = house.browser().get(mail.clicks[0])

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("https://www.example.com/")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert hits(house) == [("click", 1, "GET")]


def test_head_is_answered_alike_and_recorded_as_what_it_is(house: Installation) -> None:
    mail = house.mail(ANA)
    browser = house.browser()

    got, headed = browser.get(mail.clicks[0]), browser.head(mail.clicks[0])

    assert headed.headers["Location"] == got.headers["Location"]
    assert headed.data == b""
    assert hits(house) == [("click", 1, "GET"), ("click", 1, "HEAD")]


def test_get_and_head_change_nothing_but_the_record_of_the_hit(house: Installation) -> None:
    mail = house.mail(ANA)
    before = everything_but_hits(house)

    for browser in (house.browser(), house.scanner()):
        for url in (mail.pixel, *mail.links, mail.one_click):
            if url.startswith(BASE_URL):
                assert browser.get(url).status_code in (200, 302)
                assert browser.head(url).status_code in (200, 302)

    assert everything_but_hits(house) == before
    assert count(house, Hit) > 0


@pytest.mark.parametrize(
    "query",
    [
        "url=https://evil.example",
        "r=//evil.example",
        "next=https%3A%2F%2Fevil.example",
        "https://evil.example",
    ],
)
def test_nothing_in_the_request_moves_the_target(letter: tuple[Installation, Mail], query: str) -> None:
    house, mail = letter
    headers = {"X-Forwarded-Host": "evil.example", "Referer": "https://evil.example/", "X-Original-URL": "/"}

    plain, tampered = (
        house.browser().get(mail.clicks[0]),
        house.browser().get(f"{mail.clicks[0]}?{query}", headers=headers),
    )

    assert tampered.headers["Location"] == plain.headers["Location"]
    assert "evil" not in tampered.headers["Location"]


@pytest.mark.parametrize(
    "number", ["", "0", "2", "01", "+1", "1.0", "-1", "99999", "1/", "1/2", "x", "١", "%31%00"]
)
def test_a_link_that_the_mail_does_not_have_is_not_found(
    letter: tuple[Installation, Mail], number: str
) -> None:
    house, mail = letter
    before = count(house, Hit)
    answer = house.browser().get(mail.clicks[0].removesuffix("1") + number)
    assert answer.status_code == 404
    assert count(house, Hit) == before


def test_a_link_of_one_message_alone_leads_where_it_led_when_it_was_sent(house: Installation) -> None:
    mail = house.mail(ANA)
    own = "https://www.example.com/für/ana?name=Ana Reis&x=“1”"
    with house.runtime.write() as session:
        session.add(MessageLink(message_id=house.message_id(mail), number=2, target=own))

    answer = house.browser().get(mail.clicks[0].removesuffix("1") + "2")

    assert answer.headers["Location"] == (
        "https://www.example.com/f%C3%BCr/ana?name=Ana%20Reis&x=%E2%80%9C1%E2%80%9D"
    )


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/\r\nX: y", "http://["]
)
def test_a_target_that_is_no_web_address_is_not_followed(house: Installation, target: str) -> None:
    mail = house.mail(ANA)
    with house.runtime.write() as session:
        session.add(MessageLink(message_id=house.message_id(mail), number=2, target=target))
    assert house.browser().get(mail.clicks[0].removesuffix("1") + "2").status_code == 404


def test_posting_to_a_link_or_pixel_does_nothing(letter: tuple[Installation, Mail]) -> None:
    house, mail = letter
    before = count(house, Hit)
    for url in (mail.pixel, mail.clicks[0]):
        assert house.browser().post(url).status_code in (400, 404, 405)
    assert count(house, Hit) == before


# --- tokens ----------------------------------------------------------------------------------------


def tokens_for_everything_else(house: Installation, path: str, message: int) -> dict[str, str]:
    """Good tokens of this very message, made for other purposes than the path's."""
    keys = house.runtime.links
    own = {"c": Purpose.HIT, "u": Purpose.UNSUBSCRIBE, "v": Purpose.VIEW, "p": Purpose.PREFERENCES}[path]
    made = {purpose.value: message_token(keys, purpose, message) for purpose in Purpose if purpose is not own}
    made["reply, as in an address"] = address_token(keys, Purpose.REPLY, message)
    made["bounce, as in an address"] = address_token(keys, Purpose.BOUNCE, message)
    if path != "p":
        made["preferences of a topic"] = preferences_token(keys, message, "product")
    return made


@pytest.mark.parametrize("path", ["c", "u", "v", "p"])
def test_a_token_made_for_something_else_opens_nothing(letter: tuple[Installation, Mail], path: str) -> None:
    house, mail = letter
    before = everything_but_hits(house)
    number = "/1" if path == "c" else ""

    for why, token in tokens_for_everything_else(house, path, house.message_id(mail)).items():
        url = f"{BASE_URL}/{path}/{token}{number}"
        assert house.browser().get(url).status_code == 404, why
        if path in "up":
            assert house.browser().post(url, {"nothing": "1"}).status_code == 404, why

    assert everything_but_hits(house) == before


@pytest.mark.parametrize("path", ["c", "u", "v", "p"])
def test_a_token_with_one_letter_changed_opens_nothing(letter: tuple[Installation, Mail], path: str) -> None:
    house, mail = letter
    good = mail.clicks[0].removesuffix("/1") if path == "c" else mail.page(path)
    token = urlsplit(good).path[3:]
    number = "/1" if path == "c" else ""
    assert house.browser().get(f"{BASE_URL}/{path}/{token}{number}").status_code in (200, 302)

    for place, letter_there in enumerate(token):
        other = "A" if letter_there != "A" else "B"
        forged = token[:place] + other + token[place + 1 :]
        assert house.browser().get(f"{BASE_URL}/{path}/{forged}{number}").status_code == 404, place


def test_a_token_for_what_never_was_opens_nothing(letter: tuple[Installation, Mail]) -> None:
    house, _ = letter
    keys, browser = house.runtime.links, house.browser()
    for number, answer in ((4711, 200), (2**63 - 1, 200), (2**63, 404), (2**64 - 1, 404)):
        assert browser.get(f"/c/{message_token(keys, Purpose.HIT, number)}/1").status_code == 404
        assert browser.get(f"/v/{message_token(keys, Purpose.VIEW, number)}").status_code == 404
        preferences = f"/p/{preferences_token(keys, number, '')}"
        assert browser.get(preferences).status_code == 404
        assert browser.post(preferences, {"nothing": "1"}).status_code == 404
        leaving = browser.post(f"/u/{message_token(keys, Purpose.UNSUBSCRIBE, number)}")
        assert leaving.status_code == answer
    no_text = sign(keys, Purpose.PREFERENCES, (1).to_bytes(8) + b"\xff")
    assert browser.get(f"/p/{no_text}").status_code == 404


PATHS = st.one_of(
    st.text(max_size=60),
    st.tuples(st.sampled_from(["/o/", "/c/", "/u/", "/p/", "/v/"]), st.text(max_size=60)).map("".join),
    st.tuples(
        st.sampled_from(["/o/", "/c/", "/u/", "/p/", "/v/"]),
        st.text("ABCDEFabcdef0123456789-_", max_size=60),
        st.sampled_from(["", "/1", "/999999999999", "/-1", "/%00"]),
    ).map("".join),
)


@given(
    PATHS,
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "TRACE", "X"]),
    st.binary(max_size=40),
)
def test_no_request_is_answered_with_an_error_of_ours(
    letter: tuple[Installation, Mail], path: str, method: str, body: bytes
) -> None:
    house, _ = letter
    browser = house.browser()
    answer = browser.raw(method, "/" + path.lstrip("/"), body)
    assert answer.status_code < 500, (method, path)


# --- unsubscribing ---------------------------------------------------------------------------------


def test_the_page_that_asks_shows_one_button_and_does_nothing(house: Installation) -> None:
    mail = house.mail(ANA)
    before = everything_but_hits(house)

    page, headed = house.browser().get(mail.page("u")), house.browser().head(mail.page("u"))

    assert (page.status_code, headed.status_code, headed.data) == (200, 200, b"")
    assert page.text.count("<button") == 1
    assert f'action="{urlsplit(mail.page("u")).path}"' in page.text
    assert everything_but_hits(house) == before
    assert house.lead(ANA).mailable


ONE_CLICK_BODIES = {
    "urlencoded": {"data": {"List-Unsubscribe": "One-Click"}},
    "multipart": {"data": {"List-Unsubscribe": "One-Click"}, "content_type": "multipart/form-data"},
}


@pytest.mark.parametrize("body", ONE_CLICK_BODIES.values(), ids=ONE_CLICK_BODIES)
def test_one_click_needs_no_cookie_no_form_token_and_no_second_step(
    house: Installation, body: dict[str, object]
) -> None:
    """Source: RFC 8058, 3.1 and 3.2."""
    mail = house.mail(ANA)
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    answer = house.browser("").post(mail.one_click, **body)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Location" not in answer.headers
    assert house.lead(ANA).mailable is False
    (consent,) = [row for row in rows(house, Consent) if isinstance(row, Consent) and not row.given]
    assert (consent.how, consent.ip) == ("one-click unsubscribe", "192.0.2.10")


def test_one_click_again_and_again_is_answered_alike_and_written_once(house: Installation) -> None:
    mail = house.mail(ANA)
    for _ in range(3):
        answer = house.browser("").post(mail.one_click, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert count(house, Suppression) == 1
    assert sum(isinstance(row, EventRow) and row.kind == "unsubscribed" for row in rows(house, EventRow)) == 1


def test_one_click_works_from_another_site_with_a_cookie_of_ours_and_bodies_of_any_kind(
    house: Installation,
) -> None:
    mail = house.mail(ANA)
    headers = {
        "Origin": "https://mail.example.net",
        "Sec-Fetch-Site": "cross-site",
        "Cookie": "__Host-nurture=x",
    }
    answer = house.browser().post(
        mail.one_click, b"\xff\xfenonsense", headers=headers, content_type="text/plain"
    )
    assert answer.status_code == 200
    assert house.lead(ANA).mailable is False


def test_the_button_says_what_was_done_and_leads_to_the_preferences(house: Installation) -> None:
    answer = house.browser().post(house.mail(ANA).page("u"))

    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    found = re.search(r'href="(/p/[^"]+)"', answer.text)
    assert found is not None
    assert house.browser().get(found[1]).status_code == 200
    (consent,) = [row for row in rows(house, Consent) if isinstance(row, Consent) and not row.given]
    assert consent.how == "unsubscribe page"


def test_pages_speak_the_readers_language(house: Installation) -> None:
    french = {"Accept-Language": "fr-BE, nl;q=0.8"}
    page = house.browser().get(house.mail(ANA).page("u"), headers=french).text
    assert '<html lang="fr"' in page
    assert "Me désinscrire" in page
    other = house.browser().get(house.mail(ANA).page("u"), headers={"Accept-Language": "nl"}).text
    assert '<html lang="en"' in other


# --- preferences -----------------------------------------------------------------------------------


def test_preferences_show_every_topic_ticked_and_nothing_is_stored(house: Installation) -> None:
    before = everything_but_hits(house)
    page = house.browser().get(house.mail(ANA).page("p"))
    assert page.text.count('name="topic"') == page.text.count('name="topic" value=') == 4
    assert len(re.findall(r'name="topic"[^>]* checked', page.text)) == 4
    assert re.findall(r'value="(\w+)"[^>]* autofocus', page.text) == ["product"], "the topic of the mail"
    assert ANA in page.text
    assert everything_but_hits(house) == before


def test_preferences_are_carried_out(house: Installation) -> None:
    page = house.mail(ANA).page("p")
    answer = house.browser().post(
        page, {"topic": ["newsletter", "product"], "less_often": "on", "pause": "on"}
    )

    assert answer.status_code == 200
    assert len(re.findall(r'name="topic"[^>]* checked', answer.text)) == 2
    lead = house.lead(ANA)
    assert lead.refused_topics == {"case_studies", "onboarding"}
    assert (lead.less_often, lead.mailable) == (True, True)
    assert lead.paused_until == house.now + timedelta(days=30)


def test_wanting_nothing_any_more_is_one_button(house: Installation) -> None:
    answer = house.browser().post(house.mail(ANA).page("p"), {"nothing": "1"})
    assert answer.status_code == 200
    assert house.lead(ANA).mailable is False


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{ 7*7 }}", '"><img src=x>'])
def test_what_a_browser_sends_is_not_sent_back(letter: tuple[Installation, Mail], name: str) -> None:
    house, mail = letter
    page = house.browser().get(f"{mail.page('p')}?{name}").text
    assert name not in page
    assert ">49<" not in page


# --- the mail in the browser -----------------------------------------------------------------------


def test_the_mail_in_the_browser_is_the_mail_that_was_sent_byte_for_byte(house: Installation) -> None:
    mail = house.mail(ANA)
    with house.runtime.write() as session:
        session.execute(text("UPDATE lead SET first_name = 'Somebody Else'"))
    house.clock.advance(timedelta(days=400))

    answer = house.browser().get(mail.page("v"))

    sent = mail.message.get_body(("html",))
    assert sent is not None
    assert answer.mimetype == "text/html"
    assert answer.data == sent.get_payload(decode=True).replace(b"\r\n", b"\n")


def test_the_mail_in_the_browser_can_run_nothing_and_tell_nobody(letter: tuple[Installation, Mail]) -> None:
    house, mail = letter
    headers = house.browser().get(mail.page("v")).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "form-action 'none'" in policy
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("page", ["u", "p", "v"])
def test_pages_that_a_token_opens_are_kept_by_nobody_and_told_to_nobody(
    letter: tuple[Installation, Mail], page: str
) -> None:
    house, mail = letter
    headers = house.browser().get(mail.page(page)).headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in headers["Cache-Control"]
    assert "Set-Cookie" not in headers


# --- switches --------------------------------------------------------------------------------------


def test_with_open_tracking_off_mails_have_no_pixel_and_old_pixels_tell_nothing(tmp_path: Path) -> None:
    house = welcomed(tmp_path, NURTURE_TRACK_OPENS="false")
    mail = house.mail(ANA)
    assert mail.pixel == ""
    assert "/o/" not in mail.html
    assert mail.clicks

    old = message_token(house.runtime.links, Purpose.HIT, house.message_id(mail))
    assert house.browser().get(f"/o/{old}").data == PIXEL
    assert hits(house) == []
    house.browser().click(mail)
    assert hits(house) == [("click", 1, "GET")]
    house.close()


def test_with_click_tracking_off_links_are_plain_and_old_links_still_lead_there(tmp_path: Path) -> None:
    house = welcomed(tmp_path, NURTURE_TRACK_CLICKS="false")
    mail = house.mail(ANA)
    assert mail.clicks == ()
    assert any(link.startswith("https://www.example.com/") for link in mail.links)

    old = message_token(house.runtime.links, Purpose.HIT, house.message_id(mail))
    answer = house.browser().get(f"/c/{old}/1")
    assert answer.headers["Location"].startswith("https://www.example.com/")
    house.browser().get(mail.page("u"))
    assert hits(house) == []
    house.browser().read(mail)
    assert hits(house) == [("open", None, "GET")]
    house.close()


# --- while the database is away --------------------------------------------------------------------


@contextmanager
def database_away(house: Installation) -> Iterator[None]:
    """Every statement fails: the tables that tracking needs are elsewhere."""
    move(house, "", "_elsewhere")
    try:
        yield
    finally:
        move(house, "_elsewhere", "")


def move(house: Installation, old: str, new: str) -> None:
    with house.runtime.write() as session:
        for table in ("hit", "message", "template_version"):
            session.execute(text(f"ALTER TABLE {table}{old} RENAME TO {table}{new}"))


def test_a_link_that_was_followed_before_still_leads_there_and_the_click_is_not_lost(
    house: Installation,
) -> None:
    mail, browser = house.mail(ANA), house.browser()
    target = browser.click(mail)

    with database_away(house):
        assert browser.click(mail) == target
        browser.read(mail)
    house.app.extensions[HITS].close()
    again = create_app(house.runtime)
    again.extensions[HITS].flush()
    again.extensions[HITS].flush()
    again.extensions[HITS].close()

    assert sorted(kind for kind, _, _ in hits(house)) == ["click", "click", "open"]


def test_a_link_that_nobody_knows_by_heart_asks_to_be_tried_again(house: Installation) -> None:
    mail, browser = house.mail(ANA), house.browser()

    with database_away(house):
        answer = browser.get(mail.clicks[0])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")

    assert browser.get(mail.clicks[0]).status_code == 302


# --- who asked -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        ("203.0.113.9", 0, "192.0.2.1"),
        ("203.0.113.9", 1, "203.0.113.9"),
        ("evil, 203.0.113.9", 1, "203.0.113.9"),
        ("203.0.113.9, 10.0.0.1", 2, "203.0.113.9"),
        ("203.0.113.9", 2, "192.0.2.1"),
        ("", 1, "192.0.2.1"),
        ("2001:DB8::1", 1, "2001:db8::1"),
        ("<script>", 1, None),
    ],
)
def test_the_address_is_the_one_that_our_own_proxy_saw(
    forwarded: str, proxies: int, expected: str | None
) -> None:
    environ = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(environ, proxies) == expected


def test_without_any_address_there_is_none() -> None:
    assert client_address({}, 0) is None
