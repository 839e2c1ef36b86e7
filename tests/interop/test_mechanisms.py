# SPDX-License-Identifier: ISC
"""Each mechanism, each role, bound and connected; and ends whose security does not match."""

import errno
import unittest

from peers import ZMQ, InteropTest, Security

FAILED = ["HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_FAILED_PROTOCOL", "HANDSHAKE_FAILED_AUTH"]

MISMATCH = ("HANDSHAKE_FAILED_PROTOCOL", ZMQ["PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH"])
WRONG_KEY = ("HANDSHAKE_FAILED_PROTOCOL", ZMQ["PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC"])
# The other end may see the mismatch first, and close before this one has looked.
GONE = ("HANDSHAKE_FAILED_NO_DETAIL", errno.EPIPE)


class MechanismTest(InteropTest):

    def shake_hands(self, server_peer, client_peer, mechanism, server_binds, transport):
        server = server_peer.socket("DEALER").monitor()
        client = client_peer.socket("DEALER").monitor()
        Security(mechanism, server, client)
        bound, connected = (server, client) if server_binds else (client, server)
        connected.connect(bound.bind(self.endpoint(transport)))
        for socket in (server, client):
            self.assertEqual(socket.event("HANDSHAKE_SUCCEEDED", *FAILED)[0], "HANDSHAKE_SUCCEEDED")
        client.send(b"to the server")
        self.expect(server, b"to the server")
        server.send(b"to", b"", b"the client")
        self.expect(client, b"to", b"", b"the client")

    def endpoint(self, transport):
        return "ipc://" + self.path("socket") if transport == "ipc" else "tcp://127.0.0.1:*"

    def test_handshake(self):
        for mechanism in Security.NAMES:
            for server_binds in (True, False):
                for transport in ("tcp", "ipc"):
                    self.each_cast(self.shake_hands, mechanism=mechanism, server_binds=server_binds,
                                   transport=transport)

    def over_ipv6(self, server_peer, client_peer, mechanism):
        server, client = server_peer.socket("REP", IPV6=1), client_peer.socket("REQ", IPV6=1)
        Security(mechanism, server, client)
        client.connect(server.bind("tcp://[::1]:*"))
        client.send(b"six")
        self.expect(server, b"six")

    def test_ipv6(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.over_ipv6, mechanism=mechanism)

    def abstract_ipc(self, first, second):
        bound, connected = first.socket("PAIR"), second.socket("PAIR")
        connected.connect(bound.bind("ipc://@" + self.path("abstract")))
        connected.send(b"abstract")
        self.expect(bound, b"abstract")

    def test_abstract_ipc(self):
        self.each_cast(self.abstract_ipc)

    def refuse(self, server_peer, client_peer, reason, server_mechanism, client_mechanism):
        """The wrong client is refused with an event; the right one after it is served."""
        server = server_peer.socket("ROUTER").monitor()
        wrong = client_peer.socket("DEALER", ROUTING_ID="wrong").monitor()
        right = client_peer.socket("DEALER", ROUTING_ID="right")
        Security(server_mechanism, server, right)
        # The far end of the wrong client's security exists nowhere.
        Security(client_mechanism, client_peer.socket("DEALER"), wrong)
        endpoint = server.bind()
        wrong.connect(endpoint)
        self.assertIn(server.event(*FAILED), (reason, GONE))
        right.connect(endpoint).send(b"hello")
        self.expect(server, b"right", b"hello")

    def test_refusals(self):
        for server_mechanism in Security.NAMES:
            for client_mechanism in Security.NAMES:
                if server_mechanism != client_mechanism:
                    self.each_cast(self.refuse, reason=MISMATCH, server_mechanism=server_mechanism,
                                   client_mechanism=client_mechanism)

    def test_wrong_server_key(self):
        self.each_cast(self.refuse, reason=WRONG_KEY, server_mechanism="CURVE", client_mechanism="CURVE")


if __name__ == "__main__":
    unittest.main()
