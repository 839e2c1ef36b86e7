# SPDX-License-Identifier: ISC
"""A pytest plugin that writes down each test's start and outcome at once, so that a crash leaves a trace.

OUTCOMES_FILE gets lines "start ID" and "done ID OUTCOME"; OUTCOMES_LIMIT is the number of seconds after which a test
that hangs ends the process, with the stacks of all threads in OUTCOMES_TRACE.
"""

import faulthandler
import os

import pytest

LOG = open(os.environ["OUTCOMES_FILE"], "a", buffering=1, encoding="utf-8")
TRACE = open(os.environ["OUTCOMES_TRACE"], "a", encoding="utf-8")
LIMIT = float(os.environ["OUTCOMES_LIMIT"])
RANK = ["passed", "skipped", "failed"]

faulthandler.enable(TRACE)
worst = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    LOG.write(f"start {item.nodeid}\n")
    faulthandler.dump_traceback_later(LIMIT, exit=True, file=TRACE)
    yield
    faulthandler.cancel_dump_traceback_later()
    LOG.write(f"done {item.nodeid} {worst.get(item.nodeid, 'failed')}\n")


def pytest_runtest_logreport(report):
    before = worst.get(report.nodeid, "passed")
    worst[report.nodeid] = max(before, report.outcome, key=RANK.index)


def pytest_collectreport(report):
    if report.failed:
        LOG.write(f"start {report.nodeid}\ndone {report.nodeid} failed\n")
    elif report.skipped:
        LOG.write(f"start {report.nodeid}\ndone {report.nodeid} skipped\n")
