#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The chat in a real terminal, driven by tmux. Screens are compared with those in golden/, what is random masked.

With GOLDEN=write in the environment the screens are written instead: look at what changed before you commit them.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
import time

from support import main, started
from people import IRONCHAT, PATIENCE, ROOT, Failure, Person, Relay, introduce, make, require, run

NUMBERS = itertools.count()
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")


class Terminal:
    """One tmux server with one window, in which a participant runs."""

    def __init__(self, folder, name, *arguments, columns=80, rows=16, program=None):
        self.name = name
        self.folder = folder
        # Not the place of a server before it, which may still be ending.
        self.socket = os.path.join(folder, f"{name}-{next(NUMBERS)}-tmux")
        environment = dict(os.environ, LC_ALL="C.UTF-8")
        environment.pop("TMUX", None)
        command = ["sh", "-c", 'trap : INT; "$@"; echo "ended with status $?"; exec cat', "sh",
                   *(program or [IRONCHAT, "join", "--home", os.path.join(folder, name), *arguments])]
        subprocess.run(["tmux", "-u", "-S", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y",
                        str(rows), "-s", "chat", "env", "TZ=UTC0", *command, ";", "set-option", "status", "off"],
                       check=True, env=environment, timeout=PATIENCE)

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-u", "-S", self.socket, *arguments], capture_output=True, text=True, check=False,
                              env=dict(os.environ, LC_ALL="C.UTF-8"), timeout=PATIENCE)
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p", "-t", "chat")

    def wait(self, text):
        """Polls the screen until the text, a regular expression, is on it; returns the screen."""
        deadline = time.monotonic() + PATIENCE
        while True:
            screen = self.screen()
            if re.search(text, screen, re.MULTILINE):
                return screen
            if time.monotonic() > deadline:
                raise Failure(f"{self.name}'s screen never showed {text!r}:\n{screen}")
            time.sleep(0.03)

    def type(self, text):
        self.tmux("send-keys", "-t", "chat", "-l", text)

    def keys(self, *keys):
        self.tmux("send-keys", "-t", "chat", *keys)

    def say(self, text):
        self.type(text)
        self.keys("Enter")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-t", "chat", "-x", str(columns), "-y", str(rows))

    def golden(self, name, text):
        """Waits for the text; then the screen must become that of golden/NAME.txt."""
        self.wait(text)
        path = os.path.join(GOLDEN, name + ".txt")
        if os.environ.get("GOLDEN") == "write":
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.masked(self.screen()))
            return
        with open(path, encoding="utf-8") as file:
            expected = file.read()
        deadline = time.monotonic() + PATIENCE
        while self.masked(self.screen()) != expected:
            if time.monotonic() > deadline:
                raise Failure(f"{self.name}'s screen differs from golden/{name}.txt:\n{self.masked(self.screen())}")
            time.sleep(0.03)

    def masked(self, screen):
        screen = screen.replace(os.path.basename(self.folder), "FOLDER")
        screen = re.sub(r"^\d\d:\d\d ", "hh:mm ", screen, flags=re.MULTILINE)
        screen = re.sub(r"\b\d{5}\b", "#####", screen)  # the groups of a safety number, a port
        screen = re.sub(r"[A-Za-z0-9_-]{43}", "KEY", screen)
        return "".join(line.rstrip() + "\n" for line in screen.splitlines())

    def ended(self):
        """Waits for the participant to end well."""
        self.wait(r"^ended with status 0$")

    def kill(self):
        self.tmux("kill-server")


def prepare(folder, *names):
    relay = started(Relay(folder))
    cards = make(folder, relay.address, *names)
    introduce(folder, cards, *names)
    return relay, cards


def a_conversation(folder):
    prepare(folder, "alice", "bob")
    alice = started(Terminal(folder, "alice"))
    alice.golden("empty", r"You are alice")
    bob = started(Terminal(folder, "bob"))
    alice.wait(r"bob is here")
    bob.wait(r"alice is here")
    alice.say("Hello, Bob")
    bob.golden("hello-bob", r"alice: Hello, Bob")
    alice.golden("hello-alice", r"Hello, Bob \(delivered\)")
    bob.say("世界 is wide, Grüße are not, e\u0301 is one 😀")
    alice.wait(r"is wide")
    bob.say("A long line " + "goes on and on " * 8 + "and ends")
    alice.golden("wide", r"\bends$")
    alice.say("/verify bob")
    alice.wait(r"safety number")
    alice.say("/verify bob yes")
    alice.wait(r"bob is verified now")
    bob.say("Is it me?")
    alice.golden("verified", r"Is it me")
    bob.wait(r"Is it me\? \(delivered\)")
    alice.resize(40, 12)
    alice.golden("narrow", r"> *$")
    alice.resize(100, 20)
    alice.golden("large", r"You are alice")
    bob.say("/quit")
    bob.ended()
    alice.golden("gone", r"bob has gone")


def editing(folder):
    prepare(folder, "alice", "bob")
    bob = started(Person(folder, "bob"))
    alice = started(Terminal(folder, "alice", rows=10))
    alice.wait(r"bob is here")
    alice.type("wrld")
    alice.keys("Left", "Left", "Left")
    alice.type("o")
    alice.keys("Home")
    alice.type("Hello, ")
    alice.keys("End")
    alice.type("!?")
    alice.keys("BSpace")
    alice.golden("editing", r"Hello, world!")
    alice.keys("Enter")
    bob.told("message", text="Hello, world!")
    alice.wait(r"delivered")
    alice.keys("Up")
    alice.wait(r"^> Hello, world!")
    alice.keys("C-u")
    alice.type("/he")
    alice.keys("Tab", "Enter")
    alice.golden("help", r"/quit")
    alice.keys("PPage")
    alice.golden("scrolled", r"scrolled back")
    alice.keys("NPage")
    alice.wait(r"/quit")
    alice.type("x" + " y" * 50 + " 世界")
    alice.golden("long-input", r"世界$")
    alice.keys("C-u")
    alice.say("/nonsense")
    alice.wait(r"/nonsense is no command")
    alice.keys("C-c")
    alice.ended()
    bob.told("away", who="alice")


def a_room_a_file_and_a_stranger(folder):
    relay, cards = prepare(folder, "alice", "bob", "carol")
    make(folder, relay.address, "mallory")
    run("keys", "--home", os.path.join(folder, "mallory"), "add", cards["alice"])
    alice = started(Terminal(folder, "alice", rows=18))
    alice.wait(r"You are alice")
    bob = started(Person(folder, "bob"))
    alice.wait(r"bob is here")
    carol = started(Person(folder, "carol"))
    alice.wait(r"carol is here")
    alice.say("/room #plan bob carol")
    for person in (bob, carol):
        person.told("invited", where="#plan")
        person.say("/join #plan")
        alice.wait(rf"#plan: \[\?\] {person.name} joined")
    bob.told("room", who="carol", text="joined")
    alice.say("Who brings the ladder?")
    carol.told("message", text="Who brings the ladder?")
    alice.wait(r"ladder\? \(delivered\)")
    carol.say("/msg #plan I do")
    alice.wait(r"I do")
    started(Person(folder, "mallory"))
    alice.wait(r"A stranger was refused")
    with open(os.path.join(folder, "map.txt"), "w", encoding="utf-8") as file:
        file.write("north\n" * 20000)
    alice.say(f"/send bob {folder}/map.txt")
    bob.told("offer", text="map.txt")
    bob.say("/accept")
    bob.told("file-done")
    alice.golden("room", r"file 1 with .* is complete")
    alice.say("/who")
    alice.golden("who", r"#plan: you, bob, carol")


def a_tiny_terminal(folder):
    prepare(folder, "alice", "bob")
    bob = started(Person(folder, "bob"))
    alice = started(Terminal(folder, "alice"))
    alice.wait(r"bob is here")
    for columns, rows in ((3, 2), (2, 1), (1, 1), (200, 60), (12, 4)):
        alice.resize(columns, rows)
        alice.say("still here")
        bob.told("message", text="still here")
        bob.records.clear()
    alice.golden("tiny", r"^>")
    alice.say("/quit")
    bob.told("away", who="alice")


def a_huge_terminal(folder):
    """More rows than anybody has, all of them filled, and scrolled back."""
    relay, _ = prepare(folder, "alice", "bob")
    bob = started(Person(folder, "bob"))
    alice = started(Terminal(folder, "alice", columns=40, rows=900))
    alice.wait(r"bob is here")
    for number in range(1500):
        bob.say(f"/msg alice number {number}.")
    alice.wait(r"number 1499\.")
    alice.keys("PPage")
    alice.wait(r"scrolled back")
    alice.keys("NPage", "NPage")
    alice.say("/quit")
    alice.ended()
    relay.kill()


def an_unknown_terminal(folder):
    prepare(folder, "alice")
    alice = started(Terminal(folder, "alice", program=["env", "TERM=nonsense", IRONCHAT, "join", "--home",
                                                       os.path.join(folder, "alice")]))
    alice.wait(r"this terminal cannot be used; try --plain")
    alice.wait(r"^ended with status 1$")


def a_passphrase(folder):
    """Asked for twice when a history begins, and given up by Ctrl-C."""
    prepare(folder, "alice")

    def answer(*words):
        alice = started(Terminal(folder, "alice", "--history"))
        questions = ["Passphrase of the new history: ", "The same again: "] if len(words) == 2 else \
            ["Passphrase of the history: "]
        for question, word in zip(questions, words):
            alice.wait(re.escape(question.strip()))
            alice.keys(*word)
        return alice

    alice = answer(["one", "Enter"], ["two", "Enter"])
    alice.wait(r"these are two different ones")
    alice.wait(r"^ended with status 1$")
    alice.kill()
    alice = answer(["one", "Enter"], ["C-c"])
    alice.wait(r"^ended with status 1$")
    require("one" not in alice.screen(), "the passphrase was shown")
    alice.kill()
    alice = answer(["one", "Enter"], ["one", "Enter"])
    alice.wait(r"You are alice")
    alice.say("/quit")
    alice.ended()
    alice.kill()
    alice = answer(["two", "Enter"])
    alice.wait(r"the passphrase is another")
    alice.wait(r"^ended with status 1$")


def runs(number):
    """Does the process do so? One that has ended may wait for ever to be noticed, in a container without init."""
    try:
        with open(f"/proc/{number}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def what_is_killed_leaves_nothing(folder):
    """As ctest kills a test that takes too long."""
    inner = ("import sys; sys.path.insert(0, sys.argv[1]); from support import main, started; import terminal_test as t\n"
             "def hang(folder):\n"
             "    t.prepare(folder, 'alice')\n"
             "    alice = started(t.Terminal(folder, 'alice'))\n"
             "    alice.wait('You are alice')\n"
             "    print(folder, alice.tmux('display-message', '-p', '#{pid} #{pane_pid}').strip(), flush=True)\n"
             "    sys.stdin.read()\n"
             "main(hang)\n")
    with subprocess.Popen([sys.executable, "-c", inner, os.path.dirname(os.path.abspath(__file__))], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, TMPDIR=folder)) as test:
        line = test.stdout.readline()
        test.kill()
    require(line.count(" ") == 2, f"it did not begin: {line!r}")
    inner_folder, *processes = line.split()
    deadline = time.monotonic() + PATIENCE
    while os.path.exists(inner_folder) or any(runs(number) for number in processes):
        require(time.monotonic() < deadline, "something was left behind")
        time.sleep(0.03)


def the_demo_to_try(folder):
    """Two side by side in a tmux within this one, and all of it gone when both have left."""
    live = os.path.join(ROOT, "demo", "live")
    terminal = started(Terminal(folder, "demo", columns=110, rows=30, program=["env", "TMPDIR=" + folder, live]))
    terminal.wait(r"alice is here")
    terminal.wait(r"bob is here")
    terminal.say("Hello, Bob")
    terminal.wait(r"Hello, Bob \(delivered\).*alice: Hello, Bob")
    terminal.say("/quit")
    terminal.wait(r"^\d\d:\d\d -- You are bob")  # whose pane is the only one left
    terminal.say("/quit")
    terminal.ended()
    require(not [name for name in os.listdir(folder) if name.startswith("tmp.")], "something was left behind")


def the_demo_without_tmux(folder):
    """It prints what to type."""
    tools = os.path.join(folder, "bin")
    os.mkdir(tools)
    for tool in ("dirname", "mktemp", "rm", "grep", "sleep", "cut"):
        os.symlink(shutil.which(tool), os.path.join(tools, tool))
    done = subprocess.run(["/bin/sh", os.path.join(ROOT, "demo", "live")], input="\n", capture_output=True, text=True,
                          check=False, env=dict(os.environ, PATH=tools, TMPDIR=folder), timeout=PATIENCE)
    require(done.returncode == 0, done.stderr)
    require(done.stdout.count("ironchat join --home") == 2 and "ironchat relay --bind tcp://127.0.0.1:" in done.stdout,
            done.stdout)


if __name__ == "__main__":
    require(shutil.which("tmux") is not None, "tmux is not installed: scripts/setup")
    main(a_conversation, editing, a_room_a_file_and_a_stranger, a_tiny_terminal, a_huge_terminal, an_unknown_terminal,
         a_passphrase, what_is_killed_leaves_nothing, the_demo_to_try, the_demo_without_tmux)
