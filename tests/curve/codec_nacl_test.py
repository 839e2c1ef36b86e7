#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The codec against an independent one: the boxes of RFC 26, built here with PyNaCl from its text, in both roles."""

import ctypes
import os
import struct
import unittest

import nacl.bindings as nacl

CURVE = ctypes.CDLL(os.environ["LIBCURVE"])
for name in ("curve_cert_new", "curve_cert_public_key", "curve_cert_secret_key", "curve_codec_new_client",
             "curve_codec_new_server", "curve_codec_peer_key", "curve_codec_peer_meta", "curve_codec_peer_meta_name",
             "curve_error_text"):
    getattr(CURVE, name).restype = ctypes.c_void_p
CURVE.curve_codec_handshake_room.restype = ctypes.c_size_t
ACCEPT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint8))
SIZE = ctypes.c_size_t
OK, MALFORMED, CRYPTO, VOUCH, ORDER, STALE, REFUSED, STATE = range(8)


def short(prefix, counter):
    return prefix + struct.pack(">Q", counter)


def encode(properties):
    return b"".join(struct.pack("B", len(name)) + name + struct.pack(">I", len(value)) + value
                    for name, value in properties)


class Codec:
    """libcurve's."""

    def __init__(self, server_key=None, accept=True):
        self.cert = ctypes.c_void_p(CURVE.curve_cert_new())
        self.public = ctypes.string_at(CURVE.curve_cert_public_key(self.cert), 32)
        self.asked = []
        if server_key is not None:
            self.codec = ctypes.c_void_p(CURVE.curve_codec_new_client(self.cert, server_key))
        else:
            self.function = ACCEPT(lambda arg, codec, key: self.asked.append(bytes(key[:32])) or accept)
            self.codec = ctypes.c_void_p(CURVE.curve_codec_new_server(self.cert, self.function, None))

    def close(self):
        CURVE.curve_codec_destroy(ctypes.byref(self.codec))
        CURVE.curve_cert_destroy(ctypes.byref(self.cert))

    def set_meta(self, name, value):
        return CURVE.curve_codec_set_meta(self.codec, name, value, SIZE(len(value)))

    def step(self, command):
        room = CURVE.curve_codec_handshake_room(self.codec)
        out = ctypes.create_string_buffer(room)
        size = SIZE()
        error = CURVE.curve_codec_handshake(self.codec, command, SIZE(len(command or b"")), out, SIZE(room),
                                            ctypes.byref(size))
        return error, out.raw[:size.value]

    def encrypt(self, data, more=False):
        out = ctypes.create_string_buffer(len(data) + 33)
        size = SIZE()
        error = CURVE.curve_codec_encrypt(self.codec, data, SIZE(len(data)), int(more), out, SIZE(len(out)),
                                          ctypes.byref(size))
        return error, out.raw[:size.value]

    def decrypt(self, command):
        out = ctypes.create_string_buffer(len(command))
        size = SIZE()
        more = ctypes.c_int()
        error = CURVE.curve_codec_decrypt(self.codec, command, SIZE(len(command)), out, SIZE(len(out)),
                                          ctypes.byref(size), ctypes.byref(more))
        return error, out.raw[:size.value], more.value

    def meta(self):
        found, index = [], 0
        while True:
            name = CURVE.curve_codec_peer_meta_name(self.codec, SIZE(index))
            if not name:
                return found
            name = ctypes.string_at(name)
            size = SIZE()
            value = CURVE.curve_codec_peer_meta(self.codec, name, ctypes.byref(size))
            found.append((name, ctypes.string_at(value, size.value)))
            index += 1

    def ready(self):
        return CURVE.curve_codec_ready(self.codec) == 1


class Client:
    """RFC 26's client."""

    def __init__(self, server_key):
        self.S = server_key
        self.C, self.c = nacl.crypto_box_keypair()
        self.Ct, self.ct = nacl.crypto_box_keypair()

    def hello(self, counter=1):
        box = nacl.crypto_box(bytes(64), short(b"CurveZMQHELLO---", counter), self.S, self.ct)
        return b"\5HELLO\1\0" + bytes(72) + self.Ct + struct.pack(">Q", counter) + box

    def welcome(self, command):
        assert command[:8] == b"\7WELCOME" and len(command) == 168
        text = nacl.crypto_box_open(command[24:], b"WELCOME-" + command[8:24], self.S, self.ct)
        self.St, self.cookie = text[:32], text[32:]
        assert len(self.cookie) == 96

    def initiate(self, properties, counter=2, vouched=None, vouched_server=None):
        nonce = os.urandom(16)
        vouch = nonce + nacl.crypto_box((vouched or self.Ct) + (vouched_server or self.S), b"VOUCH---" + nonce,
                                        self.St, self.c)
        box = nacl.crypto_box(self.C + vouch + encode(properties), short(b"CurveZMQINITIATE", counter), self.St,
                              self.ct)
        return b"\x08INITIATE" + self.cookie + struct.pack(">Q", counter) + box

    def ready(self, command):
        assert command[:6] == b"\5READY"
        self.counter = struct.unpack(">Q", command[6:14])[0]
        return nacl.crypto_box_open(command[14:], b"CurveZMQREADY---" + command[6:14], self.St, self.ct)

    def message(self, counter, text):
        return b"\7MESSAGE" + struct.pack(">Q", counter) + nacl.crypto_box(text, short(b"CurveZMQMESSAGEC", counter),
                                                                           self.St, self.ct)

    def open(self, command):
        assert command[:8] == b"\7MESSAGE"
        return nacl.crypto_box_open(command[16:], b"CurveZMQMESSAGES" + command[8:16], self.St, self.ct)


class Server:
    """RFC 26's server."""

    def __init__(self):
        self.S, self.s = nacl.crypto_box_keypair()

    def welcome(self, hello):
        assert len(hello) == 200 and hello[:80] == b"\5HELLO\1\0" + bytes(72)
        self.Ct = hello[80:112]
        assert nacl.crypto_box_open(hello[120:], b"CurveZMQHELLO---" + hello[112:120], self.Ct, self.s) == bytes(64)
        self.St, self.st = nacl.crypto_box_keypair()
        self.cookie, nonce = os.urandom(96), os.urandom(16)
        return b"\7WELCOME" + nonce + nacl.crypto_box(self.St + self.cookie, b"WELCOME-" + nonce, self.Ct, self.s)

    def initiate(self, command):
        """The client's long-term key and metadata."""
        assert command[:9] == b"\x08INITIATE" and command[9:105] == self.cookie
        text = nacl.crypto_box_open(command[113:], b"CurveZMQINITIATE" + command[105:113], self.Ct, self.st)
        client, vouch = text[:32], text[32:128]
        assert nacl.crypto_box_open(vouch[16:], b"VOUCH---" + vouch[:16], client, self.st) == self.Ct + self.S
        return client, text[128:]

    def ready(self, properties, counter=1):
        return b"\5READY" + struct.pack(">Q", counter) + nacl.crypto_box(
            encode(properties), short(b"CurveZMQREADY---", counter), self.Ct, self.st)

    def message(self, counter, text):
        return b"\7MESSAGE" + struct.pack(">Q", counter) + nacl.crypto_box(text, short(b"CurveZMQMESSAGES", counter),
                                                                           self.Ct, self.st)

    def open(self, command):
        assert command[:8] == b"\7MESSAGE"
        return nacl.crypto_box_open(command[16:], b"CurveZMQMESSAGEC" + command[8:16], self.Ct, self.st)


PROPERTIES = [(b"Name", b"Alice"), (b"Empty", b""), (b"A-z_0.9+", bytes(range(256)))]
TEXTS = [b"", b"x", b"y" * 31, b"z" * 32, os.urandom(500), os.urandom(70000)]


class LibraryAsServer(unittest.TestCase):
    def setUp(self):
        self.codec = Codec()
        self.client = Client(self.codec.public)

    def tearDown(self):
        self.codec.close()

    def upto_welcome(self):
        error, welcome = self.codec.step(self.client.hello())
        self.assertEqual(error, OK)
        self.client.welcome(welcome)

    def test_session(self):
        self.assertEqual(self.codec.set_meta(b"Server", b"yes"), OK)
        self.upto_welcome()
        error, ready = self.codec.step(self.client.initiate(PROPERTIES))
        self.assertEqual(error, OK)
        self.assertEqual(self.codec.asked, [self.client.C])
        self.assertEqual(ctypes.string_at(CURVE.curve_codec_peer_key(self.codec.codec), 32), self.client.C)
        self.assertEqual(self.codec.meta(), PROPERTIES)
        self.assertEqual(self.client.ready(ready), encode([(b"Server", b"yes")]))
        self.assertTrue(self.codec.ready())
        for number, text in enumerate(TEXTS):
            more = number % 2
            self.assertEqual(self.codec.decrypt(self.client.message(3 + number, bytes([more]) + text)),
                             (OK, text, more))
            error, command = self.codec.encrypt(text, more)
            self.assertEqual(error, OK)
            self.assertEqual(len(command), len(text) + 33)
            self.assertEqual(struct.unpack(">Q", command[8:16])[0], self.client.counter + 1 + number)
            self.assertEqual(self.client.open(command), bytes([more]) + text)

    def test_counters_of_the_client(self):
        """They need not begin with 1; messages go on where INITIATE was."""
        error, welcome = self.codec.step(self.client.hello(counter=1000))
        self.client.welcome(welcome)
        error, _ = self.codec.step(self.client.initiate([], counter=5000))
        self.assertEqual(error, OK)
        self.assertEqual(self.codec.decrypt(self.client.message(5001, b"\0hi")), (OK, b"hi", 0))
        self.assertEqual(self.codec.decrypt(self.client.message(5003, b"\0hi"))[0], ORDER)

    def test_counter_of_initiate_does_not_grow(self):
        error, welcome = self.codec.step(self.client.hello(counter=9))
        self.client.welcome(welcome)
        self.assertEqual(self.codec.step(self.client.initiate([], counter=9))[0], ORDER)

    def test_vouch_for_another_connection(self):
        self.upto_welcome()
        self.assertEqual(self.codec.step(self.client.initiate([], vouched=os.urandom(32)))[0], VOUCH)
        self.assertEqual(self.codec.asked, [])

    def test_vouch_for_another_server(self):
        self.upto_welcome()
        self.assertEqual(self.codec.step(self.client.initiate([], vouched_server=os.urandom(32)))[0], VOUCH)

    def test_vouch_of_somebody_else(self):
        """Who does not hold the key that he claims."""
        self.upto_welcome()
        self.client.C = nacl.crypto_box_keypair()[0]
        self.assertEqual(self.codec.step(self.client.initiate([]))[0], CRYPTO)

    def test_another_cookie(self):
        self.upto_welcome()
        self.client.cookie = os.urandom(96)
        self.assertEqual(self.codec.step(self.client.initiate([]))[0], STALE)

    def test_hello_to_another_server(self):
        other = Client(nacl.crypto_box_keypair()[0])
        self.assertEqual(self.codec.step(other.hello())[0], CRYPTO)

    def test_hello_with_text(self):
        hello = self.client.hello()
        box = nacl.crypto_box(bytes(63) + b"\1", short(b"CurveZMQHELLO---", 1), self.client.S, self.client.ct)
        self.assertEqual(self.codec.step(hello[:120] + box)[0], CRYPTO)

    def test_malformed_metadata(self):
        for bad in (b"\0", b"\1", b"\1a\0\0\0\2x", b"\1 \0\0\0\0", b"\1a\xff\xff\xff\xff"):
            with self.subTest(bad):
                self.setUp()
                self.upto_welcome()
                client = self.client
                nonce = os.urandom(16)
                vouch = nonce + nacl.crypto_box(client.Ct + client.S, b"VOUCH---" + nonce, client.St, client.c)
                box = nacl.crypto_box(client.C + vouch + bad, short(b"CurveZMQINITIATE", 2), client.St, client.ct)
                self.assertEqual(self.codec.step(b"\x08INITIATE" + client.cookie + struct.pack(">Q", 2) + box)[0],
                                 MALFORMED)
                self.assertEqual(self.codec.asked, [])

    def test_refused(self):
        self.codec.close()
        self.codec = Codec(accept=False)
        self.client = Client(self.codec.public)
        self.upto_welcome()
        error, command = self.codec.step(self.client.initiate([]))
        self.assertEqual(error, REFUSED)
        self.assertEqual(command[:6], b"\5ERROR")
        self.assertEqual(command[6], len(command) - 7)

    def test_flags_that_are_not_known(self):
        self.upto_welcome()
        self.codec.step(self.client.initiate([]))
        self.assertEqual(self.codec.decrypt(self.client.message(3, b"\2x"))[0], MALFORMED)


class LibraryAsClient(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.codec = Codec(server_key=self.server.S)

    def tearDown(self):
        self.codec.close()

    def test_session(self):
        for name, value in PROPERTIES:
            self.assertEqual(self.codec.set_meta(name, value), OK)
        error, hello = self.codec.step(None)
        self.assertEqual(error, OK)
        error, initiate = self.codec.step(self.server.welcome(hello))
        self.assertEqual(error, OK)
        client, metadata = self.server.initiate(initiate)
        self.assertEqual(client, self.codec.public)
        self.assertEqual(metadata, encode(PROPERTIES))
        self.assertEqual(self.codec.step(self.server.ready([(b"Room", b"42")], counter=7)), (OK, b""))
        self.assertEqual(self.codec.meta(), [(b"Room", b"42")])
        for number, text in enumerate(TEXTS):
            more = number % 2
            error, command = self.codec.encrypt(text, more)
            self.assertEqual(error, OK)
            self.assertEqual(struct.unpack(">Q", command[8:16])[0], 3 + number)
            self.assertEqual(self.server.open(command), bytes([more]) + text)
            self.assertEqual(self.codec.decrypt(self.server.message(8 + number, bytes([more]) + text)),
                             (OK, text, more))

    def test_fresh_keys(self):
        """Two sessions share nothing that can be seen."""
        other = Codec(server_key=self.server.S)
        hellos = [codec.step(None)[1] for codec in (self.codec, other)]
        self.assertNotEqual(hellos[0][80:112], hellos[1][80:112])
        other.close()

    def test_welcome_of_another_server(self):
        _, hello = self.codec.step(None)
        welcome = self.server.welcome(hello)
        other = Server()
        nonce = os.urandom(16)
        forged = b"\7WELCOME" + nonce + nacl.crypto_box(bytes(128), b"WELCOME-" + nonce, self.server.Ct, other.s)
        self.assertEqual(len(forged), len(welcome))
        self.assertEqual(self.codec.step(forged)[0], CRYPTO)

    def test_transient_key_of_low_order(self):
        _, hello = self.codec.step(None)
        self.server.welcome(hello)
        nonce = os.urandom(16)
        weak = b"\7WELCOME" + nonce + nacl.crypto_box(bytes(32) + self.server.cookie, b"WELCOME-" + nonce,
                                                      self.server.Ct, self.server.s)
        self.assertEqual(self.codec.step(weak)[0], CRYPTO)

    def test_refused(self):
        _, hello = self.codec.step(None)
        self.codec.step(self.server.welcome(hello))
        self.assertEqual(self.codec.step(b"\5ERROR\x02no")[0], REFUSED)


if __name__ == "__main__":
    unittest.main()
