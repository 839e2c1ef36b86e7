#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Runs each pair of examples as their comments and docs/patterns.md say, with somebody who gets in and somebody who must not."""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("BUILD_DIR", os.path.join(os.path.dirname(HERE), "build")))
PATIENCE = 60


def program(name):
    return os.path.join(BUILD, "examples", name)


def tool(folder, *words, text=None):
    subprocess.run([os.path.join(BUILD, "bin", words[0]), *words[1:]], cwd=folder, input=text, text=True, check=True,
                   stdout=subprocess.DEVNULL, timeout=PATIENCE)


class Server:
    """A server of one pattern on a port that the system chooses, ended with the block."""

    def __init__(self, folder, pattern):
        self.process = subprocess.Popen([program(pattern + "_server"), "tcp://127.0.0.1:*"], cwd=folder, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.endpoint = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def client(folder, pattern, *words):
    return subprocess.Popen([program(pattern + "_client"), *words], cwd=folder, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def ends(process):
    """Its exit status, its words, and its complaints up to the first colon."""
    said, complaint = process.communicate(timeout=PATIENCE)
    return process.returncode, said.strip(), complaint.split(":")[0]


def check(folder, pattern, friend, stranger, heard):
    """friend and stranger: a client's words, the endpoint's place being left to them. heard: what the server says of friend."""
    with Server(folder, pattern) as server:
        assert server.endpoint.startswith("tcp://"), f"{pattern}: the server does not start"
        other = client(folder, pattern, *stranger(server.endpoint)) if stranger else None
        result = ends(client(folder, pattern, *friend(server.endpoint)))
        assert result == (0, "welcome", ""), f"{pattern}: {result}"
        line = server.process.stdout.readline().strip()
        assert line.endswith(heard), f"{pattern}: the server says {line!r}"
        if other:
            result = ends(other)
            assert result == (1, "", "no answer"), f"{pattern}: a stranger got in: {result}"
        server.process.kill()
        rest = server.process.stdout.read()
        assert rest == "", f"{pattern}: the server heard more: {rest!r}"
    print(f"ok      {pattern}")


def main():
    folder = tempfile.mkdtemp(prefix="patterns-")
    try:
        for name in ("strawhouse.conf", "woodhouse.conf"):
            shutil.copy(os.path.join(HERE, name), folder)
        for name in ("server", "alice", "mallory"):
            tool(folder, "curve_keygen", "--out", ".", "--name", name)
        os.mkdir(os.path.join(folder, "clients"))
        shutil.copy(os.path.join(folder, "alice.key"), os.path.join(folder, "clients"))
        tool(folder, "ironauth", "init", "files:users")
        tool(folder, "ironauth", "add", "files:users", "--user", "alice", "--password-stdin", text="secret\n")

        def alone(endpoint):
            return [endpoint]

        scenes = [
            ("grasslands", alone, None, "127.0.0.1 says hello"),
            ("strawhouse", alone, lambda endpoint: [endpoint.replace("tcp://", "tcp://127.0.0.2:0;")],
             "127.0.0.1 says hello"),
            ("woodhouse", alone, lambda endpoint: [endpoint, "alice", "guess"], "alice says hello"),
            ("stonehouse", alone, None, " says hello"),
            ("ironhouse", alone, lambda endpoint: [endpoint, "mallory.key"], "alice says hello")]
        # At once: who is refused waits in vain for some seconds.
        with concurrent.futures.ThreadPoolExecutor(len(scenes)) as threads:
            for scene in [threads.submit(check, folder, *scene) for scene in scenes]:
                scene.result()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    try:
        main()
    except AssertionError as failure:
        print(f"FAILED  {failure}")
        sys.exit(1)
