"""The door for letters: an outbox folder, or a mail server. A letter is one RFC 5322 message in either."""

import smtplib
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path

from agro.domain.errors import BadInput, SourceDown
from agro.store.whole_file import write_whole

_DEADLINE_S = 30  # [s] for each step with a mail server


@dataclass(frozen=True)
class MailServer:
    """Where letters are handed over: host, port, user and password (both empty: none is asked for)."""

    host: str
    port: int
    user: str
    password: str


def message(
    key: str, sender: str, to: str | None, subject: str, text: str, attachments: dict[str, tuple[str, bytes]]
) -> bytes:
    """The bytes of one letter; the same `key` gives the same Message-ID, so that a letter sent twice arrives once.

    to           an address; None: whoever finds the letter in the outbox sends it on
    attachments  file name -> (MIME type, content)
    """
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Date"] = _address(sender), _one_line(subject), formatdate(usegmt=True)
    if to is not None:
        mail["To"] = _address(to)
    mail["Message-ID"] = f"<{key}@agro>"
    mail.set_content(text)
    for name, (kind, content) in attachments.items():
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes()


def _address(text: str) -> Address:
    """A sound address, `name@host` or `Name <name@host>`. Raises BadInput."""
    name, spec = parseaddr(_one_line(text))
    try:
        return Address(display_name=name, addr_spec=spec)
    except (ValueError, IndexError, AttributeError, MessageError):
        raise BadInput(
            "MAIL-ADDRESS",
            "{met} is no mail address, expected name@host",
            "mend it in messages.sender or in the file of messages.addresses",
            met=text,
        ) from None


def _one_line(text: str) -> str:
    """A header cannot be continued by a name that holds a line break."""
    return " ".join(text.split())


def put(outbox: Path, name: str, content: bytes) -> Path:
    """Lay a letter into the outbox, whole or absent; the same name twice is one letter."""
    target = outbox / name
    try:
        write_whole(target, content)
    except OSError as error:
        raise BadInput(
            "OUTBOX",
            "{where}: letters cannot be laid here ({met})",
            "choose another folder in messages.outbox; the letters are made again then",
            where=str(outbox),
            met=error.strerror,
        ) from None
    return target


def send(server: MailServer, sender: str, to: str, content: bytes) -> None:
    """Hand a letter to the mail server. A password goes over an encrypted line only. Raises SourceDown."""
    try:
        with smtplib.SMTP(server.host, server.port, timeout=_DEADLINE_S) as line:
            line.ehlo()
            if line.has_extn("starttls"):
                line.starttls(context=ssl.create_default_context())
                line.ehlo()
            elif server.user:
                raise BadInput(
                    "MAIL-PLAIN",
                    "{where}: the mail server offers no encryption, and a password is set",
                    "take its port for encrypted mail (587), or a server that needs no password",
                    where=f"{server.host}:{server.port}",
                )
            if server.user:
                line.login(server.user, server.password)
            line.sendmail(sender, [to], content)
    except (OSError, smtplib.SMTPException) as error:
        raise SourceDown(
            "MAIL-DOWN",
            "{where}: the mail server did not take the letter ({met})",
            "check messages.smtp and the network; the letter is sent after the next pass",
            where=f"{server.host}:{server.port}",
            met=str(error)[:200],
        ) from None
