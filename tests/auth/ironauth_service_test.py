# SPDX-License-Identifier: ISC
"""The program ironauth with a configuration: test, check, and serve for other machines."""

import contextlib
import json
import os
import shutil
import signal
import subprocess

from program import AWAY, CHEAP, DAMAGED, DONE, FAILED, KEY, KEYGEN, OTHER, PROGRAM, REFUSED, USAGE
from program import expect, expect_json, main, run


def test_the_command_test(folder):
    conf = f"{folder}/conf"

    def write(text):
        with open(conf, "w", encoding="ascii") as file:
            file.write(text)

    write(f'backend\n    name = here\n    url = "files:{folder}/here"\n'
          f'backend\n    name = there\n    url = "files:{folder}/there"\n'
          'domain\n    name = "*"\n    curve = here there\n')
    expect(DONE, "init", f"files:{folder}/here")
    status, out, _ = run("test", "-c", conf)
    assert status == AWAY and "here: answers\n" in out, out
    assert f"there: the back end is away: {folder}/there: No such file" in out, out
    expect(DONE, "init", f"files:{folder}/there")
    assert "there: answers\n" in expect(DONE, "test", "-c", conf)
    with open(f"{folder}/there/passwords", "w", encoding="ascii") as file:
        file.write("alice\n")
    with open(f"{folder}/there/junk", "w", encoding="ascii") as file:
        file.write("junk\n")
    status, out, _ = run("test", "-c", conf, "--json")
    found = {(one["name"], one["finding"]) for one in json.loads(out)["findings"]}
    assert status == DAMAGED, out
    assert ("there", "passwords, line 1: no Argon2id hash") in found and ("there", "junk: no certificate") in found, out
    write('domain\n    name = "*"\n    curve = nobody\n')
    status, _, err = run("test", "-c", conf)
    assert status == USAGE and f"{conf}:3:13: " in err, err
    write("domain\n     name = x\n")
    status, _, err = run("test", "-c", conf)
    assert status == USAGE and f"{conf}:2:" in err, err
    expect_json(USAGE, "test", "-c", conf)
    expect_json(USAGE, "test", "-c", f"{folder}/none")


class Service:
    """ironauth serve, with users of its own and one machine that may ask it: machine.conf asks it, whoever runs it."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        for name in ("service", "machine", "stranger"):
            subprocess.run([KEYGEN, "--out", folder, "--name", name], check=True, stdout=subprocess.DEVNULL)
        os.mkdir(f"{folder}/machines")
        shutil.copy(f"{folder}/machine.key", f"{folder}/machines")
        expect(DONE, "init", f"files:{folder}/users")
        self.endpoint = "tcp://127.0.0.1:*"
        self.write("service.conf", self.text())

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def text(self, plain="users"):
        return (f'audit = "{self.folder}/audit"\n'
                f'backend\n    name = users\n    url = "files:{self.folder}/users"\n    timeout = 30000\n'
                f'serve\n    endpoint = "{self.endpoint}"\n    certificate = "{self.folder}/service.key"\n'
                f'    clients = "{self.folder}/machines"\n'
                f'domain\n    name = "*"\n    plain = {plain}\n    curve = users\n')

    def machine(self, name):
        with open(f"{self.folder}/service.key", encoding="ascii") as file:
            key = file.read().split('public-key = "')[1].split('"')[0]
        self.write(f"{name}.conf",
                   f'forward\n    name = central\n    server = "{self.endpoint} {key}"\n'
                   f'    certificate = "{self.folder}/{name}.key"\n    timeout = 30000\n'
                   'domain\n    name = "*"\n    allow = 10.0.0.0/8\n    forward = central\n')
        return f"{self.folder}/{name}.conf"

    def start(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([PROGRAM, "serve", "-c", f"{self.folder}/service.conf"], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=CHEAP)
        line = self.process.stdout.readline().decode()
        assert line.startswith("serving tcp://127.0.0.1:"), line
        self.endpoint = line.split()[1]

    def tell(self, number):
        """A signal, and the line that says what it did."""
        self.process.send_signal(number)
        return self.process.stderr.readline().decode()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, err = self.process.communicate()
        status = self.process.returncode
        self.process = None
        return status, out.decode(), err.decode()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.communicate()


@contextlib.contextmanager
def service_in(folder):
    service = Service(folder)
    try:
        yield service
    finally:
        service.kill()


def asks(conf, user, password, address="10.1.2.3"):
    """What check says: the code and the whole object."""
    _, out, _ = run("check", "-c", conf, "--address", address, "--user", user, "--password-stdin", "--json", stdin=password)
    value = json.loads(out)
    return value["code"], value


def test_check(folder):
    store = f"files:{folder}/users"
    conf = f"{folder}/conf"
    expect(DONE, "init", store)
    expect(DONE, "add", store, "--user", "alice", "--password-stdin", stdin="sesame")
    expect(DONE, "add", store, "--key", KEY, "--user", "bob")
    with open(conf, "w", encoding="ascii") as file:
        file.write(f'audit = "{folder}/audit"\nmetrics = "127.0.0.1:1"\n'
                   f'backend\n    name = staff\n    url = "{store}"\n    timeout = 30000\n'
                   f'backend\n    name = gone\n    url = "files:{folder}/none"\n'
                   'domain\n    name = open\n    allow = 10.0.0.0/8\n    null = everyone\n'
                   'domain\n    name = away\n    curve = gone\n'
                   'domain\n    name = "*"\n    plain = staff\n    curve = staff\n')
    assert 'let in as "alice"' in expect(DONE, "check", "-c", conf, "--user", "alice", "--password-stdin", stdin="sesame")
    for user, password in (("alice", "wrong"), ("nobody", "x"), ("alice", "\u00e4")):
        status, out, _ = run("check", "-c", conf, "--user", user, "--password-stdin", stdin=password)
        assert status == REFUSED and out.startswith("400 refused: "), out
    assert 'let in as "bob"' in expect(DONE, "check", "-c", conf, "--key", KEY)
    status, out, _ = run("check", "-c", conf, "--key", OTHER, "--json")
    assert status == REFUSED and json.loads(out)["code"] == 400, out
    assert json.loads(out)["reason"] == "nobody who was asked knows this key", out
    assert run("check", "-c", conf, "--domain", "open")[0] == REFUSED
    assert run("check", "-c", conf, "--domain", "open", "--address", "11.0.0.1")[0] == REFUSED
    out = expect(DONE, "check", "-c", conf, "--domain", "open", "--address", "10.0.0.1")
    assert out.startswith("200 let in, as nobody"), out
    status, out, _ = run("check", "-c", conf, "--domain", "away", "--key", KEY)
    assert status == AWAY and out.startswith("300 "), out
    assert not os.path.exists(f"{folder}/audit")
    for words in (["--user", "x", "--key", KEY], ["--mechanism", "PLAIN"], ["--mechanism", "GSSAPI"], ["--user"],
                  ["--key", KEY, "--mechanism", "PLAIN"], ["--password-stdin"]):
        expect(USAGE, "check", "-c", conf, *words)
    expect(USAGE, "check")
    expect(USAGE, "check", "-c", f"{folder}/none")


def test_serve(folder):
    with service_in(folder) as service:
        store = f"files:{folder}/users"
        expect(DONE, "add", store, "--user", "alice", "--password-stdin", stdin="sesame")
        service.start()
        conf = service.machine("machine")
        assert asks(conf, "alice", "sesame")[0] == 200
        code, value = asks(conf, "alice", "wrong")
        assert code == 400 and value["error"] == "central refuses, and its audit says why", value
        assert asks(conf, "alice", "sesame", "11.0.0.1")[0] == 400
        assert "central: answers\n" in expect(DONE, "test", "-c", conf)
        expect(DONE, "remove", store, "--user", "alice")
        assert asks(conf, "alice", "sesame")[0] == 400
        assert service.stop() == (0, "", "")
        # Without the service nobody gets in, and the same place serves again.
        short = service.machine("machine")
        with open(short, encoding="ascii") as file:
            text = file.read()
        service.write("machine.conf", text.replace("30000", "100"))
        assert asks(conf, "alice", "sesame")[0] == 300
        status, out, _ = run("test", "-c", conf)
        assert status == AWAY and "central: " in out and "is it running" in out, out
        expect(DONE, "add", store, "--user", "alice", "--password-stdin", stdin="sesame")
        service.write("service.conf", service.text())
        service.start()
        assert asks(service.machine("machine"), "alice", "sesame")[0] == 200
        # A machine that may not ask is not answered.
        stranger = service.machine("stranger")
        with open(stranger, encoding="ascii") as file:
            text = file.read()
        service.write("stranger.conf", text.replace("30000", "300"))
        assert asks(stranger, "alice", "sesame")[0] == 300
        assert service.stop(signal.SIGINT)[0] == 0


def test_serve_reloads(folder):
    with service_in(folder) as service:
        store = f"files:{folder}/users"
        expect(DONE, "add", store, "--user", "alice", "--password-stdin", stdin="sesame")
        service.start()
        conf = service.machine("machine")
        assert asks(conf, "alice", "sesame")[0] == 200
        service.write("service.conf", service.text(plain="nothing"))
        line = service.tell(signal.SIGHUP)
        assert "the old configuration stays" in line and f"{folder}/service.conf:12:" in line, line
        assert asks(conf, "alice", "sesame")[0] == 200
        service.write("service.conf", service.text().replace("    plain = users\n", ""))
        assert "read again" in service.tell(signal.SIGHUP)
        assert asks(conf, "alice", "sesame")[0] == 400
        # The audit goes on in a new file.
        os.rename(f"{folder}/audit", f"{folder}/audit.1")
        assert "opened again" in service.tell(signal.SIGUSR1)
        assert asks(conf, "nobody", "sesame")[0] == 400
        assert service.stop()[0] == 0
        for name, user in (("audit.1", "alice"), ("audit", "nobody")):
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            assert user in [line.get("user") for line in lines], lines
            assert "sesame" not in str(lines)


def test_serve_says_why_it_does_not(folder):
    with service_in(folder) as service:
        service.write("service.conf", service.text().split("serve\n", maxsplit=1)[0])
        expect(USAGE, "serve", "-c", f"{folder}/service.conf")
        expect(USAGE, "serve", "-c", f"{folder}/none")
        expect(USAGE, "serve")
        service.write("service.conf", service.text())
        service.start()
        service.write("second.conf", service.text())
        expect_json(FAILED, "serve", "-c", f"{folder}/second.conf")
        os.remove(f"{folder}/service.key_secret")
        expect(USAGE, "serve", "-c", f"{folder}/second.conf")
        status, out, _ = run("test", "-c", f"{folder}/second.conf")
        assert status == USAGE and f"serve: {folder}/service.key: the certificate has no secret key" in out, out
        os.remove(f"{folder}/service.key")
        shutil.rmtree(f"{folder}/machines")
        status, out, _ = run("test", "-c", f"{folder}/second.conf")
        assert status == USAGE and f"serve: {folder}/service.key: No such file" in out, out
        assert f"serve: {folder}/machines: No such file" in out, out
        service.write("second.conf", service.text().replace("/audit", "/none/audit"))
        status, out, _ = run("test", "-c", f"{folder}/second.conf")
        assert status == USAGE and f"audit: {folder}/none/: No such file" in out, out


if __name__ == "__main__":
    main(dict(globals()))
