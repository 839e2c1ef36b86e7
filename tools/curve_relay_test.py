#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Runs curve_relay as its users do: where it is bound, what it records, how it ends, what it refuses."""

import ctypes
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

RELAY, KEYGEN, ZMQ = os.environ["CURVE_RELAY"], os.environ["CURVE_KEYGEN"], os.environ["LIBZMQ"]
DEALER, LINGER, RCVTIMEO, SNDMORE = 5, 17, 27, 2
REGISTER, FORWARD = 1, 2
KEY = b"K" * 32


class Relay(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = os.path.join(self.folder.name, "record")

    def start(self, *arguments, **options):
        process = subprocess.Popen([RELAY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def run_relay(self, *arguments):
        return subprocess.run([RELAY, *arguments], capture_output=True, text=True, timeout=30, check=False)

    def bound(self, process):
        line = process.stdout.readline()
        self.assertRegex(line, r"^bound (tcp|ipc)://")
        return line.split()[1]

    def exchange(self, endpoint, envelope):
        """Registers and sends itself an envelope."""
        zmq = ctypes.CDLL(ZMQ)
        zmq.zmq_ctx_new.restype = zmq.zmq_socket.restype = ctypes.c_void_p
        context = ctypes.c_void_p(zmq.zmq_ctx_new())
        socket = ctypes.c_void_p(zmq.zmq_socket(context, DEALER))
        for option, value in ((LINGER, 0), (RCVTIMEO, 20000)):
            number = ctypes.c_int(value)
            self.assertEqual(zmq.zmq_setsockopt(socket, option, ctypes.byref(number), ctypes.c_size_t(4)), 0)
        self.assertEqual(zmq.zmq_connect(socket, endpoint.encode()), 0)
        head = bytes([0xC5, REGISTER]) + KEY
        buffer = ctypes.create_string_buffer(4096)
        self.assertEqual(zmq.zmq_send(socket, head, ctypes.c_size_t(34), 0), 34)
        self.assertEqual(zmq.zmq_recv(socket, buffer, ctypes.c_size_t(4096), 0), 34)
        head = bytes([0xC5, FORWARD]) + KEY
        self.assertEqual(zmq.zmq_send(socket, head, ctypes.c_size_t(34), SNDMORE), 34)
        self.assertEqual(zmq.zmq_send(socket, envelope, ctypes.c_size_t(len(envelope)), 0), len(envelope))
        size = zmq.zmq_recv(socket, buffer, ctypes.c_size_t(4096), 0)
        self.assertEqual(buffer.raw[:size], head + envelope)
        zmq.zmq_close(socket)
        zmq.zmq_ctx_term(context)

    def test_ends_on_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("--max-peers", "10", "tcp://127.0.0.1:*", f"ipc://{self.folder.name}/socket")
            self.bound(process)
            self.bound(process)
            process.send_signal(number)
            self.assertEqual(process.wait(30), 0)
            self.assertEqual(process.stderr.read(), "")

    def test_descriptors(self):
        """It takes all that it may have, and says so if they are too few."""
        for peers, warning in ("200", ""), ("201", "warning: only 300 descriptors are allowed, and 301 may be needed"):
            process = self.start("--max-peers", peers, "tcp://127.0.0.1:*",
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 300)))
            self.bound(process)
            self.assertEqual(resource.prlimit(process.pid, resource.RLIMIT_NOFILE), (300, 300))
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 0)
            error = process.stderr.read()
            self.assertIn(warning, error)
            self.assertEqual(bool(error), bool(warning))

    def test_forwards_and_records(self):
        process = self.start("--record", self.file, "tcp://127.0.0.1:*")
        self.exchange(self.bound(process), b"\x00an envelope\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        with open(self.file, "rb") as file:
            recorded = file.read()
        head = (bytes([0xC5, REGISTER]) + KEY).hex().encode()
        forward = (bytes([0xC5, FORWARD]) + KEY).hex().encode()
        self.assertRegex(recorded, rb"^route [0-9a-f]+ head " + head + rb" envelope 0\n"
                         rb"route [0-9a-f]+ head " + forward + rb" envelope 13\n\x00an envelope\n\n$")
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o600)

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_full_disk(self):
        process = self.start("--record", "/dev/full", "tcp://127.0.0.1:*")
        self.exchange(self.bound(process), b"an envelope")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 1)
        self.assertIn("/dev/full: No space left", process.stderr.read())

    def test_hop(self):
        subprocess.run([KEYGEN, "--out", self.folder.name, "--name", "relay"], check=True, capture_output=True)
        file = os.path.join(self.folder.name, "relay.key")
        process = self.start("--hop", file, "tcp://127.0.0.1:*")
        with open(file, encoding="ascii") as public:
            key = re.search('public-key = "(.*)"', public.read()).group(1)
        self.assertEqual(process.stdout.readline(), f"hop {key}\n")
        self.bound(process)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        os.chmod(file + "_secret", 0o640)
        process = self.start("--hop", file, "tcp://127.0.0.1:*")
        process.stdout.readline()
        self.bound(process)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        self.assertIn("others can read it", process.stderr.read())
        os.unlink(file + "_secret")
        self.assertEqual(self.run_relay("--hop", file, "tcp://127.0.0.1:*").returncode, 1)

    def test_refuses(self):
        for arguments in ((), ("--rate", "0", "tcp://*:*"), ("--idle", "x", "tcp://*:*"), ("--nonsense",),
                          ("tcp://*:*",) * 17):
            self.assertEqual(self.run_relay(*arguments).returncode, 2, arguments)
        for arguments in (("nonsense",), ("--hop", "/nowhere", "tcp://*:*"),
                          ("--record", "/nowhere/file", "tcp://*:*")):
            done = self.run_relay(*arguments)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertIn("curve_relay: ", done.stderr)

    def test_address_in_use(self):
        process = self.start("tcp://127.0.0.1:*")
        done = self.run_relay(self.bound(process))
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stderr)

    def test_help_and_version(self):
        self.assertIn("Usage: curve_relay", self.run_relay("--help").stdout)
        self.assertRegex(self.run_relay("-V").stdout, r"^curve_relay \(Ironhouse\) 1\.0\.0 on libzmq 4\.")

    def test_quiet(self):
        process = self.start("--quiet", f"ipc://{self.folder.name}/socket")
        self.exchange(f"ipc://{self.folder.name}/socket", b"it has started")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        self.assertEqual(process.stdout.read(), "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
