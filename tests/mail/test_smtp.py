"""Handing over by SMTP: every way in which a server can answer or vanish, sorted right."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nurture.config.smtp_url import Security, SmtpServer
from nurture.domain.errors import AccountRefused, MailerError, MessageRefused, OutcomeUnknown, RefusedForNow
from nurture.domain.letter import Mailbox
from nurture.mail.mime import build, wire
from nurture.mail.smtp import SmtpMailer
from nurture.mail.smtp_replies import Phase, Reply, refusal
from nurture.mail.smtp_session import Patience, stuffed
from tests.mail.letters import LETTER, letter
from tests.support.smtp import Behaviour, MailServer

PATIENCE = Patience(connect_seconds=20, command_seconds=20, final_seconds=20)
IMPATIENT = Patience(connect_seconds=20, command_seconds=0.3, final_seconds=0.3)
"""For servers that never answer."""

LOCK_STEP = ("SIZE 1000000",)


@contextmanager
def serving(behaviour: Behaviour, **how: object) -> Iterator[tuple[SmtpMailer, MailServer]]:
    with MailServer(behaviour) as server:
        mailer = mailer_for(server.port, **how)
        try:
            yield mailer, server
        finally:
            mailer.close()


def mailer_for(port: int, **how: object) -> SmtpMailer:
    options: dict[str, object] = {"security": Security.NONE, **how}
    patience = options.pop("patience", PATIENCE)
    return SmtpMailer(SmtpServer("127.0.0.1", port, **options), patience=patience)  # type: ignore[arg-type]


def patience_with(behaviour: Behaviour) -> Patience:
    """Nobody waits long for what never comes."""
    return IMPATIENT if behaviour.silent else PATIENCE


def free_port() -> int:
    """A port at which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(built.public_bytes(Encoding.PEM) + pem)
    return path


@pytest.mark.parametrize("offers", [Behaviour().offers, LOCK_STEP], ids=["pipelined", "lock-step"])
def test_a_message_arrives_as_it_was_built_with_its_envelope(offers: tuple[str, ...]) -> None:
    with serving(Behaviour(offers=offers)) as (mailer, server):
        receipt = mailer.send(LETTER)

    [accepted] = server.accepted
    assert accepted.content == build(LETTER)
    assert (accepted.sender, accepted.recipient) == ("bounce+abc@in.example.com", "ana@example.org")
    assert receipt.detail == "250 2.0.0 queued as 1"


def test_a_real_server_receives_what_was_sent() -> None:
    received = []

    class Keeper(MessageHandler):
        def handle_message(self, message: object) -> None:
            received.append(message)

    port = free_port()
    controller = Controller(Keeper(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        mailer = mailer_for(port)
        for _ in range(3):
            mailer.send(LETTER)
        mailer.close()
    finally:
        controller.stop()

    assert [message["X-RcptTo"] for message in received] == ["ana@example.org"] * 3  # type: ignore[index]


def test_connections_are_used_again_and_shared_by_threads() -> None:
    with serving(Behaviour(slow_seconds=0.01)) as (mailer, server):
        with ThreadPoolExecutor(4) as pool:
            list(
                pool.map(
                    lambda n: mailer.send(letter(mid=f"m{n}", message_id=f"m{n}@example.com")), range(40)
                )
            )

        assert server.connections <= 4
        assert set(server.times_accepted().values()) == {1}
        assert len(server.times_accepted()) == 40


CERTAIN = [
    ({"replies": {"BANNER": "421 busy"}}, RefusedForNow),
    ({"replies": {"BANNER": "554 go away"}}, AccountRefused),
    ({"drop": "BANNER"}, RefusedForNow),
    ({"silent": "BANNER"}, RefusedForNow),
    ({"replies": {"BANNER": "HTTP/1.1 400 Bad Request"}}, RefusedForNow),
    ({"replies": {"EHLO": "421 busy"}}, RefusedForNow),
    ({"drop": "EHLO"}, RefusedForNow),
    ({"replies": {"MAIL": "450 later"}}, RefusedForNow),
    ({"replies": {"MAIL": "530 5.7.0 authentication required"}}, AccountRefused),
    ({"replies": {"MAIL": "550 5.7.1 sender unknown"}}, AccountRefused),
    ({"replies": {"MAIL": "552 5.3.4 too big"}}, MessageRefused),
    ({"drop": "MAIL"}, RefusedForNow),
    ({"replies": {"RCPT": "450 4.2.0 greylisted"}}, RefusedForNow),
    ({"replies": {"RCPT": "421 4.7.0 too many"}}, RefusedForNow),
    ({"replies": {"RCPT": "550 5.1.1 no such user"}}, MessageRefused),
    ({"replies": {"RCPT": "552 5.2.2 mailbox full"}}, MessageRefused),
    ({"replies": {"RCPT": "554 5.7.1 relay access denied"}}, AccountRefused),
    ({"replies": {"RCPT": "550 5.1.1 no such user", "DATA": "554 no valid recipients"}}, MessageRefused),
    ({"drop": "RCPT"}, RefusedForNow),
    ({"silent": "RCPT"}, RefusedForNow),
    ({"replies": {"DATA": "451 later"}}, RefusedForNow),
    ({"replies": {"DATA": "554 no"}}, MessageRefused),
    ({"replies": {"DATA": "250 what"}}, RefusedForNow),
    ({"drop": "DATA"}, RefusedForNow),
    ({"replies": {"DOT": "450 4.3.0 later"}}, RefusedForNow),
    ({"replies": {"DOT": "550 5.7.1 spam"}}, MessageRefused),
    ({"replies": {"DOT": "552 5.3.4 too big"}}, MessageRefused),
]


@pytest.mark.parametrize("offers", [Behaviour().offers, LOCK_STEP], ids=["pipelined", "lock-step"])
@pytest.mark.parametrize(("how", "error"), CERTAIN, ids=lambda value: str(value).replace(" ", "_")[:50])
def test_what_is_certainly_not_accepted_is_sorted_by_its_meaning(
    how: dict[str, object], error: type[MailerError], offers: tuple[str, ...]
) -> None:
    behaviour = Behaviour(offers=offers, **how)  # type: ignore[arg-type]
    with serving(behaviour, patience=patience_with(behaviour)) as (mailer, server):
        with pytest.raises(error) as raised:
            mailer.send(LETTER)

        assert type(raised.value) is error
        assert server.accepted == []


@pytest.mark.parametrize(
    "how",
    [{"drop": "DOT"}, {"silent": "DOT"}, {"replies": {"DOT": "what?"}}, {"replies": {"DOT": "354 go on"}}],
    ids=str,
)
def test_silence_or_nonsense_after_the_final_dot_leaves_the_outcome_unknown(how: dict[str, object]) -> None:
    behaviour = Behaviour(**how)  # type: ignore[arg-type]
    with (
        serving(behaviour, patience=patience_with(behaviour)) as (mailer, _),
        pytest.raises(OutcomeUnknown),
    ):
        mailer.send(LETTER)


def test_a_connection_lost_amid_the_content_is_certainly_not_accepted() -> None:
    huge = letter(html="<p>" + "word " * 2_000_000)
    with serving(Behaviour(drop="MID_DATA")) as (mailer, server):
        with pytest.raises(RefusedForNow, match="content"):
            mailer.send(huge)

        assert server.accepted == []


def test_a_server_that_is_not_there_refuses_for_now() -> None:
    with pytest.raises(RefusedForNow, match="opening"):
        mailer_for(free_port()).send(LETTER)


def test_after_a_refused_message_the_connection_serves_the_next() -> None:
    with serving(Behaviour()) as (mailer, server):
        mailer.send(LETTER)
        server.behaviour.replies["RCPT"] = "550 no such user"
        with pytest.raises(MessageRefused):
            mailer.send(LETTER)
        del server.behaviour.replies["RCPT"]
        server.behaviour.replies["DATA"] = "451 later"
        with pytest.raises(RefusedForNow):
            mailer.send(LETTER)
        del server.behaviour.replies["DATA"]
        mailer.send(LETTER)

        assert len(server.accepted) == 2
        assert "RSET" in server.commands


def test_an_idle_connection_that_the_server_gave_up_is_replaced() -> None:
    with serving(Behaviour(messages_per_connection=1)) as (mailer, server):
        for _ in range(3):
            mailer.send(LETTER)

        assert len(server.accepted) == 3
        assert server.connections == 3


def test_an_idle_connection_that_says_goodbye_at_mail_is_replaced_once() -> None:
    with serving(Behaviour()) as (mailer, server):
        mailer.send(LETTER)
        server.behaviour.replies["MAIL"] = "421 too many messages"
        with pytest.raises(RefusedForNow, match="421"):
            mailer.send(LETTER)

        assert server.connections == 2


def test_starttls_protects_and_logs_in(certificate: Path) -> None:
    behaviour = Behaviour(
        offers=("STARTTLS", "AUTH PLAIN LOGIN"), certificate=certificate, password="AHVzZXIAc2VjcmV0"
    )
    account = {
        "security": Security.STARTTLS,
        "username": "user",
        "password": "secret",
        "ca_file": certificate,
    }
    with serving(behaviour, **account) as (mailer, server):
        mailer.send(LETTER)

        assert len(server.accepted) == 1
        assert [command.split(" ")[0] for command in server.commands][:4] == [
            "EHLO",
            "STARTTLS",
            "EHLO",
            "AUTH",
        ]


def test_tls_from_the_first_byte_and_the_older_log_in(certificate: Path) -> None:
    behaviour = Behaviour(
        offers=("AUTH LOGIN",), certificate=certificate, tls_at_once=True, password="c2VjcmV0"
    )
    account = {"security": Security.TLS, "username": "user", "password": "secret", "ca_file": certificate}
    with serving(behaviour, **account) as (mailer, server):
        mailer.send(LETTER)

        assert len(server.accepted) == 1


@pytest.mark.parametrize(
    ("offers", "reply", "error"),
    [
        (("AUTH PLAIN",), "535 5.7.8 wrong", AccountRefused),
        (("AUTH LOGIN",), "535 5.7.8 wrong", AccountRefused),
        (("AUTH PLAIN",), "454 4.7.0 temporary failure", RefusedForNow),
        (("AUTH GSSAPI",), "235 welcome", AccountRefused),
        ((), "235 welcome", AccountRefused),
    ],
)
def test_a_log_in_that_fails(offers: tuple[str, ...], reply: str, error: type[MailerError]) -> None:
    with serving(Behaviour(offers=offers, replies={"AUTH": reply}), username="u", password="p") as (
        mailer,
        server,
    ):
        with pytest.raises(error):
            mailer.send(LETTER)

        assert server.accepted == []


def test_where_protection_is_required_and_stripped_nothing_is_sent_in_the_clear(certificate: Path) -> None:
    account = {
        "security": Security.STARTTLS,
        "username": "user",
        "password": "secret",
        "ca_file": certificate,
    }
    with serving(Behaviour(offers=("AUTH PLAIN",)), **account) as (mailer, server):
        with pytest.raises(AccountRefused, match="does not offer STARTTLS"):
            mailer.send(LETTER)

        assert [command.split(" ")[0] for command in server.commands] == ["EHLO"]


def test_a_server_that_speaks_before_the_protection_begins_is_left(certificate: Path) -> None:
    behaviour = Behaviour(offers=("STARTTLS",), certificate=certificate, chatty_after_starttls=True)
    with serving(behaviour, security=Security.STARTTLS, ca_file=certificate) as (mailer, server):
        with pytest.raises(RefusedForNow, match="before the protection"):
            mailer.send(LETTER)

        assert server.accepted == []


def test_a_certificate_of_an_unknown_authority_stops_the_account(certificate: Path) -> None:
    stranger = Behaviour(offers=("STARTTLS",), certificate=certificate)
    with (
        serving(stranger, security=Security.STARTTLS) as (mailer, _),
        pytest.raises(AccountRefused, match="cannot be trusted"),
    ):
        mailer.send(LETTER)


def test_letters_outside_ascii_before_the_at_need_smtputf8() -> None:
    to_juergen = letter(recipient=Mailbox("jürgen@bücher.example"))
    with serving(Behaviour()) as (mailer, server):
        with pytest.raises(MessageRefused, match="SMTPUTF8"):
            mailer.send(to_juergen)
        assert server.accepted == []

    with serving(Behaviour(offers=("SMTPUTF8", "SIZE"))) as (mailer, server):
        mailer.send(to_juergen)
        assert server.accepted[0].recipient == "jürgen@xn--bcher-kva.example"
        assert any(command.endswith(" SMTPUTF8") for command in server.commands)


def test_a_letter_that_would_break_its_headers_is_refused_and_the_connection_kept() -> None:
    with serving(Behaviour()) as (mailer, server):
        with pytest.raises(MessageRefused, match="control character"):
            mailer.send(letter(subject="Hello\r\nBcc: eve@example.com"))
        mailer.send(LETTER)

        assert server.connections == 1


@pytest.mark.parametrize(
    ("content", "on_the_wire"),
    [
        (b"", b"\r\n"),
        (b"a", b"a\r\n"),
        (b".", b"..\r\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n"),
        (b"a\n.\nMAIL FROM:<eve@example.com>\n", b"a\r\n..\r\nMAIL FROM:<eve@example.com>\r\n"),
        (b"a\r.\rb", b"a\r\n..\r\nb\r\n"),
        (b"a\r\n\n.\r\nb", b"a\r\n\r\n..\r\nb\r\n"),
        (b"a\r\n..b\r\n", b"a\r\n...b\r\n"),
    ],
)
def test_no_content_can_end_its_message_early(content: bytes, on_the_wire: bytes) -> None:
    assert stuffed(wire(content)) == on_the_wire


def test_the_same_words_mean_different_things_in_different_phases() -> None:
    lasting = Reply(554, "no")
    assert type(refusal(Phase.SENDER, lasting)) is AccountRefused
    assert type(refusal(Phase.RECIPIENT, lasting)) is MessageRefused
    assert type(refusal(Phase.AFTER_DOT, Reply(200, "?"))) is OutcomeUnknown


def test_threads_that_find_no_idle_connection_open_their_own() -> None:
    with serving(Behaviour(slow_seconds=0.2)) as (mailer, server):
        threads = [threading.Thread(target=mailer.send, args=(LETTER,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert server.connections == 3
