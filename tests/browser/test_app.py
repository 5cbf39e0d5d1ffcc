"""The app in a real browser: it works, it is reachable by keyboard, and nothing complains."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Error, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from nurture.clock import FixedClock
from nurture.services.runtime import Runtime
from nurture.store.base import make_engine
from nurture.store.schema import Message, ScoreEntry
from nurture.web.factory import create_app
from tests.support.lively import PRESENT, lively_copy
from tests.support.runtimes import runtime_on, settings_for
from tests.support.seed import ADMIN, PASSWORD, take_pulse

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1360, "height": 900}
PAGES = (
    "/", "/campaigns", "/campaigns/welcome", "/campaigns/proposal", "/leads", "/leads/{lead}",
    "/leads/{lead}#decisions", "/leads/{lead}#score", "/leads/{lead}#fit", "/outbox", "/outbox/{message}",
    "/outbox/{message}#source", "/tasks", "/health", "/people", "/settings", "/account",
    "/account/second-factor",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    """The lively installation, shared by the tests of this module."""
    var: Path = tmp_path_factory.mktemp("browser")
    runtime = runtime_on(make_engine(lively_copy(var / "lively.db")), FixedClock(PRESENT), settings_for(var))
    take_pulse(runtime)
    return runtime


@pytest.fixture(scope="module")
def base(house: Runtime) -> Iterator[str]:
    """Where the app listens."""
    server = make_server("127.0.0.1", 0, create_app(house), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser's console says is wrong, broken policies included."""
    found: list[str] = []

    def note_message(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            found.append(message.text)

    def note_error(error: Error) -> None:
        found.append(str(error))

    page.on("console", note_message)
    page.on("pageerror", note_error)
    return found


@pytest.fixture
def inside(page: Page, base: str, complaints: list[str]) -> Page:
    """The administrator's browser, logged in."""
    page.set_viewport_size(DESK)
    page.goto(f"{base}/login")
    page.get_by_label("E-mail address").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{base}/")
    return page


@pytest.fixture
def addresses(house: Runtime, base: str) -> list[str]:
    """Every page, with a lead that has a score and a mail that was sent."""
    with house.read() as session:
        lead = session.scalars(select(ScoreEntry.lead_id)).first()
        message = session.scalars(select(Message.id).where(Message.state == "sent")).first()
    return [base + path.format(lead=lead, message=message) for path in PAGES]


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize(
    ("size", "colours"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")], ids=["light", "dark", "phone"]
)
def test_every_page_is_accessible_fits_and_breaks_no_policy(
    inside: Page, addresses: list[str], complaints: list[str], colours: str, size: dict[str, int]
) -> None:
    inside.emulate_media(color_scheme=colours, reduced_motion="reduce")  # type: ignore[arg-type]
    inside.set_viewport_size(size)  # type: ignore[arg-type]
    for address in addresses:
        inside.goto("about:blank")
        inside.goto(address)
        assert violations(inside) == [], address
        assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    assert complaints == []


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("path", ["/login", "/forgot", "/nothing-here"])
def test_the_pages_before_log_in_are_accessible(
    page: Page, base: str, complaints: list[str], colours: str, path: str
) -> None:
    page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
    page.goto(base + path)
    assert violations(page) == []
    assert [text for text in complaints if "404" not in text] == []


def test_the_chart_draws_the_numbers_of_its_table(inside: Page) -> None:
    expect(inside.locator(".chart-box svg")).to_be_visible()
    for name in ("Sent", "Opened", "Clicked", "Replied"):
        expect(inside.locator(".chart-box svg").get_by_text(name, exact=True)).to_be_visible()
    inside.get_by_text("The numbers as a table").click()
    expect(inside.get_by_role("columnheader", name="Sent", exact=True)).to_be_visible()


def test_the_reader_s_colours_are_kept_from_page_to_page(inside: Page, base: str) -> None:
    root = inside.locator("html")
    inside.emulate_media(color_scheme="light")
    inside.get_by_role("button", name="Light or dark").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    inside.goto(f"{base}/leads")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    expect(inside.locator("html:not([data-theme-auto])")).to_have_count(1)


def test_leads_are_filtered_while_one_types(inside: Page, base: str) -> None:
    inside.goto(f"{base}/leads")
    inside.get_by_role("searchbox").press_sequentially("hannah", delay=10)
    inside.wait_for_url("**/leads?q=hannah*")
    expect(inside.locator("#leads tbody tr")).to_have_count(1)
    expect(inside.get_by_role("searchbox")).to_be_focused()
    inside.get_by_label("Lifecycle").select_option("disqualified")
    expect(inside.get_by_text("Nobody like that")).to_be_visible()
    inside.go_back()
    expect(inside.locator("#leads tbody tr")).to_have_count(1)


def test_the_list_of_leads_works_without_scripts(base: str, browser: object) -> None:
    context = browser.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    page: Page = context.new_page()
    page.goto(f"{base}/login")
    page.get_by_label("E-mail address").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{base}/leads")
    page.get_by_role("searchbox").fill("hannah")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#leads tbody tr")).to_have_count(1)
    page.goto(f"{base}/campaigns/proposal")
    page.get_by_role("button", name="Pause").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    context.close()


def test_a_campaign_is_paused_by_keyboard_alone(inside: Page, base: str) -> None:
    inside.goto(f"{base}/campaigns/case-studies")
    inside.get_by_role("button", name="Pause").focus()
    inside.keyboard.press("Enter")
    dialog = inside.get_by_role("dialog")
    expect(dialog).to_contain_text("Pause “Case studies by industry”?")
    inside.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    inside.keyboard.press("Enter")
    dialog.get_by_role("button", name="Pause").press("Enter")
    expect(inside.get_by_role("status")).to_contain_text("The campaign is paused")
    inside.get_by_role("button", name="Resume").click()
    inside.get_by_role("radio", name="Send now").check()
    inside.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(inside.get_by_role("status")).to_contain_text("The campaign goes on")


def test_the_flow_reads_as_a_list_of_steps_with_named_arms(inside: Page, base: str) -> None:
    inside.goto(f"{base}/campaigns/welcome")
    flow = inside.get_by_role("region", name="Flow of the campaign")
    expect(flow.get_by_role("region", name="Did they read?: Nothing opened")).to_be_visible()
    boxes = [arm.bounding_box() for arm in flow.locator(".fork").first.locator("> .arm").all()]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["x"] < boxes[1]["x"]
    inside.set_viewport_size(PHONE)  # type: ignore[arg-type]
    stacked = [arm.bounding_box() for arm in flow.locator(".fork").first.locator("> .arm").all()]
    assert stacked[0]
    assert stacked[1]
    assert stacked[0]["y"] < stacked[1]["y"]


def test_the_menu_opens_on_a_phone(inside: Page) -> None:
    inside.set_viewport_size(PHONE)  # type: ignore[arg-type]
    expect(inside.get_by_role("link", name="Outbox")).not_to_be_visible()
    inside.get_by_role("button", name="Menu").click()
    inside.get_by_role("link", name="Outbox").click()
    expect(inside.get_by_role("heading", name="Outbox")).to_be_visible()


def test_a_mail_is_shown_and_can_do_nothing(
    inside: Page, house: Runtime, base: str, complaints: list[str]
) -> None:
    with house.read() as session:
        message = session.scalars(select(Message.id).where(Message.state == "sent")).first()
    requests: list[str] = []
    inside.on("request", lambda request: requests.append(request.url))
    inside.goto(f"{base}/outbox/{message}")
    frame = inside.frame_locator("iframe")
    expect(frame.locator("body")).to_contain_text("Quillstead")
    inside.get_by_role("link", name="Plain text").click()
    expect(inside.locator("pre.letter")).to_contain_text("Quillstead")
    assert not [url for url in requests if "/o/" in url or not url.startswith(base)]
    assert complaints == []


def test_the_parts_of_a_lead_s_page_are_shown_one_at_a_time(inside: Page, house: Runtime, base: str) -> None:
    with house.read() as session:
        lead = session.scalars(select(ScoreEntry.lead_id)).first()
    inside.goto(f"{base}/leads/{lead}")
    inside.get_by_role("link", name="Why they got it, or not").click()
    expect(inside.locator("#decisions li").first).to_be_visible()
    expect(inside.locator("#timeline")).not_to_be_visible()
