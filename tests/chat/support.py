# SPDX-License-Identifier: ISC
"""What the chat's tests share: a folder of their own, and everything ended at the end."""

import os
import shutil
import sys
import tempfile
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "demo"))

from people import Failure  # noqa: E402  pylint: disable=wrong-import-position

programs = []


def started(program):
    """Remembers a program, so that it is ended whatever happens."""
    programs.append(program)
    return program


def main(*tests):
    """Runs functions that take a folder. Exit status 0: all held."""
    failed = 0
    for test in tests:
        folder = tempfile.mkdtemp(prefix="chat-")
        try:
            test(folder)
            print(f"ok      {test.__name__}")
        except Failure as failure:
            failed += 1
            print(f"FAILED  {test.__name__}: {failure}")
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED  {test.__name__}")
            traceback.print_exc()
        finally:
            for program in programs:
                program.kill()
            programs.clear()
            shutil.rmtree(folder, ignore_errors=True)
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
