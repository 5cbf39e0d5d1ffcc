"""Everything that can go wrong, as one tree.

NurtureError
├── ConfigurationError        a setting is missing or wrong; start-up stops
├── InputError                somebody gave us something we cannot use; they are told what to change
│   ├── FileError             a campaign, template or settings file; names file, line and key
│   │   └── TemplateError     a template that must not or cannot be rendered
│   ├── HeaderError           a value that would break a mail's header
│   └── AddressError          not an e-mail address that we can send to
├── SecurityError             a check refused; the caller learns little, the log everything
│   ├── InvalidToken          a link or reply token that we did not issue
│   ├── NotSignedIn           no valid session, or not the right password
│   ├── TooManyAttempts       guessed too often; told when the next try is heard
│   └── Forbidden             signed in, but not allowed
├── ConflictError             somebody else changed it first, or it is not in a state that allows this
│   └── IllegalTransition     a status machine was asked for a step that it does not have
├── NotFound                  the thing that was named does not exist
└── MailerError               the mailer could not hand the message over
    ├── MessageRefused        this message will never be accepted
    ├── AccountRefused        no message will be accepted until the operator acts
    ├── RefusedForNow         certainly not accepted, may be tried again
    └── OutcomeUnknown        nobody can tell whether it was accepted
"""

from dataclasses import dataclass
from datetime import timedelta


class NurtureError(Exception):
    """Base of all errors that Nurture raises on purpose."""


class ConfigurationError(NurtureError):
    """A setting is missing or wrong."""


class InputError(NurtureError, ValueError):
    """Something given to us cannot be used."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a file: where it is, what it is and what to do about it."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class FileError(InputError):
    """One or more faults in a file; `problems` lists them all."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class TemplateError(FileError):
    """A template that must not or cannot be rendered."""


class HeaderError(InputError):
    """A value that would break a mail's header."""


class AddressError(InputError):
    """Not an e-mail address that we can send to."""


class SecurityError(NurtureError):
    """A security check refused."""


class InvalidToken(SecurityError):
    """A token that we did not issue, or not for this purpose."""


class NotSignedIn(SecurityError):
    """No valid session."""


class TooManyAttempts(SecurityError):
    """Tried too often without success; the next try is heard after `retry_after`."""

    def __init__(self, message: str, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Forbidden(SecurityError):
    """Signed in, but not allowed to do this."""


class ConflictError(NurtureError):
    """The thing changed meanwhile, or is not in a state that allows this."""


class IllegalTransition(ConflictError):
    """A status machine was asked for a step that it does not have."""


class NotFound(NurtureError):
    """The thing that was named does not exist."""


class MailerError(NurtureError):
    """The mailer could not hand the message over."""


class MessageRefused(MailerError):
    """This message will never be accepted (for example SMTP 550)."""


class AccountRefused(MailerError):
    """No message will be accepted until the operator acts (for example a wrong password)."""


class RefusedForNow(MailerError):
    """Certainly not accepted; may be tried again, not before `retry_after` where it is given."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(MailerError):
    """Nobody can tell whether the message was accepted."""
