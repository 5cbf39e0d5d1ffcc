"""Everything that a use case needs from outside, in one value."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from nurture.clock import Clock
from nurture.config import Settings
from nurture.mail.mailer import Mailer
from nurture.net.addresses import address_hash
from nurture.store.base import reading, writing
from nurture.tokens import LinkKeys


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings, database, clock, mailer and keys of a running installation.

    Built by `nurture.app.build_runtime`; tests build their own with a fixed clock.
    """

    settings: Settings
    engine: Engine
    clock: Clock
    mailer: Mailer
    links: LinkKeys

    def read(self) -> AbstractContextManager[Session]:
        """A session that sees one state of the database and writes nothing."""
        return reading(self.engine)

    def write(self) -> AbstractContextManager[Session]:
        """A session in one transaction: committed at the end, rolled back on any error."""
        return writing(self.engine)

    def hash_address(self, address: str) -> str:
        """By what an address is recognised after its person was erased."""
        return address_hash(self.settings.suppression_secret(), address)
