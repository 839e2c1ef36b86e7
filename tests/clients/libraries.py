# SPDX-License-Identifier: ISC
"""Finding libraries, for the scripts in this directory."""

import os
import re
import shutil
import subprocess

PYTHON = "/usr/bin/python3"
# The exit status that says "not tested".
SKIPPED = 77


def system_library(name):
    """The path of a library in the system's own directories; None if it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/sbin", "/usr/sbin"])
    cache = subprocess.run([shutil.which("ldconfig", path=path) or "ldconfig", "-p"], capture_output=True, text=True,
                           check=True).stdout
    found = re.search(rf"^\s*{re.escape(name)} .*=> (\S+)", cache, re.M)
    return os.path.realpath(found.group(1)) if found else None


def system_libzmq_dir():
    path = system_library("libzmq.so.5")
    if path is None:
        raise SystemExit("the system has no libzmq.so.5: install the package libzmq5")
    return os.path.dirname(path)


def on_library(directory, **variables):
    """The environment in which a program finds its libzmq in that directory."""
    return dict(os.environ, LD_LIBRARY_PATH=directory, PYTHONDONTWRITEBYTECODE="1", **variables)
