#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Somebody on the way alters and repeats what passes. What was said arrives all the same, once and in order; the receiver
is told, and not flooded."""

import socket
import threading

from support import main, started
from people import Person, Relay, introduce, make, require


class Middle:
    """Passes on what comes to a port of its own, and changes what goes to the relay as it is told to."""

    def __init__(self, endpoint):
        self.target = endpoint.rsplit("/", 1)[1].split(":")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.change = lambda data: data
        self.left = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            for ends in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._copy, args=ends, daemon=True).start()

    def _copy(self, source, sink, to_relay):
        try:
            while data := source.recv(65536):
                if to_relay and self.left > 0 and len(data) > 100:
                    data = self.change(data)
                    self.left -= 1
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def tamper(self, times, change):
        self.change = change
        self.left = times

    def kill(self):
        self.listener.close()


def meet_past(folder):
    """Alice reaches the relay through the middle only, without protection of that hop."""
    relay = started(Relay(folder, "tcp://127.0.0.1:*", "--clear"))
    middle = started(Middle(relay.endpoint))
    cards = make(folder, middle.endpoint, "alice") | make(folder, relay.address, "bob")
    introduce(folder, cards, "alice", "bob")
    alice, bob = started(Person(folder, "alice")), started(Person(folder, "bob"))
    alice.told("here", who="bob")
    bob.told("here", who="alice")
    return middle, alice, bob


def talk(alice, bob, count):
    for number in range(count):
        alice.say(f"/msg bob number {number}")
        alice.told("sent", text=f"number {number}")
    bob.told("message", text=f"number {count - 1}")
    texts = [record[7] for record in bob.heard()]
    require(texts == [f"number {number}" for number in range(count)], f"not once and in order: {texts}")
    alice.told("delivered", number=count)


def forged(person):
    return [record for record in person.heard("warning") if record[7].startswith("dropped")]


def what_is_altered_is_dropped_and_told(folder):
    middle, alice, bob = meet_past(folder)
    middle.tamper(20, lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    talk(alice, bob, 50)
    require(middle.left < 20, "nothing was altered")
    require(forged(bob) and forged(bob)[0][7].startswith("dropped something that claims to be from alice: "),
            f"bob was told {bob.heard('warning')}")
    require(len(forged(bob)) <= 3, "bob was told again and again")
    for person in (alice, bob):
        person.finish()


def what_is_repeated_counts_once(folder):
    middle, alice, bob = meet_past(folder)
    middle.tamper(20, lambda data: data + data)
    talk(alice, bob, 50)
    require(middle.left < 20, "nothing was repeated")
    for person in (alice, bob):
        person.finish()


if __name__ == "__main__":
    main(what_is_altered_is_dropped_and_told, what_is_repeated_counts_once)
