# SPDX-License-Identifier: ISC
"""ZAP (RFC 27): this test answers each server's requests itself, and looks at what becomes of the answers."""

import unittest

from peers import InteropTest, Security

FAILED = ["HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_FAILED_PROTOCOL", "HANDSHAKE_FAILED_AUTH"]


class ZapTest(InteropTest):

    def ends(self, server_peer, client_peer, mechanism, server_type="ROUTER", client_type="DEALER"):
        """A handler in the server's process, a server with a domain, a client; both monitored."""
        self.handler = server_peer.socket("REP")
        self.handler.bind("inproc://zeromq.zap.01")
        server_peer.admits = True
        server = server_peer.socket(server_type, ZAP_DOMAIN="the domain", ROUTING_ID="the server").monitor()
        client = client_peer.socket(client_type, ROUTING_ID="the client", RECONNECT_IVL=-1).monitor()
        self.security = Security(mechanism, server, client)
        if mechanism == "PLAIN":
            server.set(ZAP_DOMAIN="the domain")
        self.endpoint = server.bind()
        client.connect(self.endpoint)
        return server, client

    def credentials(self, mechanism):
        if mechanism == "PLAIN":
            return [b"user", b"password"]
        if mechanism == "CURVE":
            return [z85_decode(self.security.client_public)]
        return []

    def request(self, mechanism):
        """Receives a request, checks each frame, returns its id."""
        frames = self.handler.recv()
        self.assertEqual(frames[:1], [b"1.0"])
        self.assertEqual(frames[2:4], [b"the domain", b"127.0.0.1"])
        self.assertIn(frames[4], (b"the server", b""))
        self.assertEqual(frames[5:], [mechanism.encode()] + self.credentials(mechanism))
        return frames[1]

    def answer(self, request_id, status, text, user=b"", metadata=b""):
        self.handler.send(b"1.0", request_id, status, text, user, metadata)

    def admission(self, server_peer, client_peer, mechanism):
        """200 lets the client in; user id and metadata are on its messages, and so is what the client says itself."""
        server, client = self.ends(server_peer, client_peer, mechanism)
        extra = b"\5Hello" + b"\0\0\0\5World"
        self.answer(self.request(mechanism), b"200", b"OK", b"the user", extra)
        for socket in (server, client):
            self.assertEqual(socket.event("HANDSHAKE_SUCCEEDED", *FAILED)[0], "HANDSHAKE_SUCCEEDED")
        client.send(b"first", b"frame")
        self.expect(server, b"the client", b"first", b"frame")
        wanted = {"User-Id": "the user", "Hello": "World", "Socket-Type": "DEALER", "Peer-Address": "127.0.0.1",
                  "Identity": "the client", "Nothing": None}
        self.assertEqual({name: server_peer.property(name) for name in wanted}, wanted)
        server.send(b"the client", b"reply")
        self.expect(client, b"reply")
        self.assertEqual(client_peer.property("User-Id"), None)
        self.assertEqual(client_peer.property("Socket-Type"), "ROUTER")

    def test_admission(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.admission, mechanism=mechanism)

    def user_id(self, server_peer, client_peer, mechanism, pattern):
        """The user id is on the messages of every pattern that has a server receive."""
        server, client = self.ends(server_peer, client_peer, mechanism, *pattern)
        self.answer(self.request(mechanism), b"200", b"OK", b"somebody")
        if pattern[0] == "SUB":
            server.set(SUBSCRIBE=b"")
            self.assertEqual(client.event("HANDSHAKE_SUCCEEDED", *FAILED)[0], "HANDSHAKE_SUCCEEDED")
            self.expect_using(server, client, b"\1")
        client.send(b"\1message")
        server.recv()
        self.assertEqual(server_peer.property("User-Id"), "somebody")

    def test_user_id(self):
        for mechanism in Security.NAMES:
            for pattern in [("REP", "REQ"), ("DEALER", "DEALER"), ("ROUTER", "REQ"), ("PULL", "PUSH"),
                            ("PAIR", "PAIR"), ("XPUB", "XSUB"), ("SUB", "XPUB")]:
                self.each_cast(self.user_id, mechanism=mechanism, pattern=pattern)

    def refusal(self, server_peer, client_peer, mechanism, status, server_event):
        """Any other status keeps the client out; the right answer lets the next one in."""
        server, client = self.ends(server_peer, client_peer, mechanism)
        client.send(b"let me in")
        self.answer(self.request(mechanism), status, b"no")
        self.assertEqual(server.event("HANDSHAKE_SUCCEEDED", *FAILED), server_event)
        self.admit_another(server, client_peer, mechanism)

    def admit_another(self, server, client_peer, mechanism):
        """Who was refused stays out, and the next one comes in."""
        another = client_peer.socket("DEALER", ROUTING_ID="another")
        if mechanism == "PLAIN":
            another.set(PLAIN_USERNAME="another", PLAIN_PASSWORD="password")
        if mechanism == "CURVE":
            public, secret = client_peer.ask("keypair").split()
            another.set(CURVE_SERVERKEY=self.security.server_public, CURVE_PUBLICKEY=public, CURVE_SECRETKEY=secret)
        another.connect(self.endpoint)
        another.send(b"hello")
        frames = self.handler.recv()
        if mechanism != "NULL":
            self.assertEqual(frames[6:], [z85_decode(public)] if mechanism == "CURVE" else [b"another", b"password"])
        self.answer(frames[1], b"200", b"OK", b"another")
        self.expect(server, b"another", b"hello")

    def test_refusal(self):
        for mechanism in Security.NAMES:
            for status in (b"300", b"400", b"500"):
                self.each_cast(self.refusal, mechanism=mechanism, status=status,
                               server_event=("HANDSHAKE_FAILED_AUTH", int(status)))

    def told(self, server_peer, client_peer, mechanism, status):
        """The refused client's own monitor knows the status."""
        _, client = self.ends(server_peer, client_peer, mechanism)
        self.answer(self.request(mechanism), status, b"no")
        self.assertEqual(client.event("HANDSHAKE_SUCCEEDED", *FAILED), ("HANDSHAKE_FAILED_AUTH", int(status)))

    def test_told(self):
        for mechanism in Security.NAMES:
            for status in (b"400", b"500"):
                self.each_cast(self.told, mechanism=mechanism, status=status)


def z85_decode(text):
    """Z85, RFC 32: five characters hold four octets."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    octets = b""
    for start in range(0, len(text), 5):
        value = 0
        for character in text[start:start + 5]:
            value = value * 85 + digits.index(character)
        octets += value.to_bytes(4, "big")
    return octets


if __name__ == "__main__":
    unittest.main()
