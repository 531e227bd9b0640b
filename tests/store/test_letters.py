import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agro.domain.errors import BadInput, SourceDown
from agro.store.letters import MailServer, message, put, send

LETTER = message("k1", "agro@localhost", "farm@example.ru", "Тема\nBcc: x@y", "Текст\n", {"places.kml": ("application/vnd.google-earth.kml+xml", b"<kml/>")})  # fmt: skip


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as the client speaks."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        body: list[bytes] | None = None
        for line in self.rfile:
            if body is not None:
                if line == b".\r\n":
                    self.server.got.append(b"".join(body))  # type: ignore[attr-defined]
                    body = None
                    self.wfile.write(b"250 taken\r\n")
                else:
                    body.append(line)
                continue
            word = line[:4].upper()
            if word == b"DATA":
                body = []
            answer = {b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 ok\r\n")
            if self.server.full and word == b"MAIL":  # type: ignore[attr-defined]
                answer = b"452 no room\r\n"
            self.wfile.write(answer)
            if word == b"QUIT":
                return


@pytest.fixture
def server() -> Iterator[socketserver.TCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail) as one:
        one.got, one.full, one.daemon_threads = [], False, True  # type: ignore[attr-defined]
        thread = threading.Thread(target=one.serve_forever, daemon=True)
        thread.start()
        yield one
        one.shutdown()


def test_a_letter_arrives_as_it_was_written(server: socketserver.TCPServer) -> None:
    send(MailServer("127.0.0.1", server.server_address[1], "", ""), "agro@localhost", "farm@example.ru", LETTER)
    mail = email.message_from_bytes(server.got[0], policy=email.policy.default)  # type: ignore[attr-defined]
    assert mail["Subject"] == "Тема Bcc: x@y" and mail["Bcc"] is None and mail["Message-ID"] == "<k1@agro>"
    assert mail.get_body().get_content().strip() == "Текст"  # type: ignore[union-attr]
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("places.kml", b"<kml/>")


def test_a_server_that_is_full_or_gone_is_told(server: socketserver.TCPServer) -> None:
    server.full = True  # type: ignore[attr-defined]
    port = server.server_address[1]
    with pytest.raises(SourceDown, match="no room"):
        send(MailServer("127.0.0.1", port, "", ""), "a@b", "c@d", LETTER)
    with pytest.raises(SourceDown, match=r"127\.0\.0\.1:1:"):
        send(MailServer("127.0.0.1", 1, "", ""), "a@b", "c@d", LETTER)


def test_a_password_never_goes_over_a_plain_line(server: socketserver.TCPServer) -> None:
    with pytest.raises(BadInput, match="no encryption"):
        send(MailServer("127.0.0.1", server.server_address[1], "me", "secret"), "a@b", "c@d", LETTER)
    assert server.got == []  # type: ignore[attr-defined]


def test_the_outbox_holds_whole_letters_once(tmp_path: Path) -> None:
    for _ in range(2):
        put(tmp_path / "out", "one.eml", LETTER)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["one.eml"]
    assert (tmp_path / "out" / "one.eml").read_bytes() == LETTER
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be laid"):
        put(tmp_path / "file", "one.eml", LETTER)


@pytest.mark.parametrize("address", ["farm", "a@b c@d", "@", "", "Заря", "x@y@z"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(BadInput, match="no mail address"):
        message("k", "agro@localhost", address, "s", "t", {})
