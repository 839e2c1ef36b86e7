# SPDX-License-Identifier: ISC
"""ZMTP by hand (RFC 37), over a plain socket: as much of it as the tests need."""


def recv_exactly(plain, size):
    """From a plain socket; a shorter result means that it was closed."""
    received = b""
    while len(received) < size:
        part = plain.recv(size - len(received))
        if not part:
            break
        received += part
    return received


def recv_command(plain):
    """The body of the next frame, which must be a short command."""
    flags, size = recv_exactly(plain, 2)
    assert flags == 4, f"a frame with the flags {flags}"
    return recv_exactly(plain, size)


def shake_hands(plain, socket_type):
    """Does a NULL handshake; returns the other end's greeting and the body of its READY command."""
    # Signature, version 3.1, mechanism, as-server, filler.
    plain.sendall(b"\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL" + bytes(16 + 1 + 31))
    greeting = recv_exactly(plain, 64)
    body = b"\5READY\x0bSocket-Type\0\0\0" + bytes([len(socket_type)]) + socket_type.encode()
    plain.sendall(bytes([4, len(body)]) + body)
    return greeting, recv_command(plain)


def answer_pings(plain, count):
    """Takes so many PING commands, with any commands between them, and answers each with its PONG."""
    while count > 0:
        body = recv_command(plain)
        if body.startswith(b"\4PING"):
            context = body[5 + 2:]
            plain.sendall(bytes([4, 5 + len(context)]) + b"\4PONG" + context)
            count -= 1
