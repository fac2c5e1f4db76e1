"""An outside system that follows the platform's events, with nothing but Python's standard library.

It does not sign in, speaks no TLS, and leaves the alarm for a long gap and a changed `lineage_id` to a real system.
It keeps its own books in two files of its state folder; a real system has a database there. `applied.jsonl` is both what it
has done and what it remembers, so the two cannot disagree: one line is written and flushed to the disk before the broker
is told. `set_aside.jsonl` names the messages that a person has to look at. The rules are those of proto/README.md, Events.

Settings: YUCHONG_NATS_URL, YUCHONG_STREAM, YUCHONG_CONSUMER (a durable pull consumer that exists), YUCHONG_STATE (a folder).
"""
import json
import os
import pathlib
import socket
import sys
import urllib.parse

KNOWN_VERSIONS = {1}
SOON = 250_000_000  # nanoseconds until a message that came too early is offered again


class Undecodable(Exception):
    """The bytes are no envelope."""


def decode(message):
    """The fields of yuchong.common.v1.Envelope that order and repetition need. Unknown fields are passed over."""
    fields, at = {}, 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            fields[number], at = _varint(message, at)
        elif kind in (1, 2, 5):
            length, at = _varint(message, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            if at + length > len(message):
                raise Undecodable("a field is longer than the message")
            fields[number], at = message[at : at + length], at + length
        else:
            raise Undecodable(f"wire type {kind}")
    try:
        envelope = {
            "event_id": fields[1].decode(),
            "type": fields[2].decode(),
            "schema_version": fields[3],
            "aggregate_type": fields[4].decode(),
            "aggregate_id": fields[5].decode(),
            "aggregate_version": fields[6],
        }
    except (KeyError, AttributeError, UnicodeDecodeError) as error:
        raise Undecodable(f"no envelope: {error}") from error
    version = envelope["aggregate_version"]
    if not isinstance(version, int) or not 1 <= version < 1 << 63 or not isinstance(envelope["schema_version"], int):
        raise Undecodable("a version is no number from 1 on")
    return envelope


def _varint(message, at):
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise Undecodable("a number has no end")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


class Books:
    """What was done, on the disk; and what of it is remembered."""

    def __init__(self, folder):
        self.applied = folder / "applied.jsonl"
        self.aside = folder / "set_aside.jsonl"
        self.versions = {}
        self.set_aside = set()
        self.recall()

    def recall(self):
        for line in _whole_lines(self.applied):
            self.versions[_aggregate(line)] = line["aggregate_version"]
        self.set_aside = {line["stream_sequence"] for line in _whole_lines(self.aside)}

    def last_version(self, envelope):
        return self.versions.get(_aggregate(envelope), 0)

    def apply(self, envelope):
        _append(self.applied, {key: envelope[key] for key in envelope if key != "schema_version"})
        self.versions[_aggregate(envelope)] = envelope["aggregate_version"]

    def put_aside(self, sequence, reason):
        if sequence not in self.set_aside:
            _append(self.aside, {"stream_sequence": sequence, "reason": reason})
            self.set_aside.add(sequence)


def _aggregate(line):
    return line["aggregate_type"], line["aggregate_id"]


def _whole_lines(path):
    """All lines; half a line, left by a crash in the middle of writing, was never told to the broker and is cut off."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def _append(path, line):
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


class Consumer:
    """Decides what each message is: new, known, too early, or for a person."""

    def __init__(self, books):
        self.books = books

    def receive(self, message, sequence):
        """What the broker shall be told: b"+ACK" (done), or b"-NAK …" (offer it again soon)."""
        try:
            envelope = decode(message)
        except Undecodable:
            self.books.put_aside(sequence, "undecodable")
            return b"+ACK"
        last = self.books.last_version(envelope)
        if envelope["aggregate_version"] <= last:
            return b"+ACK"
        if envelope["aggregate_version"] > last + 1:
            # One before it is missing. It comes again from the producer; the other aggregates go on meanwhile.
            return b'-NAK {"delay": %d}' % SOON
        if envelope["schema_version"] not in KNOWN_VERSIONS:
            # Kept by the broker too: a newer program will read it. What follows it waits, since a version is missing.
            self.books.put_aside(sequence, "unknown_schema_version")
            return b'-NAK {"delay": %d}' % (SOON * 4)
        self.books.apply(envelope)
        return b"+ACK"


class Broker:
    """As much of the NATS protocol as a pull consumer needs."""

    def __init__(self, url):
        place = urllib.parse.urlparse(url)
        self.socket = socket.create_connection((place.hostname, place.port or 4222), timeout=15)
        self.reader = self.socket.makefile("rb")
        self.reader.readline()  # INFO
        self.send(b'CONNECT {"verbose": false, "pedantic": false, "headers": true, "lang": "python", "version": "1"}')
        self.inbox = "_INBOX." + os.urandom(12).hex()
        self.send(f"SUB {self.inbox} 1".encode())

    def send(self, line):
        self.socket.sendall(line + b"\r\n")

    def publish(self, subject, body, reply=""):
        self.send(f"PUB {subject} {reply} {len(body)}".encode() + b"\r\n" + body)

    def next_message(self):
        """Subject to answer on, header and body of what comes next; None for other lines."""
        line = self.reader.readline().split()
        if not line:
            raise ConnectionError("the broker has gone")
        if line[0] == b"PING":
            self.send(b"PONG")
        if line[0] not in (b"MSG", b"HMSG"):
            return None
        total, header = int(line[-1]), int(line[-2]) if line[0] == b"HMSG" else 0
        content = self.reader.read(total + 2)[:total]
        # [subject, sid, (reply), (header bytes), total bytes]
        reply = line[3].decode() if len(line) == (6 if line[0] == b"HMSG" else 5) else ""
        return reply, content[:header], content[header:]


def stream_sequence(reply):
    """$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.…, since 2.14 with two more names in front."""
    parts = reply.split(".")
    return int(parts[5] if len(parts) == 9 else parts[7])


def follow(consumer, broker, stream, durable):
    """Takes 32 at a time, for ever."""
    ask = json.dumps({"batch": 32, "expires": 5_000_000_000}).encode()
    pull = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
    while True:
        broker.publish(pull, ask, broker.inbox)
        open_places = 32
        while open_places > 0:
            message = broker.next_message()
            if message is None:
                continue
            reply, header, body = message
            if not reply.startswith("$JS.ACK."):
                if b" 503" in header:
                    raise ConnectionError("the broker has no such consumer")
                break  # another status: the time is up
            open_places -= 1
            broker.publish(reply, consumer.receive(body, stream_sequence(reply)))


def main(kind=Consumer, books=Books):
    state = pathlib.Path(os.environ["YUCHONG_STATE"])
    follow(
        kind(books(state)),
        Broker(os.environ["YUCHONG_NATS_URL"]),
        os.environ["YUCHONG_STREAM"],
        os.environ["YUCHONG_CONSUMER"],
    )


if __name__ == "__main__":
    sys.exit(main())
