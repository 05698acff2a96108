import os
import subprocess
import sys

import pytest

from bench.processes import TooFewCores, cores, cpu_seconds, parent_and_cpu, pinned, proportional_memory

BURN = "import time\nwhile time.process_time() < 0.2: pass\n"


def start(code):
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def finish(process):
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def test_a_process_name_cannot_shift_the_fields():
    tick = 1 / os.sysconf("SC_CLK_TCK")
    fields = "S 41 1 1 0 -1 4194560 0 0 0 0 100 20 3 4 20 0 1 0 5"
    parent, cpu = parent_and_cpu(f"42 (a) R 1 2 (b)) {fields}")
    assert (parent, cpu) == (41, pytest.approx(127 * tick))


def with_child(child, then=""):
    return f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])\n{then}"


WAIT = "print(flush=True)\ninput()"


@pytest.mark.parametrize("code", [with_child(BURN, then=WAIT), with_child(BURN + WAIT)], ids=["ended", "alive"])
def test_the_cost_of_children_counts_while_they_live_and_after_they_ended(code):
    parent = start(code)
    try:
        parent.stdout.readline()
        assert cpu_seconds([parent.pid]) >= 0.18
    finally:
        finish(parent)


def test_a_server_that_ended_has_no_cost_to_report():
    process = start("")
    finish(process)
    with pytest.raises(ProcessLookupError):
        cpu_seconds([process.pid])


def test_no_database_costs_nothing():
    assert cpu_seconds([]) == 0
    assert proportional_memory([]) == 0


def test_memory_is_that_of_the_whole_tree():
    parent = start(with_child("x = bytearray(b'x') * 50_000_000\n" + WAIT))
    try:
        parent.stdout.readline()
        assert 50e6 < proportional_memory([parent.pid]) < 150e6
    finally:
        finish(parent)


def test_a_process_started_while_pinned_stays_there_and_we_do_not():
    before = os.sched_getaffinity(0)
    core = max(before)
    with pinned(core):
        process = start("import os; print(*os.sched_getaffinity(0), flush=True); input()")
    try:
        assert process.stdout.readline().split() == [str(core).encode()]
        assert os.sched_getaffinity(0) == before
    finally:
        finish(process)


def test_one_core_is_not_enough():
    with pinned(max(os.sched_getaffinity(0))), pytest.raises(TooFewCores):
        cores()
