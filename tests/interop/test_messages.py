# SPDX-License-Identifier: ISC
"""Messages of every size and of many frames, floods of them, and what the high-water mark does."""

import unittest

from peers import InteropTest, Made, PeerError, Security

SIZES = [0, 1, 7, 8, 29, 30, 33, 34, 63, 64, 127, 128, 221, 222, 223, 224, 225, 226, 238, 239, 240, 254, 255, 256, 257,
         511, 512, 4095, 4096, 8159, 8160, 8191, 8192, 8193, 16384, 65503, 65504, 65535, 65536, 65537, 262144,
         1048577, 8000001]


class MessageTest(InteropTest):

    def ends(self, server_peer, client_peer, mechanism, server_type="DEALER", client_type="DEALER", **options):
        server = server_peer.socket(server_type, **options)
        client = client_peer.socket(client_type, **options)
        Security(mechanism, server, client)
        client.connect(server.bind())
        return server, client

    def sizes(self, first, second, mechanism):
        """There and back: around each border of frame flags, buffers and inline messages."""
        server, client = self.ends(first, second, mechanism)
        for seed, size in enumerate(SIZES):
            client.send(Made(size, seed))
            self.expect(server, Made(size, seed))
            server.send(Made(size, seed + 1), Made(size, seed + 2))
            self.expect(client, Made(size, seed + 1), Made(size, seed + 2))

    def test_sizes(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.sizes, mechanism=mechanism)

    def multipart(self, first, second, mechanism):
        server, client = self.ends(first, second, mechanism)
        for count in (2, 3, 100, 2000):
            frames = [Made(number % 300, number) for number in range(count)]
            client.send(*frames)
            self.expect(server, *frames)
        frames = [Made(size, 1) for size in SIZES if size < 1000000]
        server.send(*frames)
        self.expect(client, *frames)

    def test_multipart(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.multipart, mechanism=mechanism)

    def flood(self, first, second, mechanism, size, count):
        """Far more than fits between the two, in order and complete, one way and then the other."""
        server, client = self.ends(first, second, mechanism, SNDHWM=50, RCVHWM=50)
        upstream, downstream = self.ends(first, second, "NULL", "PUSH", "PULL")
        client.start_burst(count, size)
        server.start_sink(count, size)
        upstream.start_burst(count, size)
        downstream.start_sink(count, size)
        for peer in (second, first, first, second):
            peer.hear()

    def test_flood(self):
        for mechanism in Security.NAMES:
            for size, count in ((0, 20000), (16, 20000), (300, 20000), (70000, 300)):
                self.each_cast(self.flood, mechanism=mechanism, size=size, count=count)

    def high_water(self, first, second, mechanism):
        """A sender is stopped when the receiver does not receive, and goes on when it does; nothing is lost."""
        receiver, sender = self.ends(first, second, mechanism, "PULL", "PUSH", SNDHWM=5, RCVHWM=5, SNDBUF=4096,
                                     RCVBUF=4096)
        sent = 0
        sender.set(SNDTIMEO=0)
        try:
            while sent < 10000:
                sender.send(Made(20000, sent))
                sent += 1
        except PeerError as error:
            self.assertEqual(error.args[0], "EAGAIN")
        self.assertLess(sent, 10000)
        sender.set(SNDTIMEO=10000)
        second.tell("send", sender.name, "*20000:" + str(sent))
        for number in range(sent + 1):
            self.expect(receiver, Made(20000, number))
        second.hear()

    def test_high_water(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.high_water, mechanism=mechanism)

    def too_large(self, first, second, mechanism):
        """A message beyond MAXMSGSIZE costs its sender the connection, and nobody else."""
        server = first.socket("PULL", MAXMSGSIZE=1000).monitor()
        wrong, right = second.socket("PUSH"), second.socket("PUSH")
        Security(mechanism, server, wrong, right)
        endpoint = server.bind()
        wrong.connect(endpoint)
        wrong.send(Made(900))
        self.expect(server, Made(900))
        wrong.send(Made(1100))
        server.event("DISCONNECTED")
        right.connect(endpoint)
        right.send(b"fits")
        self.expect(server, b"fits")

    def test_too_large(self):
        for mechanism in Security.NAMES:
            self.each_cast(self.too_large, mechanism=mechanism)


if __name__ == "__main__":
    unittest.main()
