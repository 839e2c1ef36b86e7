# SPDX-License-Identifier: ISC
"""Ends that come late, go away, are killed, freeze, and come back."""

import socket
import unittest

from peers import InteropTest, Security
from wire import answer_pings, shake_hands


class LifecycleTest(InteropTest):

    def connect_first(self, first, second, mechanism):
        """A socket connects before anybody listens there, and sends already."""
        server, client = first.socket("PULL"), second.socket("PUSH", RECONNECT_IVL=10)
        Security(mechanism, server, client)
        endpoint = server.bind()
        server.unbind(endpoint)
        client.connect(endpoint)
        client.send(b"early")
        server.bind_again(endpoint)
        self.expect(server, b"early")

    def test_connect_first(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.connect_first, mechanism=mechanism)

    def kill_server(self, first, second, mechanism):
        """The client finds the server again after it was killed and started anew, with the same keys."""
        server, client = first.socket("ROUTER"), second.socket("DEALER", RECONNECT_IVL=10, ROUTING_ID="client")
        security = Security(mechanism, server, client)
        endpoint = server.bind()
        client.monitor().connect(endpoint)
        client.send(b"one")
        self.expect(server, b"client", b"one")
        first.kill()
        client.event("DISCONNECTED")
        again = self.peer(first.library)
        server = again.socket("ROUTER")
        security.serve(server)
        server.bind(endpoint)
        client.event("HANDSHAKE_SUCCEEDED")
        client.send(b"two")
        self.expect(server, b"client", b"two")
        server.send(b"client", b"welcome back")
        self.expect(client, b"welcome back")

    def test_kill_server(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.kill_server, mechanism=mechanism)

    def kill_client(self, first, second, mechanism):
        """A server notices that a client was killed, and serves the next one with the same id."""
        server, client = first.socket("ROUTER", ROUTER_HANDOVER=1), second.socket("DEALER", ROUTING_ID="client")
        security = Security(mechanism, server, client)
        endpoint = server.monitor().bind()
        client.connect(endpoint)
        client.send(b"one")
        self.expect(server, b"client", b"one")
        second.kill()
        server.event("DISCONNECTED")
        again = self.peer(second.library)
        client = again.socket("DEALER", ROUTING_ID="client")
        security.join(client)
        client.connect(endpoint)
        client.send(b"two")
        self.expect(server, b"client", b"two")

    def test_kill_client(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.kill_client, mechanism=mechanism)

    def resubscribe(self, first, second):
        """A subscriber tells a restarted publisher what it has subscribed to."""
        publisher = first.socket("XPUB")
        subscriber = second.socket("SUB", RECONNECT_IVL=10, SUBSCRIBE="topic")
        endpoint = publisher.bind()
        subscriber.monitor().connect(endpoint)
        self.expect(publisher, b"\1topic")
        publisher.send(b"topic 1")
        self.expect(subscriber, b"topic 1")
        first.kill()
        subscriber.event("DISCONNECTED")
        again = self.peer(first.library)
        publisher = again.socket("XPUB")
        publisher.bind(endpoint)
        self.expect_using(subscriber, publisher, b"\1topic")
        publisher.send(b"topic 2")
        self.expect(subscriber, b"topic 2")

    def test_resubscribe(self):
        self.each_cast(self.resubscribe)

    def unsubscribe_by_death(self, first, second):
        """The end of the last subscriber reaches the publisher as the end of its subscriptions."""
        publisher, subscriber = first.socket("XPUB"), second.socket("SUB", SUBSCRIBE="topic")
        subscriber.connect(publisher.bind())
        self.expect(publisher, b"\1topic")
        second.kill()
        self.expect(publisher, b"\0topic")

    def test_unsubscribe_by_death(self):
        self.each_cast(self.unsubscribe_by_death)

    def disconnect(self, first, second):
        server, client = first.socket("PULL").monitor(), second.socket("PUSH")
        endpoint = server.bind()
        client.connect(endpoint)
        client.send(b"one")
        self.expect(server, b"one")
        client.disconnect(endpoint)
        server.event("DISCONNECTED", meanwhile=client.use)
        client.connect(endpoint)
        client.send(b"two")
        self.expect(server, b"two")

    def test_disconnect(self):
        self.each_cast(self.disconnect)

    def linger(self, first, second, mechanism):
        """What was sent before the close still arrives, also if the connection was not there yet."""
        server, client = first.socket("PULL"), second.socket("PUSH", LINGER=-1)
        Security(mechanism, server, client)
        client.connect(server.bind())
        client.start_burst(500, 1000)
        second.hear()
        client.close()
        server.start_sink(500, 1000)
        second.finish()
        first.hear()

    def test_linger(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.linger, mechanism=mechanism)

    def heartbeat(self, first, second, mechanism, server_beats):
        """An idle connection with heartbeats stays; when the other end freezes it is closed, and then made anew."""
        options = {"HEARTBEAT_IVL": 50, "HEARTBEAT_TIMEOUT": 500, "HEARTBEAT_TTL": 1000}
        server = first.socket("DEALER", **(options if server_beats else {})).monitor()
        client = second.socket("DEALER", RECONNECT_IVL=50, **({} if server_beats else options)).monitor()
        Security(mechanism, server, client)
        client.connect(server.bind())
        for end in (server, client):
            end.event("HANDSHAKE_SUCCEEDED")
        beating, frozen = (server, client) if server_beats else (client, server)
        beating.send(b"one")
        self.expect(frozen, b"one")
        frozen.peer.freeze()
        beating.event("DISCONNECTED")
        frozen.peer.thaw()
        for end in (server, client):
            end.event("HANDSHAKE_SUCCEEDED")
        client.send(b"two")
        self.expect(server, b"two")

    def test_heartbeat(self):
        for mechanism in Security.NAMES:
            for server_beats in (True, False):
                self.each_cast(self.heartbeat, mechanism=mechanism, server_beats=server_beats)

    def idle(self, first, second, mechanism, who):
        """While both are idle, their heartbeats keep the connection. A third connection, with heartbeats as often,
        counts the time: after ten of them the first connection must still be the same."""
        options = {"HEARTBEAT_IVL": 20, "HEARTBEAT_TIMEOUT": 5000, "HEARTBEAT_TTL": 5000}
        server = first.socket("DEALER", **(options if "server" in who else {})).monitor()
        client = second.socket("DEALER", **(options if "client" in who else {}))
        another = second.socket("DEALER")
        Security(mechanism, server, client, another)
        endpoint = server.bind()
        client.connect(endpoint)
        server.event("ACCEPTED")
        server.event("HANDSHAKE_SUCCEEDED")
        port = int(first.socket("REP", **options).bind().rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), 10) as clock:
            shake_hands(clock, "REQ")
            answer_pings(clock, 10)
        client.send(b"still here")
        self.expect(server, b"still here")
        another.connect(endpoint)
        self.assertEqual(server.event("ACCEPTED", "DISCONNECTED")[0], "ACCEPTED")

    def test_idle(self):
        for mechanism in Security.NAMES:
            for who in (["server"], ["client"], ["server", "client"]):
                self.each_cast(self.idle, mechanism=mechanism, who=who)

    def many(self, first, second, mechanism):
        """Two hundred clients at once, each is served."""
        server = first.socket("ROUTER", BACKLOG=500)
        clients = [second.socket("DEALER", ROUTING_ID=f"client {number}") for number in range(200)]
        Security(mechanism, server, *clients)
        endpoint = server.bind()
        for client in clients:
            client.connect(endpoint)
            client.send(b"here")
        seen = set()
        for _ in clients:
            routing_id, _ = server.recv()
            seen.add(routing_id)
            server.send(routing_id, b"served " + routing_id)
        self.assertEqual(len(seen), len(clients))
        for number, client in enumerate(clients):
            self.expect(client, b"served client %d" % number)

    def test_many(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.many, mechanism=mechanism)


if __name__ == "__main__":
    unittest.main()
