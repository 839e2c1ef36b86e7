#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""PUB-SUB under libironauth in other languages' programs: a PyZMQ server with PyZMQ and CZMQ clients, some of them
unknown; once on this libzmq, once on the system's."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(os.environ.get("BUILD_DIR", "build"))
PATIENCE_MS = 60000
SUB = 2  # ZMQ_SUB


def load_ironauth():
    lib = ctypes.CDLL(os.path.join(BUILD, "lib", "libironauth.so.1"))
    lib.ironauth_start.restype = ctypes.c_void_p
    lib.ironauth_start.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    lib.ironauth_curve_server.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    lib.ironauth_curve_client.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    lib.ironauth_stop.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
    lib.ironauth_error.restype = ctypes.c_char_p
    return lib


def load_czmq():
    lib = ctypes.CDLL("libczmq.so.4")
    for name, result, arguments in (
            ("zsock_new", ctypes.c_void_p, [ctypes.c_int]),
            ("zsock_connect", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
            ("zsock_set_subscribe", None, [ctypes.c_void_p, ctypes.c_char_p]),
            ("zsock_set_curve_serverkey", None, [ctypes.c_void_p, ctypes.c_char_p]),
            ("zsock_set_rcvtimeo", None, [ctypes.c_void_p, ctypes.c_int]),
            ("zsock_destroy", None, [ctypes.POINTER(ctypes.c_void_p)]),
            ("zcert_load", ctypes.c_void_p, [ctypes.c_char_p]),
            ("zcert_public_txt", ctypes.c_char_p, [ctypes.c_void_p]),
            ("zcert_apply", None, [ctypes.c_void_p, ctypes.c_void_p]),
            ("zcert_destroy", None, [ctypes.POINTER(ctypes.c_void_p)]),
            ("zstr_recv", ctypes.c_void_p, [ctypes.c_void_p]),
            ("zsys_shutdown", None, [])):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Czmq:
    """A CZMQ SUB socket with a certificate of CZMQ's own reading."""

    def __init__(self, lib, certificate, server, endpoint):
        self.lib = lib
        self.socket = ctypes.c_void_p(lib.zsock_new(SUB))
        own = ctypes.c_void_p(lib.zcert_load(certificate))
        other = ctypes.c_void_p(lib.zcert_load(server))
        assert own and other, "CZMQ does not read the certificates"
        lib.zcert_apply(own, self.socket)
        lib.zsock_set_curve_serverkey(self.socket, lib.zcert_public_txt(other))
        lib.zcert_destroy(ctypes.byref(own))
        lib.zcert_destroy(ctypes.byref(other))
        lib.zsock_set_subscribe(self.socket, b"")
        lib.zsock_set_rcvtimeo(self.socket, PATIENCE_MS)
        assert lib.zsock_connect(self.socket, endpoint.encode()) == 0

    def receive(self):
        text = self.lib.zstr_recv(self.socket)
        assert text, "the CZMQ client hears nothing"
        return ctypes.string_at(text)

    def close(self):
        self.lib.zsock_destroy(ctypes.byref(self.socket))


def subscriber(zmq, lib, context, certificate, endpoint):
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    socket.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
    assert lib.ironauth_curve_client(socket.underlying, certificate, b"server.key") == 0, lib.ironauth_error()
    socket.connect(endpoint)
    return socket


def await_event(zmq, monitor, kind):
    from zmq.utils.monitor import recv_monitor_message  # pylint: disable=import-outside-toplevel

    while True:
        assert monitor.poll(PATIENCE_MS), "the server does not say what became of a client"
        if recv_monitor_message(monitor)["event"] == kind:
            return


def scene():
    """In a process of its own, in a folder with certificates."""
    import zmq  # pylint: disable=import-outside-toplevel

    lib, czmq = load_ironauth(), load_czmq()
    ours = hasattr(ctypes.CDLL("libzmq.so.5"), "ironhouse_close")
    assert ours == (sys.argv[2] == "ours"), "it runs on the other libzmq"
    context = zmq.Context()
    auth = ctypes.c_void_p(lib.ironauth_start(context.underlying, None))
    assert auth, lib.ironauth_error()
    publisher = context.socket(zmq.XPUB)  # which says when somebody has subscribed
    publisher.setsockopt(zmq.XPUB_VERBOSE, 1)
    publisher.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
    assert lib.ironauth_curve_server(auth, publisher.underlying, b"server.key", b"clients") == 0, lib.ironauth_error()
    monitor = publisher.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    publisher.bind("tcp://127.0.0.1:*")
    endpoint = publisher.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    stranger = subscriber(zmq, lib, context, b"mallory.key", endpoint)
    await_event(zmq, monitor, zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    other = Czmq(czmq, b"mallory.key", b"server.key", endpoint)
    await_event(zmq, monitor, zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    alice = subscriber(zmq, lib, context, b"alice.key", endpoint)
    await_event(zmq, monitor, zmq.EVENT_HANDSHAKE_SUCCEEDED)
    bob = Czmq(czmq, b"bob.key", b"server.key", endpoint)
    await_event(zmq, monitor, zmq.EVENT_HANDSHAKE_SUCCEEDED)
    assert publisher.recv() == b"\1" and publisher.recv() == b"\1", "not two subscriptions"
    publisher.send(b"news")
    assert alice.recv() == b"news"
    assert bob.receive() == b"news"

    shutil.move(os.path.join("clients", "bob.key"), "gone.key")  # takes effect at once
    late = Czmq(czmq, b"bob.key", b"server.key", endpoint)
    await_event(zmq, monitor, zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    for client in (bob, other, late):
        client.close()
    publisher.disable_monitor()
    for socket in (monitor, stranger, alice, publisher):
        socket.close(0)
    lib.ironauth_stop(ctypes.byref(auth))
    context.term()
    czmq.zsys_shutdown()
    print(zmq.zmq_version())


def main():
    libraries = [os.path.join(BUILD, "lib"), ""]
    for library in libraries:
        folder = tempfile.mkdtemp(prefix="clients-")
        environment = dict(os.environ, BUILD_DIR=BUILD, LD_LIBRARY_PATH=library)
        try:
            os.mkdir(os.path.join(folder, "clients"))
            for name in ("server", "alice", "bob", "mallory"):
                subprocess.run([os.path.join(BUILD, "bin", "curve_keygen"), "--out", ".", "--name", name], cwd=folder,
                               check=True, stdout=subprocess.DEVNULL)
            for name in ("alice", "bob"):
                shutil.copy(os.path.join(folder, name + ".key"), os.path.join(folder, "clients"))
            subprocess.run([sys.executable, "-B", os.path.abspath(__file__), "scene",
                            "ours" if library else "the system's"], cwd=folder, env=environment, check=True)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(scene() if sys.argv[1:2] == ["scene"] else main())
