"""The settings: read once from the environment, checked, and frozen."""

from nurture.config.instance import ensure_instance_secrets
from nurture.config.load import load_settings
from nurture.config.reference import settings_example, settings_table
from nurture.config.settings import Settings
from nurture.config.smtp_url import Security, SmtpServer
from nurture.config.values import LogFormat, LogLevel, MailerKind

__all__ = [
    "LogFormat",
    "LogLevel",
    "MailerKind",
    "Security",
    "Settings",
    "SmtpServer",
    "ensure_instance_secrets",
    "load_settings",
    "settings_example",
    "settings_table",
]
