"""A whole installation for tests: a database, settings, a clock that the test moves, the outbox as mailer.

`Installation.begin(tmp_path)` makes one; `advance` and `run_until` move its clock from one instant at which
something is due to the next, and let the worker's own tasks run at each, so that weeks pass in seconds.
`mails` reads what went out, and `browser` answers as a reader, a scanner or a mail program would.
"""

import email
import email.policy
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache, cached_property, partial
from html.parser import HTMLParser
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import InstrumentedAttribute
from werkzeug.test import Client, EnvironBuilder, TestResponse, run_wsgi_app
from werkzeug.wrappers import Request

from nurture.app import HITS, build_runtime, create_app
from nurture.clock import FixedClock
from nurture.config import Settings, load_settings
from nurture.domain.values import LeadView, Scalar
from nurture.services.files import Paths, apply
from nurture.services.importing.run import ImportOrder, ImportReport, import_leads
from nurture.services.runtime import Runtime
from nurture.store.base import Base, create_all
from nurture.store.events import NewEvent, record_events
from nurture.store.leads import lead_views
from nurture.store.schema import Campaign, Due, Fire, Hit, Lead, Message, OutboxMail, Recheck
from nurture.worker import tasks
from tests.support import postgres, run

Row = TypeVar("Row", bound=Base)

ROOT = Path(__file__).parents[2]
SHIPPED_CAMPAIGNS = ROOT / "campaigns"
SHIPPED_TEMPLATES = ROOT / "email_templates"
BASE_URL = "https://mail.example.com"
START = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
"""A Monday morning, when summer time still holds in Europe."""

PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SCANNER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"

BLINK = timedelta(seconds=1)
CALM_STEP = timedelta(hours=1)
ROUNDS = 20


@dataclass(frozen=True)
class Mail:
    """A mail that went out, parsed."""

    mid: str
    at: datetime
    message: EmailMessage

    @property
    def to(self) -> str:
        """The address in `To`."""
        return str(self.message["To"].addresses[0].addr_spec)

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return str(self.message["Subject"])

    @cached_property
    def html(self) -> str:
        """The HTML part."""
        return self._part("html")

    @cached_property
    def text(self) -> str:
        """The text part."""
        return self._part("plain")

    def _part(self, subtype: str) -> str:
        part = self.message.get_body((subtype,))
        assert part is not None, f"{self.subject!r} has no {subtype} part"
        return str(part.get_content())

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Every address in the HTML that a reader can follow, in order, each once."""
        finder = _Finder()
        finder.feed(self.html)
        return tuple(dict.fromkeys(finder.links))

    @property
    def clicks(self) -> tuple[str, ...]:
        """The tracked links."""
        return tuple(link for link in self.links if urlsplit(link).path.startswith("/c/"))

    @property
    def pixel(self) -> str:
        """The address of the pixel; `""` where there is none."""
        found = re.search(rf'src="({re.escape(BASE_URL)}/o/[^"]+)"', self.html)
        return found[1] if found else ""

    @property
    def one_click(self) -> str:
        """The HTTPS address in `List-Unsubscribe`."""
        found = re.search(r"<(https?://[^>]+)>", str(self.message["List-Unsubscribe"]))
        assert found is not None
        return found[1]

    def page(self, letter: str) -> str:
        """The address of the unsubscribe (`u`), preferences (`p`) or view (`v`) page, as the HTML has it."""
        return next(link for link in self.links if urlsplit(link).path.startswith(f"/{letter}/"))


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.extend(value for name, value in attrs if name == "href" and value)


class Browser:
    """Asks the whole application, tracking included, for addresses as they stand in mails."""

    def __init__(self, installation: "Installation", user_agent: str, ip: str) -> None:
        self._installation = installation
        self._client = Client(installation.app)
        self._user_agent = user_agent
        self._ip = ip

    def get(self, url: str, **options: object) -> TestResponse:
        """GET an address of ours."""
        return self.ask("GET", url, **options)

    def head(self, url: str, **options: object) -> TestResponse:
        """HEAD an address of ours."""
        return self.ask("HEAD", url, **options)

    def post(self, url: str, data: object = None, **options: object) -> TestResponse:
        """POST to an address of ours."""
        return self.ask("POST", url, data=data, **options)

    def ask(self, method: str, url: str, **options: object) -> TestResponse:
        """Any request; the hits that it made are on disk when it returns."""
        parts = urlsplit(url)
        assert parts.netloc in ("", urlsplit(BASE_URL).netloc), f"{url} is not ours"
        agent = {"User-Agent": self._user_agent} if self._user_agent else {}
        headers = {**agent, **dict(options.pop("headers", {}))}  # type: ignore[call-overload]
        environ = {"REMOTE_ADDR": self._ip}
        response = self._client.open(
            parts.path,
            method=method,
            base_url=BASE_URL,
            query_string=parts.query,
            headers=headers,
            environ_overrides=environ,
            **options,  # type: ignore[arg-type] # What werkzeug's client takes.
        )
        self._installation.app.extensions[HITS].flush()
        return response

    def raw(self, method: str, path: str, body: bytes = b"") -> TestResponse:
        """Any request at all, its path taken as it is."""
        environ = EnvironBuilder(method=method, base_url=BASE_URL, data=body).get_environ()
        environ["PATH_INFO"] = path.encode(errors="surrogatepass").decode("latin-1")
        # Werkzeug's client would take the path apart again.
        return TestResponse(*run_wsgi_app(self._installation.app, environ), request=Request(environ))

    def read(self, mail: Mail) -> None:
        """Open a mail: its pixel is fetched."""
        self.get(mail.pixel)

    def click(self, mail: Mail, number: int = 0) -> str:
        """Follow a tracked link of a mail; returns where it leads."""
        response = self.get(mail.clicks[number])
        assert response.status_code == 302, response.status
        return str(response.headers["Location"])


class Installation:
    """Nurture as an operator has it, with the clock in the test's hands."""

    def __init__(self, runtime: Runtime, clock: FixedClock, directory: Path) -> None:
        self.runtime = runtime
        self.clock = clock
        self.directory = directory
        self._opened = ExitStack()

    @classmethod
    def begin(
        cls,
        directory: Path,
        *,
        url: str = "",
        now: datetime = START,
        environ: Mapping[str, str] | None = None,
    ) -> "Installation":
        """An installation with an empty schema, on SQLite below `directory` where no `url` is given.

        A database at `url` (the `database_url` fixture) has its schema already.

        `environ` adds settings, as an operator would: `{"NURTURE_TRACK_OPENS": "no"}`.
        """
        settings = settings_in(directory, url, environ or {})
        clock = FixedClock(now)
        runtime = build_runtime(settings, clock)
        if not url:
            create_all(runtime.engine)
        return cls(runtime, clock, directory)

    @classmethod
    def shipped(
        cls,
        directory: Path,
        *,
        backend: str = "sqlite",
        now: datetime = START,
        environ: Mapping[str, str] | None = None,
    ) -> "Installation":
        """An installation with all that is shipped applied: campaigns, templates, scoring, ladders."""
        installation = cls._copied(directory, backend, _SHIPPED, now, environ)
        with installation.runtime.write() as session:
            session.execute(update(Campaign).where(Campaign.status == "active").values(started_at=now))
            session.execute(update(Fire).values(at=now))
        return installation

    @classmethod
    def blank(
        cls,
        directory: Path,
        *,
        backend: str = "sqlite",
        now: datetime = START,
        environ: Mapping[str, str] | None = None,
    ) -> "Installation":
        """An installation to which nothing has been applied."""
        return cls._copied(directory, backend, _BLANK, now, environ)

    @classmethod
    def _copied(
        cls, directory: Path, backend: str, original: str, now: datetime, environ: Mapping[str, str] | None
    ) -> "Installation":
        """One whose database is a copy of one that was filled before: compiling templates takes seconds."""
        with ExitStack() as opened:
            url = ""
            if backend == "postgresql":
                server, name = postgres.shared(), f"test_{uuid.uuid4().hex}"
                filled = postgres.template(server, original, partial(_fill, original))
                url = opened.enter_context(postgres.fresh_database(server, name, filled))
            else:
                shutil.copyfile(_filled(original), _database(directory))
            installation = cls.begin(directory, url=url, now=now, environ=environ)
            installation._opened = opened.pop_all()
            return installation

    @property
    def now(self) -> datetime:
        """What the clock says."""
        return self.clock.now()

    @cached_property
    def app(self):  # type: ignore[no-untyped-def] # Flask, whose client is used untyped here.
        """The web application, tracking in front."""
        return create_app(self.runtime)

    def browser(self, user_agent: str = PERSON, ip: str = "192.0.2.10") -> Browser:
        """Somebody who follows links; `scanner()` for a machine that does."""
        return Browser(self, user_agent, ip)

    def scanner(self, ip: str = "198.51.100.7") -> Browser:
        """A security gateway: it says that it is a browser, and can be told by what it does alone."""
        return Browser(self, SCANNER, ip)

    def close(self) -> None:
        """End threads and connections."""
        if "app" in self.__dict__:
            self.app.extensions[HITS].close()
        self.runtime.mailer.close()
        self.runtime.engine.dispose()
        self._opened.close()

    # --- what comes in -----------------------------------------------------------------------------

    def apply(self, campaigns: Path = SHIPPED_CAMPAIGNS, templates: Path = SHIPPED_TEMPLATES) -> None:
        """Apply files, as `nurture apply` does."""
        apply(self.runtime, Paths(campaigns, templates), self.now)

    def copy_of_shipped(self) -> Paths:
        """The shipped files below the test's directory, to be changed and applied."""
        campaigns = self.directory / "campaigns"
        templates = self.directory / "email_templates"
        shutil.copytree(SHIPPED_CAMPAIGNS, campaigns)
        shutil.copytree(SHIPPED_TEMPLATES, templates)
        return Paths(campaigns, templates)

    def import_csv(self, text: str | bytes, consent: str | None = None) -> ImportReport:
        """Import a CSV, as `nurture leads import` does."""
        path = self.directory / f"leads-{len(list(self.directory.glob('leads-*.csv')))}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_leads(self.runtime, ImportOrder(path, consent), self.now)

    def add_leads(self, *rows: Mapping[str, str], consent: str | None = "ticked a box") -> list[int]:
        """Import leads given column by column; returns their ids in order."""
        columns = list(dict.fromkeys(column for row in rows for column in row))
        lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
        report = self.import_csv("".join(",".join(map(_cell, line)) + "\n" for line in lines), consent)
        assert not report.refused, report.refused
        return [self.lead_id(row["email"]) for row in rows]

    def happens(self, address: str, kind: str, **data: Scalar) -> None:
        """Something that a lead did elsewhere, as an integration would report it now."""
        with self.runtime.write() as session:
            name = f"{address} {kind} {self.now.isoformat()}"
            event = NewEvent("test", name, self.lead_id(address), kind, self.now, data=data)
            record_events(session, [event], self.now)

    # --- time --------------------------------------------------------------------------------------

    def work(self) -> int:
        """Let the worker's tasks run until none has anything left to do now; returns how much they did."""
        total = 0
        for _ in range(ROUNDS):
            done = sum(task(self.runtime) for task in TASKS)
            total += done
            if not done:
                return total
        raise AssertionError(f"the worker found no rest at {self.now} in {ROUNDS} rounds")

    def advance(self, by: timedelta, *, calm_step: timedelta = CALM_STEP) -> None:
        """Let time pass."""
        self.run_until(self.now + by, calm_step=calm_step)

    def run_until(self, end: datetime, *, calm_step: timedelta = CALM_STEP) -> None:
        """Let time pass until `end`, stopping wherever something is due, and at least every `calm_step`.

        Schedules are not rows that are due, so a step that is longer than their precision overshoots them.
        """
        self.work()
        while self.now < end:
            self.clock.set(min(end, self._next_instant(), _next_multiple(self.now, calm_step)))
            self.work()

    def run_until_true(self, wanted: Callable[[], object], within: timedelta) -> None:
        """Let time pass until something holds."""
        end = self.now + within
        self.work()
        while not wanted():
            assert self.now < end, f"it did not come true within {within}"
            self.clock.set(min(end, self._next_instant(), _next_multiple(self.now, CALM_STEP)))
            self.work()

    def _next_instant(self) -> datetime:
        """The next instant at which a row is due; what was due already is left out, having had its chance."""
        with self.runtime.read() as session:
            moments = [
                session.scalars(select(func.min(column)).where(column > self.now, *conditions)).one()
                for column, conditions in _DUE
            ]
        soonest = min((moment for moment in moments if moment is not None), default=None)
        return self.now + timedelta(days=3650) if soonest is None else soonest

    # --- what is there -----------------------------------------------------------------------------

    def mails(self, to: str | None = None) -> list[Mail]:
        """What went out, oldest first; to one address where it is given."""
        statement = select(OutboxMail).order_by(OutboxMail.at, OutboxMail.id)
        if to is not None:
            statement = statement.where(OutboxMail.recipient == to)
        with self.runtime.read() as session:
            return [Mail(row.mid, row.at, _parse(row.raw)) for row in session.scalars(statement)]

    def mail(self, to: str, number: int = -1) -> Mail:
        """One mail to an address: the newest, or another by its place."""
        return self.mails(to)[number]

    def lead_id(self, address: str) -> int:
        """The id of the lead with this address."""
        with self.runtime.read() as session:
            found = session.scalar(select(Lead.id).where(Lead.address == address))
        assert found is not None, f"there is no lead {address}"
        return found

    def lead(self, address: str) -> LeadView:
        """A lead as decisions see it."""
        lead_id = self.lead_id(address)
        with self.runtime.read() as session:
            return lead_views(session, [lead_id])[lead_id]

    def rows(self, table: type[Row], **wanted: object) -> list[Row]:
        """The rows of a table that have these values, in the order of their keys."""
        with self.runtime.read() as session:
            statement = select(table).filter_by(**wanted).order_by(*table.__table__.primary_key.columns)  # type: ignore[attr-defined]
            found = list(session.scalars(statement))
            session.expunge_all()
            return found

    def message_id(self, mail: Mail) -> int:
        """The message that a mail is."""
        with self.runtime.read() as session:
            return session.scalars(select(Message.id).where(Message.mid == mail.mid)).one()


_BLANK, _SHIPPED = "installation_blank", "installation_shipped"


@cache
def _filled(original: str) -> Path:
    """A SQLite file to be copied."""
    directory = Path(tempfile.mkdtemp(dir=run.directory()))
    _fill(original, f"sqlite:///{_database(directory)}")
    return _database(directory)


def _fill(original: str, url: str) -> None:
    installation = Installation.begin(Path(tempfile.mkdtemp(dir=run.directory())), url=url)
    create_all(installation.runtime.engine)
    if original == _SHIPPED:
        installation.apply()
    # Closing the last connection folds SQLite's log into the file.
    installation.close()


def _database(directory: Path) -> Path:
    """Where an installation below `directory` keeps its database."""
    (directory / "var").mkdir(exist_ok=True)
    return directory / "var" / "nurture.db"


TASKS = (tasks.process, tasks.plan, tasks.deliver)

_DUE: tuple[tuple[InstrumentedAttribute[datetime], tuple[ColumnElement[bool], ...]], ...] = (
    (Due.due_at, ()),
    (Recheck.at, ()),
    (Message.due_at, (Message.state == "pending",)),
    (Hit.settle_at, (Hit.verdict.is_(None),)),
)


def settings_in(directory: Path, url: str = "", environ: Mapping[str, str] = {}) -> Settings:
    """Settings of an installation below `directory`, read the way an operator's are."""
    given = {
        "NURTURE_VAR": str(directory / "var"),
        "NURTURE_SECRET_KEY": "a secret of the tests, long enough to be one",
        "NURTURE_BASE_URL": BASE_URL,
        "NURTURE_CAMPAIGNS_DIR": str(SHIPPED_CAMPAIGNS),
        "NURTURE_TEMPLATES_DIR": str(SHIPPED_TEMPLATES),
        **({"NURTURE_DATABASE_URL": url} if url else {}),
        **environ,
    }
    (directory / "var").mkdir(exist_ok=True)
    return load_settings(given)


def _parse(raw: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def _next_multiple(now: datetime, step: timedelta) -> datetime:
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    return begin + ((now - begin) // step + 1) * step


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
