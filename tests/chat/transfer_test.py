#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Files through the relay: whole, past a relay that is killed, past a participant that is killed, and hostile ones."""

import os

from support import main, started
from people import Person, Relay, require
from conversation_test import meet

SIZE = 16 << 20


def make_file(folder, name="photo.jpg", size=SIZE):
    path = os.path.join(folder, name)
    content = os.urandom(4096)
    with open(path, "wb") as file:
        file.write(content * (size // 4096))
    return path


def same(path, other):
    with open(path, "rb") as file, open(other, "rb") as other_file:
        return file.read() == other_file.read()


def received(person, name):
    return os.path.join(person.home, "files", name)


def under_way(person):
    """Waits until some of the file is there, and not all."""
    person.wait("progress", lambda record: record[0] == "progress" and not record[6].startswith("0/"))


def a_file_arrives_whole(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    path = make_file(folder)
    alice.say(f"/send bob {path}")
    bob.told("offer", who="alice", text="photo.jpg")
    bob.say("/accept")
    bob.told("file-done", text=received(bob, "photo.jpg"))
    alice.told("file-done", text="photo.jpg")
    require(same(path, received(bob, "photo.jpg")), "the file differs")
    alice.say(f"/send bob {path}")
    bob.told("offer", number=2)
    bob.say("/accept 2")
    bob.told("file-done", text=received(bob, "photo (2).jpg"))
    for person in (alice, bob):
        person.finish()
    relay.terminate()
    with open(path, "rb") as file:
        require(file.read(64) not in relay.recorded(), "the relay saw the file")


def the_relay_dies_under_way(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    path = make_file(folder, size=4 * SIZE)
    alice.say(f"/send bob {path}")
    bob.told("offer")
    bob.say("/accept")
    under_way(bob)
    relay.kill()
    for person in (alice, bob):
        person.told("warning", text="the relay is gone; what you say will be delivered when it is back")
    require(not bob.heard("file-done"), "the file was too small for this test")
    alice.say("/msg bob said while the relay was away")
    relay = started(Relay(folder, relay.endpoint))
    bob.told("message", text="said while the relay was away")
    bob.told("file-done", text=received(bob, "photo.jpg"))
    alice.told("file-done", text="photo.jpg")
    require(same(path, received(bob, "photo.jpg")), "the file differs")
    for person in (alice, bob):
        person.finish()
    relay.terminate()


def the_receiver_dies_under_way(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    path = make_file(folder, size=4 * SIZE)
    alice.say(f"/send bob {path}")
    bob.told("offer")
    bob.say("/accept")
    under_way(bob)
    bob.kill()
    bob.collect()
    require(not bob.heard("file-done"), "the file was too small for this test")
    bob = started(Person(folder, "bob"))
    offer = bob.told("offer", text="photo.jpg")
    require(not offer[6].startswith("0/"), "what was there is lost")
    bob.say("/accept")
    bob.told("file-done", text=received(bob, "photo.jpg"))
    require(same(path, received(bob, "photo.jpg")), "the file differs")
    for person in (alice, bob):
        person.finish()
    relay.terminate()


def a_file_is_declined(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    alice.say(f"/send bob {make_file(folder, size=4096)}")
    bob.told("offer")
    bob.say("/cancel")
    alice.told("file-failed", text="declined by the other end")
    alice.say("/send bob /nowhere")
    alice.told("error", text="/nowhere: No such file or directory")
    alice.finish(1)
    bob.finish()
    relay.terminate()


if __name__ == "__main__":
    main(a_file_arrives_whole, the_relay_dies_under_way, the_receiver_dies_under_way, a_file_is_declined)
