# SPDX-License-Identifier: ISC
"""Peers for the interoperability tests: processes that do what they are told with one libzmq or the other.

The environment says where everything is: INTEROP_PEER (the program), INTEROP_HEADER (zmq.h), INTEROP_OURS and
INTEROP_STOCK (directories with a libzmq.so.5; INTEROP_STOCK defaults to the system's).
"""

import filecmp
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

PATIENCE = 15
# After so many failures the rest of a test is not tried: each may have cost all the patience.
FAILURES_MAX = 5
# As long as this a frame is reported octet by octet, beyond it by size and checksum.
SHORT_FRAME = 256


def constants():
    """The numbers of zmq.h, by name without ZMQ_."""
    with open(os.environ["INTEROP_HEADER"], encoding="utf-8") as file:
        return {name: int(value, 0)
                for name, value in re.findall(r"^#define ZMQ_(\w+) +(0x[0-9a-fA-F]+|\d+)\b", file.read(), re.M)}


def system_library_dir():
    path = os.pathsep.join([os.environ.get("PATH", ""), "/sbin", "/usr/sbin"])
    cache = subprocess.run([shutil.which("ldconfig", path=path) or "ldconfig", "-p"], capture_output=True, text=True,
                           check=True).stdout
    found = re.search(r"libzmq\.so\.5 .*=> (\S+)", cache)
    if not found:
        raise RuntimeError("the system has no libzmq.so.5: install the package libzmq5")
    return os.path.dirname(os.path.realpath(found.group(1)))


ZMQ = constants()
EVENTS = {value: name[6:] for name, value in ZMQ.items() if name.startswith("EVENT_") and name != "EVENT_ALL"}
# Options that are an int64_t.
WIDE = ["MAXMSGSIZE"]
LIBRARIES = {"ours": os.path.realpath(os.environ["INTEROP_OURS"]),
             "stock": os.path.realpath(os.environ.get("INTEROP_STOCK") or system_library_dir())}


def is_stock(peer):
    """Whether this peer runs on the stock library: also true of "ours" where that is tried out instead of it."""
    paths = (os.path.join(LIBRARIES[name], "libzmq.so.5") for name in (peer.library, "stock"))
    return filecmp.cmp(*paths, shallow=False)


# Who plays the first role and who the second.
CASTS = [("ours", "stock"), ("stock", "ours")]


class PeerError(Exception):
    """A command that failed; its argument is the name of the error."""


class Made:
    """A frame that is made up from its size and a seed, on both sides of a wire."""

    def __init__(self, size, seed=0):
        self.size = size
        self.seed = seed

    def octets(self):
        # They repeat after 65536.
        some = bytes((self.seed + i * 31 + (i >> 8)) & 255 for i in range(min(self.size, 65536)))
        return (some * (self.size // 65536 + 1))[:self.size]

    def __eq__(self, other):
        return reported(self) == (other.text if isinstance(other, Summed) else reported(other))

    def __repr__(self):
        return f"Made({self.size}, {self.seed})"


class Summed:
    """A long frame as a peer reports it."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return self.text == (other.text if isinstance(other, Summed) else reported(other))

    def __repr__(self):
        return f"Summed({self.text})"


def written(frame):
    """A frame as a command has it."""
    if isinstance(frame, Made):
        return f"*{frame.size}:{frame.seed}" if frame.size else "-"
    return frame.hex() if frame else "-"


def reported(frame):
    """A frame as an answer has it."""
    octets = frame.octets() if isinstance(frame, Made) else frame
    return f"*{len(octets)}:{zlib.adler32(octets)}" if len(octets) > SHORT_FRAME else octets.hex() or "-"


def parsed(text):
    if text.startswith("*"):
        return Summed(text)
    return b"" if text == "-" else bytes.fromhex(text)


class Peer:
    """One process."""

    def __init__(self, library):
        environment = dict(os.environ, LD_LIBRARY_PATH=LIBRARIES[library])
        if library == "stock":
            environment["ASAN_OPTIONS"] = "detect_leaks=0"
            environment["TSAN_OPTIONS"] = "ignore_noninstrumented_modules=1"
        self.library = library
        self.count = 0
        self.admits = False
        self.ended = False
        self.process = subprocess.Popen([os.environ["INTEROP_PEER"]], env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.buffer = b""
        self.version, path = self.ask("version").split()
        if os.path.dirname(os.path.realpath(path)) != LIBRARIES[library]:
            raise RuntimeError(f"the peer loaded {path}, not the library of {LIBRARIES[library]}")

    def tell(self, *words):
        """Sends a command without waiting for its answer."""
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.process.stdin.flush()

    def hear(self, meanwhile=None):
        """Waits for the answer to the oldest command that was told; calls meanwhile() again and again until then."""
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.buffer:
            ready = select.select([self.process.stdout], [], [], 0.01 if meanwhile else PATIENCE)[0]
            if not ready and meanwhile and time.monotonic() < deadline:
                meanwhile()
                continue
            octets = os.read(self.process.stdout.fileno(), 65536) if ready else None
            if not octets:
                raise RuntimeError(f"the peer on {self.library} " + ("hangs" if octets is None else "died"))
            self.buffer += octets
        line, self.buffer = self.buffer.split(b"\n", 1)
        verdict, _, rest = line.decode().partition(" ")
        if verdict != "ok":
            raise PeerError(rest)
        return rest

    def ask(self, *words):
        self.tell(*words)
        return self.hear()

    def socket(self, kind, **options):
        self.count += 1
        return Socket(self, f"s{self.count}", kind, options)

    def admit(self, user):
        """Starts a ZAP handler that lets everybody in, if this peer has none yet."""
        if not self.admits:
            self.ask("admit", user)
            self.admits = True

    def property(self, name):
        """A property of the message that was received last; None if it has none of this name."""
        try:
            return self.ask("property", name)
        except PeerError:
            return None

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.ended:
            return
        self.ended = True
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def finish(self):
        """Ends it in good order; it must do so."""
        if self.ended:
            return
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.ended = True
        self.process.stdout.close()
        if status != 0:
            raise RuntimeError(f"the peer on {self.library} ended with status {status}")


class Socket:
    """A socket in a peer."""

    def __init__(self, peer, name, kind, options):
        self.peer = peer
        self.name = name
        self.kind = kind
        self.monitored = False
        peer.ask("socket", name, ZMQ[kind])
        self.set(**options)

    def set(self, **options):
        for option, value in options.items():
            if option in WIDE:
                value = value.to_bytes(8, sys.byteorder, signed=True)
            if isinstance(value, int):
                self.peer.ask("int", self.name, ZMQ[option], value)
            else:
                octets = value.encode() if isinstance(value, str) else value
                self.peer.ask("octets", self.name, ZMQ[option], written(octets))
        return self

    def use(self):
        """An idle libzmq socket takes no notice of a new connection until it is used."""
        self.peer.ask("use", self.name)

    def bind(self, endpoint="tcp://127.0.0.1:*"):
        return self.peer.ask("bind", self.name, endpoint)

    def connect(self, endpoint):
        self.peer.ask("connect", self.name, endpoint)
        return self

    def disconnect(self, endpoint):
        self.peer.ask("disconnect", self.name, endpoint)

    def bind_again(self, endpoint):
        """Binds to an endpoint that another socket is just about to leave."""
        for _ in range(1000):
            try:
                return self.bind(endpoint)
            except PeerError as error:
                if error.args[0] != "EADDRINUSE":
                    raise
        raise PeerError("EADDRINUSE")

    def unbind(self, endpoint):
        self.peer.ask("unbind", self.name, endpoint)

    def send(self, *frames):
        self.peer.ask("send", self.name, *map(written, frames))

    def recv(self, meanwhile=None):
        self.peer.tell("recv", self.name)
        return [parsed(word) for word in self.peer.hear(meanwhile).split()]

    def start_burst(self, count, size):
        self.peer.tell("burst", self.name, count, size)

    def start_sink(self, count, size):
        self.peer.tell("sink", self.name, count, size)

    def monitor(self):
        """Must be called before the events that shall be seen."""
        self.peer.ask("monitor", self.name, self.name + "m")
        self.monitored = True
        return self

    def event(self, *wanted, meanwhile=None):
        """Waits for one of these events, skipping others; returns its name and value."""
        while True:
            self.peer.tell("event", self.name + "m")
            number, value = self.peer.hear(meanwhile).split()[:2]
            name = EVENTS.get(int(number), number)
            if name in wanted:
                return name, int(value)

    def close(self):
        self.peer.ask("close", self.name)


class InteropTest(unittest.TestCase):
    """Starts peers and ends them; runs a case once for each cast."""

    def setUp(self):
        self.peers = []
        self.failures = 0
        self.directory = None

    def tearDown(self):
        for peer in self.peers:
            peer.kill()
        if self.directory:
            shutil.rmtree(self.directory)

    def peer(self, library):
        peer = Peer(library)
        self.peers.append(peer)
        return peer

    def path(self, name):
        """A path for ipc, in a directory of the test's own."""
        self.directory = self.directory or tempfile.mkdtemp(prefix="interop-")
        return os.path.join(self.directory, name)

    def each_cast(self, case, **parameters):
        """Runs case(first peer, second peer, **parameters) for both casts, each in new processes."""
        for first, second in CASTS:
            if self.failures >= FAILURES_MAX:
                self.fail(f"gave up after {self.failures} failures")
            with self.subTest(first=first, second=second, **parameters):
                before = len(self.peers)
                self.failures += 1
                try:
                    case(self.peer(first), self.peer(second), **parameters)
                    for peer in self.peers[before:]:
                        peer.finish()
                    self.failures -= 1
                finally:
                    for peer in self.peers[before:]:
                        peer.kill()

    def expect(self, socket, *frames):
        self.assertEqual(socket.recv(), list(frames))

    def expect_using(self, used, socket, *frames):
        """Expects the message while the other socket, of the other peer, is kept in use."""
        self.assertEqual(socket.recv(used.use), list(frames))


class Security:
    """Keys and passwords of one mechanism; makes sockets its servers and clients."""

    NAMES = ["NULL", "PLAIN", "CURVE"]

    def __init__(self, mechanism, server, *clients):
        self.mechanism = mechanism
        if mechanism == "CURVE":
            self.server_public, self.server_secret = server.peer.ask("keypair").split()
            self.client_public, self.client_secret = server.peer.ask("keypair").split()
        self.serve(server)
        for client in clients:
            self.join(client)

    def serve(self, socket):
        if self.mechanism == "PLAIN":
            # Without a ZAP handler a PLAIN server lets nobody in.
            socket.peer.admit("user")
            socket.set(PLAIN_SERVER=1, ZAP_DOMAIN="interop")
        if self.mechanism == "CURVE":
            socket.set(CURVE_SERVER=1, CURVE_SECRETKEY=self.server_secret)

    def join(self, socket):
        if self.mechanism == "PLAIN":
            socket.set(PLAIN_USERNAME="user", PLAIN_PASSWORD="password")
        if self.mechanism == "CURVE":
            socket.set(CURVE_SERVERKEY=self.server_public, CURVE_PUBLICKEY=self.client_public,
                       CURVE_SECRETKEY=self.client_secret)
