"""An outside system that receives the platform's webhooks, with nothing but Python's standard library.

It verifies each message by the rules of Standard Webhooks (symmetric, v1), does its effect once, and answers 204 after that is
on the disk. It speaks no TLS: a real system stands behind a server that does. Its book is one file of its state folder,
`received.jsonl`; a real system has a database there. The rules are those of proto/README.md, Webhooks.

Settings: YUCHONG_WEBHOOK_SECRETS (whsec_…, during a rotation two of them separated by a blank), YUCHONG_LISTEN (host:port),
YUCHONG_STATE (a folder).
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import threading
import time

TOLERANCE = 300  # seconds between the clocks of both sides
BODY_MAX = 1 << 20


class Refused(Exception):
    """The message does not come from the platform, or is an old one that somebody plays again."""


def verify(secrets, headers, body, now):
    """The webhook-id of a genuine message. `body` is what came, byte for byte, before anything reads it as JSON."""
    identity, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identity or not timestamp.isascii() or not timestamp.isdigit():
        raise Refused("headers are missing")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise Refused("too old, or from the future")
    signed = f"{identity}.{timestamp}.".encode() + body
    given = [one[3:] for one in headers.get("webhook-signature", "").split(" ") if one.startswith("v1,")]
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if any(hmac.compare_digest(expected, one) for one in given):
            return identity
    raise Refused("no signature fits")


class Book:
    """What was done, on the disk; and what of it is remembered."""

    def __init__(self, folder):
        self.path = folder / "received.jsonl"
        self.lock = threading.Lock()
        self.known = set()
        content = self.path.read_bytes() if self.path.exists() else b""
        # Half a line, left by a crash in the middle of writing, was never answered.
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self.path, len(whole))
        self.known = {json.loads(line)["webhook_id"] for line in whole.splitlines()}

    def receive(self, identity, event):
        """Does the effect of an event that is new; one that is known has had it."""
        with self.lock:
            if identity in self.known:
                return
            line = {"webhook_id": identity, "type": event["type"], "data": event["data"]}
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self.known.add(identity)


def handler(secrets, book):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            length = int(self.headers.get("content-length") or 0)
            if length > BODY_MAX:
                return self.answer(413)
            body = self.rfile.read(length)
            try:
                identity = verify(secrets, self.headers, body, time.time())
            except Refused as refused:
                self.log_message("refused: %s", refused)
                return self.answer(401)
            book.receive(identity, json.loads(body))
            self.answer(204)

        def answer(self, status):
            self.send_response(status)
            if status != 204:
                self.send_header("content-length", "0")
            self.end_headers()

    return Handler


def main():
    host, port = os.environ["YUCHONG_LISTEN"].rsplit(":", 1)
    secrets = os.environ["YUCHONG_WEBHOOK_SECRETS"].split()
    folder = pathlib.Path(os.environ["YUCHONG_STATE"])
    folder.mkdir(parents=True, exist_ok=True)
    book = Book(folder)
    http.server.ThreadingHTTPServer((host, int(port)), handler(secrets, book)).serve_forever()


if __name__ == "__main__":
    main()
