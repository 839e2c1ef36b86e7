#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Certificates of libcurve and of Debian's libczmq4: each reads what the other wrote."""

import ctypes
import os
import stat
import sys
import tempfile
import unittest

CZMQ = ctypes.CDLL("libczmq.so.4")
for name in ("zcert_new", "zcert_load", "zcert_meta", "zcert_public_txt", "zcert_secret_txt", "zcert_new_from"):
    getattr(CZMQ, name).restype = ctypes.c_void_p
CURVE = ctypes.CDLL(os.environ["LIBCURVE"])
for name in ("curve_cert_new", "curve_cert_load", "curve_cert_meta", "curve_cert_public_text", "curve_cert_secret_key"):
    getattr(CURVE, name).restype = ctypes.c_void_p

META = {"name": "Bob", "email": "bob@example.org", "empty": "", "quote": "it's # = 1", "a/b.c-d_e+9": "back\\slash",
        "utf-8": "h\u00e9llo \u6f22 \U0001f600", "long": "y" * 4000, "spaces": "  x  "}


def text(pointer):
    return ctypes.string_at(pointer).decode() if pointer else None


class Certificates(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = os.path.join(self.folder.name, "bob.key")

    def tearDown(self):
        self.folder.cleanup()

    def save_czmq(self, save="zcert_save"):
        cert = ctypes.c_void_p(CZMQ.zcert_new())
        for key, value in META.items():
            CZMQ.zcert_set_meta(cert, key.encode(), b"%s", value.encode())
        self.assertEqual(getattr(CZMQ, save)(cert, self.file.encode()), 0)
        keys = text(CZMQ.zcert_public_txt(cert)), text(CZMQ.zcert_secret_txt(cert))
        CZMQ.zcert_destroy(ctypes.byref(cert))
        return keys

    def save_curve(self, save="curve_cert_save"):
        cert = ctypes.c_void_p(CURVE.curve_cert_new())
        for key, value in META.items():
            self.assertEqual(CURVE.curve_cert_set_meta(cert, key.encode(), value.encode()), 0)
        self.assertEqual(getattr(CURVE, save)(cert, self.file.encode()), 0)
        public = text(CURVE.curve_cert_public_text(cert))
        secret = ctypes.string_at(CURVE.curve_cert_secret_key(cert), 32)
        CURVE.curve_cert_destroy(ctypes.byref(cert))
        return public, secret

    def load_czmq(self):
        cert = ctypes.c_void_p(CZMQ.zcert_load(self.file.encode()))
        self.assertTrue(cert)
        for key, value in META.items():
            self.assertEqual(text(CZMQ.zcert_meta(cert, key.encode())), value, key)
        keys = text(CZMQ.zcert_public_txt(cert)), text(CZMQ.zcert_secret_txt(cert))
        CZMQ.zcert_destroy(ctypes.byref(cert))
        return keys

    def load_curve(self):
        cert = ctypes.c_void_p(CURVE.curve_cert_load(self.file.encode()))
        self.assertTrue(cert)
        for key, value in META.items():
            self.assertEqual(text(CURVE.curve_cert_meta(cert, key.encode())), value, key)
        self.assertEqual(CURVE.curve_cert_exposed(cert), 0)
        public = text(CURVE.curve_cert_public_text(cert))
        secret = CURVE.curve_cert_secret_key(cert)
        secret = ctypes.string_at(secret, 32) if secret else None
        CURVE.curve_cert_destroy(ctypes.byref(cert))
        return public, secret

    def z85(self, key):
        out = ctypes.create_string_buffer(41)
        zmq = ctypes.CDLL("libzmq.so.5")
        zmq.zmq_z85_encode(out, key, 32)
        return out.value.decode()

    def test_czmq_to_curve(self):
        public, secret = self.save_czmq()
        loaded = self.load_curve()
        self.assertEqual((loaded[0], self.z85(loaded[1])), (public, secret))

    def test_czmq_public_to_curve(self):
        public, _ = self.save_czmq("zcert_save_public")
        self.assertEqual(self.load_curve(), (public, None))

    def test_czmq_without_secret_to_curve(self):
        """Of a certificate that has no secret key CZMQ writes one of zeros."""
        self.save_czmq("zcert_save_public")
        cert = ctypes.c_void_p(CZMQ.zcert_load(self.file.encode()))
        self.assertEqual(CZMQ.zcert_save(cert, self.file.encode()), 0)
        public = text(CZMQ.zcert_public_txt(cert))
        CZMQ.zcert_destroy(ctypes.byref(cert))
        self.assertEqual(self.load_curve(), (public, None))

    def test_curve_to_czmq(self):
        public, secret = self.save_curve()
        self.assertEqual(self.load_czmq(), (public, self.z85(secret)))
        self.assertEqual(stat.S_IMODE(os.stat(self.file + "_secret").st_mode), 0o600)

    def test_curve_public_to_czmq(self):
        public, _ = self.save_curve("curve_cert_save_public")
        self.assertEqual(self.load_czmq(), (public, "0" * 40))

    def test_curve_secret_to_czmq(self):
        public, secret = self.save_curve("curve_cert_save_secret")
        self.assertFalse(os.path.exists(self.file))
        self.assertEqual(self.load_czmq(), (public, self.z85(secret)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
