#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Three people and a stranger talk through a relay, by the program itself; and what its commands say."""

import os
import stat
import subprocess

from support import main, started
from people import IRONCHAT, PATIENCE, Person, Relay, introduce, make, require, run

SECRET = "the treasure is under the old oak"


def meet(folder, *names):
    """A relay and these people, who know each other and are all here."""
    relay = started(Relay(folder))
    cards = make(folder, relay.address, *names)
    introduce(folder, cards, *names)
    people = [started(Person(folder, name)) for name in names]
    for person in people:
        for name in names:
            if name != person.name:
                person.told("here", who=name)
    return relay, cards, people


def arrived(person, text):
    """Waits until the person knows that this text has reached its one receiver."""
    person.told("delivered", number=person.told("sent", text=text)[5])


def three_talk_and_a_stranger_hears_nothing(folder):
    relay, cards, (alice, bob, carol) = meet(folder, "alice", "bob", "carol")
    make(folder, relay.address, "mallory")
    run("keys", "--home", os.path.join(folder, "mallory"), "add", *cards.values())
    mallory = started(Person(folder, "mallory"))
    mallory.say("/msg bob let me in")
    key = bob.told("stranger")[7]

    alice.say("/room #plan bob carol")
    for person in (bob, carol):
        person.told("invited", who="alice", where="#plan")
        person.say("/join #plan")
    for person in (alice, bob, carol):
        for other in (bob, carol):
            if other is not person:
                person.told("room", who=other.name, where="#plan", text="joined")
    alice.say(SECRET)
    bob.told("message", who="alice", where="#plan", text=SECRET)
    carol.told("message", who="alice", where="#plan", text=SECRET)
    alice.wait("delivery to both", lambda record: record[0] == "delivered" and record[6] == "2/2")
    carol.say("/msg bob only for you: " + SECRET)
    bob.told("message", who="carol", where="-", text="only for you: " + SECRET)
    arrived(carol, "only for you: " + SECRET)
    for person in (alice, bob, carol, mallory):
        person.say("/quit")
        person.finish(1 if person is mallory else 0)
    relay.terminate()

    require(not mallory.heard() and not mallory.heard("here"), "the stranger heard something")
    require(not [record for record in alice.heard() if "only for you" in record[7]], "a direct message went to others")
    recording = relay.recorded()
    require(len(recording) > 2000, "the recording is empty")
    for word in (SECRET, "plan", "let me in", "only for you", "alice", "mallory"):
        require(word.encode() not in recording, f"the relay saw {word!r}")
    require(len(key) == 43, "the stranger's key was not told")


def a_pipe_delivers_before_it_ends(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    for number in range(200):
        alice.say(f"/msg bob number {number}")
    alice.finish()
    bob.told("message", text="number 199")
    texts = [record[7] for record in bob.heard()]
    require(texts == [f"number {number}" for number in range(200)], f"not once and in order: {texts}")
    bob.told("away", who="alice")
    bob.finish()
    relay.terminate()


def who_quits_knows_what_arrived(folder):
    """What is said with the last breath arrives, and what cannot is said and shows in the exit status."""
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    alice.finish()
    alice = started(Person(folder, "alice", "--wait", str(PATIENCE)))
    alice.told("here", who="bob")
    bob.records.clear()
    alice.say("/msg bob one more thing")
    alice.say("/quit")
    alice.finish()
    bob.told("message", text="one more thing")
    bob.told("away", who="alice")
    bob.say("/msg alice are you there?")
    bob.told("sent")
    bob.say("/quit")
    bob.finish(1)
    require("not all that was said or sent has arrived" in "".join(bob.errors), f"no word of it: {bob.errors}")
    relay.terminate()


def shell(command, *arguments):
    """Runs a line of shell, in which "$@" is ironchat with these arguments; returns its status and what it printed."""
    done = subprocess.run(["sh", "-c", command, "sh", IRONCHAT, *arguments], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def any_input_and_output_will_do(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    alice.finish()
    path = os.path.join(folder, "lines")
    with open(path, "w", encoding="utf-8") as file:
        file.write("from a file\nwithout an end")
    join = ("join", "--home", alice.home, "--plain")
    status, told, _ = shell(f'exec "$@" <{path}', *join)
    require(status == 0 and told.count("\ndelivered\t") == 2, f"from a file: {status} {told}")
    bob.told("message", text="without an end")
    status, told, _ = shell('exec "$@" <&-', *join)
    require(status == 0 and told.startswith("ready\t"), f"input closed: {status} {told}")
    status, _, errors = shell('echo quietly | "$@" >&-', *join)
    require(status == 0, f"output closed: {status} {errors}")
    bob.told("message", text="quietly")
    status, _, errors = shell('echo to a full disk | "$@" >/dev/full', *join)
    require(status == 1 and "did not take all" in errors, f"output full: {status} {errors}")
    bob.told("message", text="to a full disk")
    bob.finish()
    relay.terminate()


def marks_last(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    alice.say("/verify bob")
    bob.say("/verify alice")
    number = alice.told("safety", who="bob")[7]
    require(bob.told("safety", who="alice")[7] == number, "the safety numbers differ")
    alice.say("/verify bob yes")
    alice.told("info", text="bob is verified now")
    bob.say("/msg alice it is me")
    record = alice.told("message", text="it is me")
    require(record[3] == "verified", "the mark is wrong")
    arrived(bob, "it is me")
    alice.finish()
    require(f"bob\tverified\t{number}" in run("keys", "--home", alice.home, "list"), "the mark was not kept")
    bob.finish()
    relay.terminate()


def what_comes_is_one_line(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    alice.say("/msg bob a\x1b[2Jb\x9b31m\tc\u202ed\u200be\x07")
    require(bob.told("message")[7] == "a\ufffd[2Jb\ufffd31m c\ufffdde\ufffd", f"not clean: {bob.heard()}")
    alice.say("/msg bob " + "x" * 5000)
    alice.told("error", text="too long: 4096 octets are the most")
    alice.say("x" * 20000)
    alice.told("error", text="the line is too long, and left out")
    for person in (alice, bob):
        person.finish()
    relay.terminate()


def history_comes_back(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    bob.say("/quit")
    bob.finish()
    secret = os.path.join(folder, "secret")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("correct horse battery staple\n")
    for _ in range(2):
        bob = started(Person(folder, "bob", "--passphrase-file", secret))
        bob.told("here", who="alice")
        alice.say("/msg bob " + SECRET)
        bob.wait("it", lambda record: record[0] == "message" and record[7] == SECRET)
        arrived(alice, SECRET)
        bob.finish()
        alice.told("away", who="bob")
        alice.records.clear()
    require(len([record for record in bob.heard("past") if SECRET in record[7]]) == 1, "the history is not there")
    path = os.path.join(bob.home, "history")
    with open(path, "rb") as file:
        require(SECRET.encode() not in file.read(), "the history is in clear")
    require(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "the history can be read by others")
    status, told, errors = shell('printf "correct horse battery staple\\nx" | "$@"', "join", "--home", bob.home, "--plain",
                                 "--passphrase-file", "/dev/stdin")
    require(status == 0 and SECRET in told, f"from a pipe: {status} {errors}")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("x" * 2000)
    require("no passphrase" in run("join", "--home", bob.home, "--plain", "--passphrase-file", secret, status=1), "long")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("wrong\n")
    error = run("join", "--home", bob.home, "--plain", "--passphrase-file", secret, status=1)
    require("the passphrase is another" in error, error)
    alice.finish()
    relay.terminate()


def a_contacts_file_with_errors_is_left_alone(folder):
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    alice.say("/quit")
    alice.finish()
    path = os.path.join(alice.home, "contacts")
    with open(path, "a", encoding="utf-8") as file:
        file.write("# a friend\ncarol what verified\n")
    with open(path, "rb") as file:
        before = file.read()
    alice = started(Person(folder, "alice"))
    alice.told("here", who="bob")
    alice.say("/verify bob yes")
    alice.told("warning", text="the contacts file has errors and is left as it is: this will be forgotten")
    alice.finish()
    require(f"{path}:3: the second word is not a key\n" in "".join(alice.errors), f"no line number: {alice.errors}")
    with open(path, "rb") as file:
        require(file.read() == before, "the file was changed")
    bob.finish()
    relay.terminate()


def a_contact_string_is_enough(folder):
    """Bob needs no more than Alice's: it names the relay too. Each is a stranger until both have added the other."""
    relay = started(Relay(folder))
    alice = started(Person(folder, "alice", "--name", "alice", "--relay", relay.address))
    bob = started(Person(folder, "bob", "--name", "bob", alice.told("ready")[7]))
    alice.told("stranger", text=bob.told("ready")[7].split(",")[2])
    bob.told("warning", text="alice does not let you in yet: you are no contact there")
    bob.say("hello before you know me")
    alice.say("/add " + bob.told("ready")[7])
    alice.told("message", who="bob", text="hello before you know me")
    bob.told("here", who="alice")
    arrived(bob, "hello before you know me")
    bob.process.terminate()
    alice.told("away", who="bob")
    bob.finish()
    alice.finish()
    relay.terminate()


def a_relay_that_cannot_be_used_is_told(folder):
    """None at the place, and one whose key is not known."""
    relay = started(Relay(folder))
    cards = make(folder, relay.endpoint, "alice", "bob") | make(folder, "ipc://" + folder + "/nobody", "carol")
    introduce(folder, cards, "alice", "bob", "carol")
    alice, carol = started(Person(folder, "alice")), started(Person(folder, "carol"))
    alice.wait("a hint", lambda record: record[0] == "warning" and "it may want the key" in record[7])
    carol.wait("word of it", lambda record: record[0] == "warning" and record[7].startswith("no relay answers at ipc:"))
    for person in (alice, carol):
        person.finish()
    require(not [record for record in alice.heard("info") if "back" in record[7]], "the relay was back")
    relay.terminate()


def one_at_a_time(folder):
    """Two programs with the same keys would take turns at the relay."""
    relay, _, (alice, bob) = meet(folder, "alice", "bob")
    require("another ironchat uses it" in run("join", "--home", alice.home, "--plain", status=1), "two at a time")
    run("keys", "--home", alice.home, "list")
    for person in (alice, bob):
        person.finish()
    relay.terminate()


def commands_explain_themselves(folder):
    home = os.path.join(folder, "x")
    require("Usage: ironchat join" in run("join", "--help"), "join --help")
    require("Usage: ironchat relay" in run("relay", "--help"), "relay --help")
    require("Usage: ironchat keys" in run("keys", "--help"), "keys --help")
    require("libcurve" in run("--version"), "--version")
    require("Usage" in run(status=2), "no arguments")
    require("no number of seconds" in run("join", "--home", home, "--wait", "x", status=2), "--wait x")
    require("an endpoint follows --bind" in run("relay", "tcp://*:7447", status=2), "relay without --bind")
    require("no keys in" in run("join", "--home", home, "--plain", status=1), "no keys")
    run("keys", "--home", home, "new", "x")
    require("has keys already, of x" in run("join", "--home", home, "--name", "y", "--plain", status=1), "another name")
    require("has keys already" in run("keys", "--home", home, "new", "y", status=1), "keys are not replaced")
    require("no relay is known" in run("join", "--home", home, "--plain", status=1), "no relay")
    card = run("keys", "--home", home, "show").strip()
    require("your own" in run("keys", "--home", home, "add", card, status=1), "own contact string")
    require("damaged" in run("keys", "--home", home, "add", card[:-1], status=1), "a damaged contact string")
    mode = stat.S_IMODE(os.stat(os.path.join(home, "key_secret")).st_mode)
    require(mode == 0o600, "the secret key can be read by others")


if __name__ == "__main__":
    main(three_talk_and_a_stranger_hears_nothing, a_pipe_delivers_before_it_ends,
         who_quits_knows_what_arrived, any_input_and_output_will_do, marks_last, what_comes_is_one_line,
         history_comes_back, a_contacts_file_with_errors_is_left_alone, a_contact_string_is_enough,
         a_relay_that_cannot_be_used_is_told, one_at_a_time,
         commands_explain_themselves)
