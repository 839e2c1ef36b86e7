# SPDX-License-Identifier: ISC
"""The program ironauth, as people and scripts use it: each command on each back end that can be written, what it says, and how
it ends."""

import contextlib
import json
import os
import pty
import signal
import sqlite3
import subprocess

from program import AWAY, CHEAP, DAMAGED, DONE, FAILED, KEY, KEYGEN, OTHER, PROGRAM, REFUSED, USAGE
from program import expect, expect_json, main, run


def stores(folder):
    """Every back end that is here and can be written without a server, as the command line names it."""
    built = run("--help")[1].split("Back ends that are built in:")[1].split("\n")[0].split()
    yield [f"files:{folder}/certificates"], f"{folder}/certificates"
    if "sqlite" in built:
        yield [f"{folder}/auth.db"], f"{folder}/auth.db"
        with open(f"{folder}/conf", "w", encoding="ascii") as file:
            file.write(f'backend\n    name = staff\n    url = "sqlite:{folder}/other.db"\n')
        yield ["-c", f"{folder}/conf", "-b", "staff"], f"{folder}/other.db"


def test_a_users_life(folder):
    for store, _ in stores(folder):
        expect(AWAY, "list", *store)
        expect(AWAY, "add", *store, "--user", "alice", "--password-stdin", stdin="sesame\n")
        expect(DONE, "init", *store)
        expect(REFUSED, "init", *store)
        assert expect(DONE, "list", *store) == ""
        expect(DONE, "add", *store, "--user", "alice", "--comment", "of \"sales\"", "--password-stdin", stdin="sesame\n")
        expect(REFUSED, "add", *store, "--user", "alice", "--password-stdin", stdin="other\n")
        assert expect(DONE, "list", *store) == 'user\talice\tof "sales"\n'
        expect(DONE, "passwd", *store, "--user", "alice", "--password-stdin", stdin="new")
        expect(REFUSED, "passwd", *store, "--user", "bob", "--password-stdin", stdin="new")
        expect(DONE, "remove", *store, "--user", "alice")
        expect(REFUSED, "remove", *store, "--user", "alice")
        assert expect(DONE, "list", *store) == ""


def test_init_in_a_folder_that_is_not_there(folder):
    for store, path in stores(folder):
        if store[0] == "-c":
            continue
        there = [store[0].replace(path, f"{folder}/none/{os.path.basename(path)}")]
        value = expect_json(FAILED, "init", *there)
        assert "No such file" in value["error"], value
        assert not os.path.exists(f"{folder}/none")


def test_what_is_not_there_is_named(folder):
    """Most often it is a name that was mistyped."""
    for store, path in stores(folder):
        for words in (["list", *store], ["add", *store, "--key", KEY], ["remove", *store, "--key", KEY]):
            error = expect_json(AWAY, *words)["error"]
            assert f"{path}: No such file" in error and "'ironauth init' makes it" in error, error


def test_what_is_something_else_is_named(folder):
    for store, path in stores(folder):
        if path.endswith(".db"):
            os.mkdir(path)
            # Without a scheme it would be a back end of files.
            error = expect_json(AWAY, "list", f"sqlite:{path}")["error"]
            assert f"{path}: Is a directory" in error, error
        else:
            with open(path, "wb"):
                error = expect_json(AWAY, "list", *store)["error"]
            assert f"{path}: Not a directory" in error, error


def test_a_keys_life(folder):
    subprocess.run([KEYGEN, "--out", folder, "--name", "bob"], check=True, stdout=subprocess.DEVNULL)
    with open(f"{folder}/bob.key", encoding="ascii") as file:
        bob = file.read().split('public-key = "')[1].split('"')[0]
    for store, _ in stores(folder):
        expect(DONE, "init", *store)
        expect(DONE, "add", *store, "--key", KEY, "--user", "alice")
        expect(REFUSED, "add", *store, "--key", KEY)
        expect(DONE, "add", *store, "--key", f"{folder}/bob.key", "--comment", "a laptop")
        lines = expect(DONE, "list", *store).splitlines()
        assert sorted(lines) == sorted([f"key\t{KEY}\talice", f"key\t{bob}\t\ta laptop"]), lines
        expect(DONE, "remove", *store, "--key", f"{folder}/bob.key")
        expect(REFUSED, "remove", *store, "--key", bob)
        expect(DONE, "remove", *store, "--key", KEY)
        assert expect(DONE, "list", *store) == ""


def test_json(folder):
    for store, _ in stores(folder):
        expect_json(AWAY, "list", *store)
        expect_json(DONE, "init", *store)
        expect_json(REFUSED, "init", *store)
        expect_json(DONE, "add", *store, "--user", "zoe 'x' \\", "--comment", "\u00e4\"", "--password-stdin", stdin="x")
        expect_json(DONE, "add", *store, "--key", KEY, "--user", "alice")
        value = expect_json(DONE, "list", *store)
        assert value["users"] == [{"user": "zoe 'x' \\", "comment": "\u00e4\""}], value
        assert value["keys"] == [{"key": KEY, "user": "alice", "comment": ""}], value
        expect_json(DONE, "passwd", *store, "--user", "zoe 'x' \\", "--password-stdin", stdin="y")
        expect_json(DONE, "remove", *store, "--key", KEY)
        expect_json(REFUSED, "remove", *store, "--key", KEY)
        expect_json(USAGE, "remove", *store)
    assert expect_json(DONE, "passwd", "--print", "--password-stdin", stdin="x")["hash"].startswith("$argon2id$")


def test_usage(folder):
    store = f"files:{folder}/certificates"
    expect(DONE, "init", store)
    for words in ([], ["nothing"], ["list"], ["add", store], ["remove", store], ["passwd", store], ["list", store, "more"],
                  ["list", store, "--nothing"], ["list", store, "--user", "x"], ["list", "nothing:x"], ["list", "files:"],
                  ["remove", store, "--user", "x", "--key", KEY], ["add", store, "--user", "a:b", "--password-stdin"],
                  ["add", store, "--user", "a", "--user", "b"], ["add", store, "--user"], ["list", "-c", "x"],
                  ["list", "-b", "x"], ["list", "-c", f"{folder}/none", "-b", "x"], ["list", store, "--timeout", "soon"],
                  ["add", store, "--key", "no key"], ["add", store, "--key", "0" * 40], ["add", store, "--key", folder],
                  ["add", store, "--key", KEY, "--password-stdin"], ["test"],
                  ["add", store, "--key", KEY, "--comment", "a\nb"], ["passwd", store, "--print"]):
        expect(USAGE, *words)
    assert expect(DONE, "list", store) == ""
    for command in ("init", "add", "remove", "list", "passwd", "check", "serve", "test"):
        assert f"Usage: ironauth {command}" in expect(DONE, command, "--help")
    assert "ironauth" in expect(DONE, "--version")


def test_passwords_from_standard_input(folder):
    store = f"files:{folder}/certificates"
    expect(DONE, "init", store)
    for password in ("", "\n", "x" * 256, "a\x01b", "a\0b", "\x7f"):
        expect(USAGE, "add", store, "--user", "alice", "--password-stdin", stdin=password)
    got = subprocess.run([PROGRAM, "add", store, "--user", "alice", "--password-stdin"], input=b"\xff\n",
                         capture_output=True, check=False)
    assert got.returncode == USAGE
    assert expect(DONE, "list", store) == ""
    expect(DONE, "add", store, "--user", "alice", "--password-stdin", stdin="x" * 255)
    # Who has no terminal is not asked, and a password is no argument.
    done = subprocess.run([PROGRAM, "add", store, "--user", "bob"], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, start_new_session=True)
    assert done.returncode == USAGE and b"--password-stdin" in done.stderr, done
    expect(USAGE, "add", store, "--user", "bob", "sesame")


def test_a_hash_is_not_cheap(_folder):
    """What has nothing to do with the tests' own environment."""
    out = subprocess.run([PROGRAM, "passwd", "--print", "--password-stdin"], input=b"x", capture_output=True, check=True)
    assert out.stdout.startswith(b"$argon2id$v=19$m=65536,t=2,p=1$"), out


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *words):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            with contextlib.suppress(OSError):
                os.execve(PROGRAM, [PROGRAM, *words], CHEAP)
            os._exit(99)

    def read(self):
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            data = b""
        self.seen += data.decode()
        return data

    def wait_for(self, text):
        while text not in self.seen:
            assert self.read(), f"no {text!r} in {self.seen!r}"

    def write(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """The wait status."""
        while self.read():
            pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return status


def test_passwords_from_the_terminal(folder):
    store = f"files:{folder}/certificates"
    expect(DONE, "init", store)
    terminal = Terminal("add", store, "--user", "alice")
    terminal.wait_for("Password: ")
    terminal.write("sesame\n")
    terminal.wait_for("Once more: ")
    terminal.write("sesame\n")
    assert os.waitstatus_to_exitcode(terminal.end()) == DONE, terminal.seen
    assert "sesame" not in terminal.seen
    assert expect(DONE, "list", store) == "user\talice\n"
    terminal = Terminal("add", store, "--user", "bob")
    terminal.wait_for("Password: ")
    terminal.write("sesame\n")
    terminal.wait_for("Once more: ")
    terminal.write("sesami\n")
    assert os.waitstatus_to_exitcode(terminal.end()) == USAGE, terminal.seen
    assert "sesam" not in terminal.seen
    assert expect(DONE, "list", store) == "user\talice\n"


def test_the_echo_comes_back(folder):
    """Whoever interrupts the question has a terminal that echoes."""
    store = f"files:{folder}/certificates"
    expect(DONE, "init", store)
    # The shell waits for the program, so that the terminal outlives it, and asks the terminal afterwards.
    script = f'trap : INT; "{PROGRAM}" add "{store}" --user alice; echo "ended $?"; stty -a'
    pid, fd = pty.fork()
    if pid == 0:
        os.execv("/bin/sh", ["sh", "-c", script])
    seen = ""
    interrupted = False
    while True:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data.decode()
        if "Password: " in seen and not interrupted:
            interrupted = True
            os.write(fd, b"half\x03")
    os.waitpid(pid, 0)
    os.close(fd)
    assert f"ended {128 + signal.SIGINT}" in seen, seen
    assert " echo " in seen.replace(";", " ").replace("\r", " ").replace("\n", " ") and "half" not in seen, seen


def test_damage(folder):
    for store, path in stores(folder):
        expect(DONE, "init", *store)
        expect(DONE, "add", *store, "--user", "alice", "--password-stdin", stdin="sesame")
        if path.endswith(".db"):
            with contextlib.closing(sqlite3.connect(path)) as database, database:
                database.execute("UPDATE users SET hash = 'x'")
        else:
            with open(f"{path}/passwords", "w", encoding="ascii") as file:
                file.write("alice:x\n")
        # A new password repairs it.
        expect(DONE, "passwd", *store, "--user", "alice", "--password-stdin", stdin="new")
        if path.endswith(".db"):
            with contextlib.closing(sqlite3.connect(path)) as database, database:
                database.execute("PRAGMA user_version = 1000")
            expect(DAMAGED, "add", *store, "--key", KEY)
            expect_json(DAMAGED, "list", *store)


def test_text_of_others_is_shown_without_control_characters(folder):
    store = f"files:{folder}/certificates"
    expect(DONE, "init", store)
    hashed = json.loads(expect(DONE, "passwd", "--print", "--password-stdin", "--json", stdin="x"))["hash"]
    with open(f"{folder}/certificates/passwords", "wb") as file:
        file.write(f"alice:{hashed}:\x1b[31mred\x07".encode() + b"\xff\xc2\x9b\n")
    out = subprocess.run([PROGRAM, "list", store], capture_output=True, check=True).stdout
    assert out == b"user\talice\t?[31mred???\n", out
    value = expect_json(DONE, "list", store)
    assert value["users"][0]["comment"] == "\x1b[31mred\x07\ufffd\x9b", value


def test_text_of_others_in_json(_folder):
    name = "x\u2028y\u0085\x01\u0439z"
    line = run("check", "--json", "-c", name)[1]
    assert json.loads(line)["error"].startswith(name), line
    assert line.isprintable() or line[:-1].isprintable(), line


def test_nobody_reads(folder):
    """Standard output that cannot be written is a failure, and nothing worse."""
    expect(DONE, "init", f"files:{folder}/certificates")
    expect(DONE, "add", f"files:{folder}/certificates", "--key", OTHER)
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([PROGRAM, "list", f"files:{folder}/certificates"], stdout=full, stderr=subprocess.DEVNULL,
                              check=False)
    assert done.returncode == FAILED, done


if __name__ == "__main__":
    main(dict(globals()))
