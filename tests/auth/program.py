# SPDX-License-Identifier: ISC
"""What the tests of the program ironauth share."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

BUILD = os.environ["BUILD_DIR"]
PROGRAM = os.path.join(BUILD, "bin", "ironauth")
KEYGEN = os.path.join(BUILD, "bin", "curve_keygen")
KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
OTHER = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

# In this environment passwords are hashed with little work.
CHEAP = {**os.environ, "LD_PRELOAD": os.environ["CHEAP_HASH"]}

DONE, REFUSED, USAGE, AWAY, DAMAGED, FAILED = range(6)


def run(*words, stdin=""):
    """Status, standard output, standard error."""
    done = subprocess.run([PROGRAM, *words], input=stdin.encode(), capture_output=True, check=False, env=CHEAP)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def expect(status, *words, stdin=""):
    """Standard output, if the program ends so."""
    got, out, err = run(*words, stdin=stdin)
    assert got == status, f"{words}: {got}, not {status}: {out}{err}"
    assert (err == "") == (status == DONE), f"{words}: {err}"
    return out


def expect_json(status, *words, stdin=""):
    """The object, if it is the only thing that is printed."""
    value = json.loads(expect(status, *words, "--json", stdin=stdin))
    assert value["ok"] == (status == DONE)
    if status != DONE:
        assert value["status"] == status and value["error"]
    return value


def main(tests):
    """Runs the functions called test_*, each with a folder of its own."""
    failed = 0
    for name, test in tests.items():
        if not name.startswith("test_"):
            continue
        # In memory where the system has such a place: the tests need no disk, and the program waits for it.
        folder = tempfile.mkdtemp(prefix="ironauth-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        try:
            test(folder)
            print(f"ok      {name}")
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED  {name}")
            traceback.print_exc()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
