"""Chance: never the same bytes twice, also when the process is two."""

import os

import pytest

from accredit_sdk.guard.moment import Dice


def test_dice_give_each_byte_once() -> None:
    source = iter([bytes([1]) * 4096, bytes([2]) * 4096])
    dice = Dice(lambda _: next(source))
    assert [dice.take(4000), dice.take(96), dice.take(1)] == [bytes([1]) * 4000, bytes([1]) * 96, bytes([2])]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_does_not_throw_what_its_parent_throws() -> None:
    dice = Dice()
    dice.take(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, dice.take(16))
        os._exit(0)
    mine = dice.take(16)
    os.waitpid(child, 0)
    theirs = os.read(reading, 16)
    os.close(reading)
    os.close(writing)
    assert len(theirs) == 16
    assert theirs != mine
