# SPDX-License-Identifier: ISC
"""What the chat's tests share: a folder of their own, and everything ended at the end."""

import os
import subprocess
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


# Waits for its input to end, which it does even if the test is killed; then ends the tmux servers and removes the folder.
JANITOR = 'cat >/dev/null; for socket in "$1"/*-tmux; do tmux -S "$socket" kill-server 2>/dev/null; done; rm -rf "$1"'


def main(*tests):
    """Runs functions that take a folder. Exit status 0: all held."""
    failed = 0
    for test in tests:
        folder = tempfile.mkdtemp(prefix="chat-")
        janitor = subprocess.Popen(["sh", "-c", JANITOR, "janitor", folder], stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
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
            janitor.communicate()
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
