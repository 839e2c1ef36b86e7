# SPDX-License-Identifier: ISC
"""The chat's programs as a script drives them: relays, and participants in plain mode. For the demo and the tests."""

import os
import queue
import shutil
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("BUILD_DIR", os.path.join(ROOT, "build")))
IRONCHAT = os.path.join(BUILD, "bin", "ironchat")
PATIENCE = 40
# So that nothing is left behind by a script that is killed.
WITH_US = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


class Failure(Exception):
    """Something that should have held did not."""


def require(held, what):
    if not held:
        raise Failure(what)


def run(*arguments, status=0):
    """Runs a command to its end; returns what it printed."""
    done = subprocess.run([IRONCHAT, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
    require(done.returncode == status, f"ironchat {' '.join(arguments)}: status {done.returncode}: {done.stderr}")
    return done.stdout if status == 0 else done.stderr


class Program:
    """A process whose lines, split at tabs, are waited for."""

    def __init__(self, name, *arguments):
        self.name = name
        self.records = []
        self.errors = []
        self.incoming = queue.Queue()
        self.process = subprocess.Popen([*WITH_US, IRONCHAT, *arguments], text=True, bufsize=1, encoding="utf-8",
                                        errors="surrogateescape", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.threads = [threading.Thread(target=self._read, daemon=True),
                        threading.Thread(target=self._read_errors, daemon=True)]
        for thread in self.threads:
            thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.incoming.put(line.rstrip("\n").split("\t"))
        self.incoming.put(None)

    def _read_errors(self):
        self.errors.extend(self.process.stderr)

    def wait(self, what, condition):
        """Waits for a record that fulfils the condition, looking at those that came already first; returns it."""
        deadline = time.monotonic() + PATIENCE
        seen = 0
        while True:
            for record in self.records[seen:]:
                if condition(record):
                    return record
            seen = len(self.records)
            try:
                record = self.incoming.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                record = None
            if record is None:
                told = "\n  ".join("\t".join(record) for record in self.records[-10:])
                raise Failure(f"{self.name} waited in vain for {what}; it was told\n  {told}\n{''.join(self.errors)}")
            self.records.append(record)

    def collect(self):
        """Takes in what has come, without waiting."""
        while not self.incoming.empty():
            record = self.incoming.get()
            if record is not None:
                self.records.append(record)

    def kill(self):
        """Ends it as a crash would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def finish(self, expected=0):
        """Ends its input and waits for it to end, with this status."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"{self.name} does not end") from error
        for thread in self.threads:
            thread.join(PATIENCE)
        self.collect()
        require(status == expected, f"{self.name} ended with status {status}: {''.join(self.errors)}")


class Relay(Program):
    """A relay that records what passes. Its address is what participants are given."""

    def __init__(self, folder, endpoint="tcp://127.0.0.1:*", *options):
        self.recording = os.path.join(folder, "recording")
        super().__init__("the relay", "relay", "--bind", endpoint, "--key", os.path.join(folder, "relay-key"),
                         "--record", self.recording, *options)
        self.address = self.wait("its endpoint", lambda record: record[0] == "relay")[1]
        self.endpoint = self.address.split(",")[0]

    def terminate(self):
        self.process.terminate()
        self.finish()

    def recorded(self):
        with open(self.recording, "rb") as file:
            return file.read()


class Person(Program):
    """A participant. Fields of a record: kind, time, who, mark, where, number, progress, text."""

    def __init__(self, folder, name, *arguments):
        self.home = os.path.join(folder, name)
        super().__init__(name, "join", "--home", self.home, "--plain", *arguments)

    def say(self, line):
        self.process.stdin.write(line + "\n")

    def told(self, kind, who=None, where=None, text=None, number=None):
        """Waits for a record of this kind; what is None may be anything."""
        wanted = {2: who, 4: where, 5: number, 7: text}
        what = " ".join(str(word) for word in (kind, who, where, number, text) if word is not None)
        return self.wait(what, lambda record: record[0] == kind and
                         all(value is None or record[place] == str(value) for place, value in wanted.items()))

    def heard(self, kind="message"):
        """All records of this kind that have come so far."""
        self.collect()
        return [record for record in self.records if record[0] == kind]


def make(folder, relay, *names):
    """Makes keys for these people; returns their contact strings by name."""
    cards = {}
    for name in names:
        home = os.path.join(folder, name)
        run("keys", "--home", home, "new", name)
        run("keys", "--home", home, "relay", relay)
        cards[name] = run("keys", "--home", home, "show").strip()
    return cards


def introduce(folder, cards, *names):
    """Makes all of these contacts of each other."""
    for name in names:
        others = [cards[other] for other in names if other != name]
        if others:
            run("keys", "--home", os.path.join(folder, name), "add", *others)
