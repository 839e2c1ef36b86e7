# SPDX-License-Identifier: ISC
"""Routing ids, as a router sees and uses them, and the options about them."""

import unittest

from peers import InteropTest, PeerError, Security


class RoutingTest(InteropTest):

    def ids(self, first, second, mechanism):
        """Ids of every length and content arrive as they are; without one the router makes one up."""
        router = first.socket("ROUTER")
        security = Security(mechanism, router)
        endpoint = router.bind()
        for routing_id in (b"a", b"\1\2\3\xff", b"\1" * 255, b"with \0 inside"):
            dealer = second.socket("DEALER", ROUTING_ID=routing_id)
            security.join(dealer)
            dealer.connect(endpoint)
            dealer.send(b"hello")
            self.expect(router, routing_id, b"hello")
            router.send(routing_id, b"hello yourself")
            self.expect(dealer, b"hello yourself")

    def test_ids(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.ids, mechanism=mechanism)

    def made_up_id(self, first, second):
        router, dealer = first.socket("ROUTER"), second.socket("DEALER")
        dealer.connect(router.bind())
        dealer.send(b"hello")
        routing_id, text = router.recv()
        self.assertEqual((len(routing_id), routing_id[:1], text), (5, b"\0", b"hello"))
        router.send(routing_id, b"hello yourself")
        self.expect(dealer, b"hello yourself")

    def test_made_up_id(self):
        self.each_cast(self.made_up_id)

    def probe(self, first, second, prober_type):
        """PROBE_ROUTER announces itself with an empty message, so that a router can speak first."""
        router = first.socket("ROUTER")
        prober = second.socket(prober_type, ROUTING_ID="prober", PROBE_ROUTER=1)
        prober.connect(router.bind())
        self.expect(router, b"prober", b"")
        if prober_type != "REQ":
            router.send(b"prober", b"your move")
            self.assertEqual(prober.recv()[-1], b"your move")

    def test_probe(self):
        for prober_type in ("DEALER", "ROUTER", "REQ"):
            self.each_cast(self.probe, prober_type=prober_type)

    def mandatory(self, first, second):
        router, dealer = first.socket("ROUTER", ROUTER_MANDATORY=1), second.socket("DEALER", ROUTING_ID="there")
        dealer.connect(router.bind())
        dealer.send(b"hello")
        self.expect(router, b"there", b"hello")
        with self.assertRaises(PeerError) as caught:
            router.send(b"nobody", b"lost")
        self.assertEqual(caught.exception.args[0], "EHOSTUNREACH")
        router.send(b"there", b"found")
        self.expect(dealer, b"found")

    def test_mandatory(self):
        self.each_cast(self.mandatory)

    def handover(self, first, second):
        """With HANDOVER a second peer of the same id takes the first one's place."""
        router = first.socket("ROUTER", ROUTER_HANDOVER=1)
        endpoint = router.bind()
        for number in range(3):
            dealer = second.socket("DEALER", ROUTING_ID="same", RECONNECT_IVL=-1)
            dealer.connect(endpoint)
            dealer.send(b"from %d" % number)
            self.expect(router, b"same", b"from %d" % number)
            router.send(b"same", b"to %d" % number)
            self.expect(dealer, b"to %d" % number)

    def test_handover(self):
        self.each_cast(self.handover)

    def no_handover(self, first, second):
        """Without it the second is not heard, and the first goes on."""
        router = first.socket("ROUTER")
        endpoint = router.bind()
        holder = second.socket("DEALER", ROUTING_ID="same")
        holder.connect(endpoint)
        holder.send(b"I am here")
        self.expect(router, b"same", b"I am here")
        late = second.socket("DEALER", ROUTING_ID="same").monitor()
        late.connect(endpoint)
        late.send(b"so am I")
        late.event("HANDSHAKE_SUCCEEDED", "DISCONNECTED")
        holder.send(b"still here")
        self.expect(router, b"same", b"still here")

    def test_no_handover(self):
        self.each_cast(self.no_handover)

    def connect_routing_id(self, first, second):
        """The connecting side may choose what to call the other."""
        bound, router = second.socket("DEALER", ROUTING_ID="its own"), first.socket("ROUTER")
        endpoint = bound.bind()
        router.set(CONNECT_ROUTING_ID="my name for it")
        router.connect(endpoint)
        router.send(b"my name for it", b"hello")
        self.expect(bound, b"hello")
        bound.send(b"hello yourself")
        self.expect(router, b"my name for it", b"hello yourself")

    def test_connect_routing_id(self):
        self.each_cast(self.connect_routing_id)

    def correlate(self, first, second):
        """REQ_CORRELATE puts a request id in front, which REP gives back; REQ_RELAXED asks again unanswered."""
        server, client = first.socket("ROUTER"), second.socket("REQ", REQ_CORRELATE=1, REQ_RELAXED=1)
        client.connect(server.bind())
        client.send(b"never answered")
        routing_id, first_id, empty, text = server.recv()
        self.assertEqual((len(first_id), empty, text), (4, b"", b"never answered"))
        client.send(b"asked again")
        again, second_id, _, text = server.recv()
        self.assertEqual(text, b"asked again")
        self.assertNotEqual(first_id, second_id)
        server.send(again, first_id, b"", b"too late")
        server.send(again, second_id, b"", b"answer")
        self.expect(client, b"answer")

    def test_correlate(self):
        self.each_cast(self.correlate)

    def correlate_rep(self, first, second):
        server, client = first.socket("REP"), second.socket("REQ", REQ_CORRELATE=1)
        client.connect(server.bind())
        for number in range(3):
            client.send(bytes([number]))
            self.expect(server, bytes([number]))
            server.send(b"answer", bytes([number]))
            self.expect(client, b"answer", bytes([number]))

    def test_correlate_rep(self):
        self.each_cast(self.correlate_rep)

    def share(self, first, second):
        """PUSH deals its messages out to all pullers; fair queueing hears all pushers."""
        pullers = [second.socket("PULL") for _ in range(4)]
        push = first.socket("PUSH")
        endpoint = push.bind()
        push.monitor()
        for puller in pullers:
            puller.connect(endpoint)
            push.event("HANDSHAKE_SUCCEEDED")
        for number in range(40):
            push.send(bytes([number]))
        received = [[puller.recv() for _ in range(10)] for puller in pullers]
        self.assertEqual(sorted(frame[0] for row in received for frame in row), [bytes([n]) for n in range(40)])

    def test_share(self):
        self.each_cast(self.share)


if __name__ == "__main__":
    unittest.main()
