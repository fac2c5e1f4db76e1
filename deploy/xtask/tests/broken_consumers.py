"""Consumers that break one rule each, in ways that happen: the examination has to find every one of them.

The first argument says which; the second is the folder of the sound one.
"""
import queue
import sys
import threading

sys.path.insert(0, sys.argv[2])
import consumer as sound  # noqa: E402


class ForgetsRepetitions(sound.Consumer):
    """Does whatever comes, as often as it comes."""

    def receive(self, message, sequence):
        self.books.apply(sound.decode(message))
        return b"+ACK"


class KnowsOnlyTheNewest(sound.Consumer):
    """Takes a version for the newest if it is higher: what comes late is lost."""

    def receive(self, message, sequence):
        envelope = sound.decode(message)
        if envelope["aggregate_version"] > self.books.last_version(envelope):
            self.books.apply(envelope)
        return b"+ACK"


class StopsAtAGap(sound.Consumer):
    """Lets everybody wait until the missing version of one aggregate is there."""

    waits_for = None

    def receive(self, message, sequence):
        aggregate = sound.decode(message)["aggregate_id"]
        if self.waits_for not in (None, aggregate):
            return b'-NAK {"delay": 250000000}'
        answer = super().receive(message, sequence)
        self.waits_for = None if answer == b"+ACK" else aggregate
        return answer


class Forgetful(sound.Books):
    """Keeps in memory only what it has applied."""

    def recall(self):
        pass


class WritesBehind(sound.Books):
    """Tells the broker at once, and writes a little later."""

    def __init__(self, folder):
        self.lines = queue.SimpleQueue()
        super().__init__(folder)
        threading.Thread(target=self.write, daemon=True).start()

    def write(self):
        while True:
            sound._append(self.applied, self.lines.get())

    def apply(self, envelope):
        self.versions[envelope["aggregate_type"], envelope["aggregate_id"]] = envelope["aggregate_version"]
        self.lines.put(envelope)


class WaitsInMemory(sound.Consumer):
    """Acknowledges what comes too early, and keeps it in memory only."""

    def __init__(self, books):
        super().__init__(books)
        self.early = {}

    def receive(self, message, sequence):
        answer = super().receive(message, sequence)
        while answer == b"+ACK" and self.early:
            again = {key: text for key, text in self.early.items() if super(WaitsInMemory, self).receive(text, key) != b"+ACK"}
            if len(again) == len(self.early):
                break
            self.early = again
        if answer != b"+ACK":
            self.early[sequence] = message
        return b"+ACK"


class GuessesVersions(sound.Consumer):
    """Takes every schema_version for the one it knows."""

    def receive(self, message, sequence):
        sound.KNOWN_VERSIONS = {1, 99}
        return super().receive(message, sequence)


class DropsWhatItDoesNotKnow(sound.Consumer):
    """Acknowledges an unknown schema_version and forgets it."""

    def receive(self, message, sequence):
        try:
            known = sound.decode(message)["schema_version"] == 1
        except sound.Undecodable:
            known = True
        return super().receive(message, sequence) if known else b"+ACK"


class DiesOfGarbage(sound.Consumer):
    """Ends at what it cannot decode; started again, it gets it again."""

    def receive(self, message, sequence):
        sound.decode(message)
        return super().receive(message, sequence)


class StrictAboutFields(sound.Consumer):
    """Takes an envelope with a field that it does not know for garbage."""

    def receive(self, message, sequence):
        if message.endswith(b"new"):
            self.books.put_aside(sequence, "undecodable")
            return b"+ACK"
        return super().receive(message, sequence)


BROKEN = {
    kind.__name__: kind
    for kind in (
        ForgetsRepetitions, KnowsOnlyTheNewest, StopsAtAGap, Forgetful, WritesBehind, WaitsInMemory, GuessesVersions,
        DropsWhatItDoesNotKnow, DiesOfGarbage, StrictAboutFields,
    )
}

if __name__ == "__main__":
    which = BROKEN[sys.argv[1]]
    sound.main(
        kind=which if issubclass(which, sound.Consumer) else sound.Consumer,
        books=which if issubclass(which, sound.Books) else sound.Books,
    )
