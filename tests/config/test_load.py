"""Settings: read in order, checked all at once, and silent about secrets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.config import LogFormat, MailerKind, load_settings
from nurture.domain.errors import ConfigurationError

SECRET = "s" * 40


def test_without_any_setting_everything_has_a_default(tmp_path: Path) -> None:
    settings = load_settings({"NURTURE_VAR": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/nurture.db"
    assert settings.mail is MailerKind.OUTBOX
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.rate is None
    assert settings.in_doubt_max == 50
    assert settings.track_opens
    assert settings.track_clicks
    assert settings.warnings == ()


def test_the_environment_counts_before_the_dotenv_file_and_that_before_what_init_kept(tmp_path: Path) -> None:
    (tmp_path / "instance.env").write_text(
        "NURTURE_ZONE=Asia/Tokyo\nNURTURE_RATE=1\nNURTURE_IN_DOUBT_MAX=3\n"
    )
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"NURTURE_VAR={tmp_path}\nNURTURE_ZONE=Asia/Dubai\nNURTURE_RATE=2\n")
    settings = load_settings({"NURTURE_ZONE": "Europe/Lisbon", "NURTURE_RATE": ""}, dotenv)
    assert settings.zone == "Europe/Lisbon"
    assert settings.rate == 2.0
    assert settings.in_doubt_max == 3


def test_values_are_typed(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "NURTURE_VAR": str(tmp_path),
            "NURTURE_DATABASE_URL": "postgres://nurture:pw@db/nurture",
            "NURTURE_TRACK_OPENS": "off",
            "NURTURE_TRACK_CLICKS": "no",
            "NURTURE_TRUSTED_HOSTS": "a.example.com, b.example.com,",
            "NURTURE_POSTAL_ADDRESS": "Example Ltd\\nLisbon",
            "NURTURE_REPLY_DOMAIN": "Bücher.example",
            "NURTURE_BASE_URL": "https://nurture.example.com/",
            "NURTURE_LOG_FORMAT": "json",
            "NURTURE_FROM": "Ana Reis <ana@example.com>",
        }
    )
    assert settings.database_url == "postgresql+psycopg://nurture:pw@db/nurture"
    assert not settings.track_opens
    assert not settings.track_clicks
    assert settings.trusted_hosts == ("a.example.com", "b.example.com")
    assert settings.postal_address == "Example Ltd\nLisbon"
    assert settings.reply_domain == "xn--bcher-kva.example"
    assert settings.base_url == "https://nurture.example.com"
    assert settings.is_https
    assert settings.hosts == ("nurture.example.com", "a.example.com", "b.example.com")
    assert settings.log_format is LogFormat.JSON
    assert settings.signing_domain == "example.com"


def test_a_loopback_address_answers_to_all_its_names(tmp_path: Path) -> None:
    settings = load_settings({"NURTURE_VAR": str(tmp_path)})
    assert set(settings.hosts) == {"127.0.0.1", "localhost", "::1"}
    assert not settings.is_https


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/nurture"),
        ("DATABASE_URL", "nurture.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("BASE_URL", "nurture.example.com"),
        ("BASE_URL", "ftp://nurture.example.com"),
        ("BASE_URL", "https://nurture.example.com/app"),
        ("BASE_URL", "https://user@nurture.example.com"),
        ("BASE_URL", "https://nurture.example.com:http"),
        ("BASE_URL", "https://["),
        ("MAIL", "fax"),
        ("FROM", "Ana Reis"),
        ("FROM", "Ana <ana@>"),
        ("FROM", "Ana\nBcc: x@example.com <ana@example.com>"),
        ("REPLY_DOMAIN", "example"),
        ("BOUNCE_DOMAIN", "exa mple.com"),
        ("DKIM_DOMAIN", "-.com"),
        ("ZONE", "Mars/Base"),
        ("ZONE", "../etc/passwd"),
        ("ZONE", "Europe"),
        ("RATE", "fast"),
        ("RATE", "0"),
        ("RATE", "nan"),
        ("RATE", "inf"),
        ("FIRST_RATE", "-1"),
        ("IN_DOUBT_MAX", "0"),
        ("TRACK_OPENS", "perhaps"),
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
        ("LOG_LEVEL", "loud"),
        ("SMTP_URL", "mail.example.com"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://h:port"),
        ("SMTP_URL", "smtp://h?starttls=perhaps"),
        ("SMTP_URL", "smtp://h?tls=required"),
        ("SMTP_URL", "smtps://h?starttls=required"),
        ("SMTP_URL", "smtp://h/inbox"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_itself(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings({"NURTURE_VAR": str(tmp_path), f"NURTURE_{name}": value})
    assert str(refused.value).startswith(f'NURTURE_{name} is "{value}": ')


def test_all_wrong_values_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings({"NURTURE_VAR": str(tmp_path), "NURTURE_RATE": "fast", "NURTURE_ZONE": "Mars/Base"})
    assert len(str(refused.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "swordfish"),
        ("SUPPRESSION_KEY", "swordfish"),
        ("SMTP_URL", "smtp://user:swordfish@h?x=1"),
        ("SMTP_URL", "smtp://user:swordfish@mail.example.com?starttls=never"),
        ("DATABASE_URL", "mysql://user:swordfish@db/nurture"),
    ],
)
def test_a_refusal_hides_secrets(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings({"NURTURE_VAR": str(tmp_path), f"NURTURE_{name}": value})
    assert f"NURTURE_{name}" in str(refused.value)
    assert "swordfish" not in str(refused.value)


def test_settings_can_be_printed_without_giving_secrets_away(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "NURTURE_VAR": str(tmp_path),
            "NURTURE_DATABASE_URL": "postgresql://user:swordfish@db/nurture",
            "NURTURE_SMTP_URL": "smtps://user:swordfish@mail.example.com",
            "NURTURE_SECRET_KEY": "swordfish" * 4,
            "NURTURE_LINK_KEYS": "1:" + "swordfish" * 4,
            "NURTURE_SUPPRESSION_KEY": "swordfish" * 4,
            "NURTURE_SENDGRID_API_KEY": "swordfish",
        }
    )
    assert "swordfish" not in f"{settings} {settings!r} {settings.smtp_server!r}"


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"NURTURE_MAIL": "smtp"}, "NURTURE_SMTP_URL"),
        ({"NURTURE_MAIL": "sendgrid"}, "NURTURE_SENDGRID_API_KEY"),
        ({"NURTURE_DKIM_KEY_FILE": "/nowhere/key.pem"}, "there is no such file"),
        ({"NURTURE_DKIM_KEY_FILE": __file__}, "NURTURE_DKIM_SELECTOR"),
        ({"NURTURE_DKIM_KEY_FILE": __file__, "NURTURE_DKIM_SELECTOR": "s1"}, "NURTURE_DKIM_DOMAIN"),
    ],
)
def test_settings_that_need_each_other_are_asked_for(
    tmp_path: Path, environ: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        load_settings({"NURTURE_VAR": str(tmp_path), **environ})


def test_dkim_signs_for_its_own_domain_where_that_is_set(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "NURTURE_VAR": str(tmp_path),
            "NURTURE_DKIM_KEY_FILE": __file__,
            "NURTURE_DKIM_SELECTOR": "s1",
            "NURTURE_DKIM_DOMAIN": "mail.example.com",
            "NURTURE_FROM": "ana@example.com",
        }
    )
    assert settings.signing_domain == "mail.example.com"


def test_a_misspelt_setting_is_warned_of(tmp_path: Path) -> None:
    settings = load_settings({"NURTURE_VAR": str(tmp_path), "NURTURE_SMPT_URL": "smtp://h"})
    assert any("NURTURE_SMPT_URL" in warning for warning in settings.warnings)


def test_sending_with_a_loopback_address_is_warned_of(tmp_path: Path) -> None:
    environ = {"NURTURE_VAR": str(tmp_path), "NURTURE_MAIL": "smtp", "NURTURE_SMTP_URL": "smtp://localhost"}
    assert any("NURTURE_BASE_URL" in warning for warning in load_settings(environ).warnings)
    public = {**environ, "NURTURE_BASE_URL": "https://nurture.example.com"}
    assert load_settings(public).warnings == ()


def test_a_dotenv_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes("NURTURE_FROM=José".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_settings({"NURTURE_VAR": str(tmp_path)}, dotenv)


def test_a_dotenv_file_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert load_settings({"NURTURE_VAR": str(tmp_path)}, tmp_path / ".env").warnings == ()


READ_AS_TEXT = [
    "BASE_URL",
    "SMTP_URL",
    "FROM",
    "ZONE",
    "DATABASE_URL",
    "RATE",
    "REPLY_DOMAIN",
    "DKIM_KEY_FILE",
]


@given(st.dictionaries(st.sampled_from(READ_AS_TEXT), st.text(max_size=30)))
def test_any_text_is_either_accepted_or_a_configuration_error(values: dict[str, str]) -> None:
    environ = {f"NURTURE_{name}": value for name, value in values.items()}
    refusal = "NURTURE_"
    try:
        load_settings({"NURTURE_VAR": "/nowhere", **environ})
    except ConfigurationError as error:
        refusal = str(error)
    assert "NURTURE_" in refusal
