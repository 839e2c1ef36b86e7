# SPDX-License-Identifier: ISC
"""STREAM: bare TCP, with the other library's STREAM and with a plain socket at the other end."""

import socket
import unittest

from peers import CASTS, InteropTest, Made
from wire import recv_exactly, shake_hands


class StreamTest(InteropTest):

    def collect(self, stream, size):
        """Receives until so many octets have come; a stream keeps no borders."""
        collected = b""
        while len(collected) < size:
            _, part = stream.recv()
            collected += part
        return collected

    def talk(self, first, second):
        """Both ends see the other come with an empty message, talk, and see it go."""
        server, client = first.socket("STREAM"), second.socket("STREAM")
        client.connect(server.bind())
        at_server, empty = server.recv()
        self.assertEqual((len(at_server), empty), (5, b""))
        at_client, empty = client.recv()
        self.assertEqual((len(at_client), empty), (5, b""))
        client.send(at_client, b"from the client")
        self.assertEqual(self.collect(server, 15), b"from the client")
        server.send(at_server, b"from the server")
        self.assertEqual(self.collect(client, 15), b"from the server")
        server.send(at_server, b"")
        self.expect_using(server, client, at_client, b"")

    def test_talk(self):
        self.each_cast(self.talk)

    def test_plain_client(self):
        for library in CASTS[0]:
            with self.subTest(library=library):
                peer = self.peer(library)
                stream = peer.socket("STREAM")
                port = int(stream.bind().rsplit(":", 1)[1])
                with socket.create_connection(("127.0.0.1", port), 20) as plain:
                    routing_id, empty = stream.recv()
                    self.assertEqual(empty, b"")
                    plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    self.assertEqual(self.collect(stream, 18), b"GET / HTTP/1.0\r\n\r\n")
                    self.assertEqual(peer.property("Peer-Address"), "127.0.0.1")
                    stream.send(routing_id, Made(100000, 1))
                    self.assertEqual(recv_exactly(plain, 100000), Made(100000, 1).octets())
                self.expect(stream, routing_id, b"")
                peer.finish()

    def test_plain_server(self):
        for library in CASTS[0]:
            with self.subTest(library=library), socket.create_server(("127.0.0.1", 0)) as listener:
                listener.settimeout(20)
                peer = self.peer(library)
                stream = peer.socket("STREAM")
                stream.set(CONNECT_ROUTING_ID="the server")
                stream.connect("tcp://127.0.0.1:%d" % listener.getsockname()[1])
                plain = listener.accept()[0]
                plain.settimeout(20)
                self.expect(stream, b"the server", b"")
                stream.send(b"the server", b"hello")
                self.assertEqual(recv_exactly(plain, 5), b"hello")
                plain.sendall(b"goodbye")
                self.assertEqual(self.collect(stream, 7), b"goodbye")
                plain.close()
                self.expect(stream, b"the server", b"")
                peer.finish()

    def test_greeting(self):
        """A handshake written by hand, octet by octet as RFC 37 has it."""
        for library in CASTS[0]:
            with self.subTest(library=library):
                peer = self.peer(library)
                port = int(peer.socket("REP").bind().rsplit(":", 1)[1])
                with socket.create_connection(("127.0.0.1", port), 20) as plain:
                    greeting, body = shake_hands(plain, "REQ")
                    self.assertEqual((greeting[0], greeting[9], greeting[10]), (0xff, 0x7f, 3))
                    self.assertEqual(greeting[12:33], b"NULL" + bytes(17))
                    self.assertTrue(body.startswith(b"\5READY"))
                    self.assertIn(b"\x0bSocket-Type\0\0\0\3REP", body)
                peer.finish()


if __name__ == "__main__":
    unittest.main()
