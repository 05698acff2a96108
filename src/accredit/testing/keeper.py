"""Runs a command that lives no longer than the process that asked for it, not even when that one is killed.

`python keeper.py UID FOLDER COMMAND...`: UID is the user to run as (-1: the same), FOLDER is deleted at the end (`-`:
none). The end is when the command ends, or when standard input does: whoever started this keeps the other end of the
pipe open and needs to do nothing else. Standard library only, so that it starts in milliseconds and anywhere.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import Final

PATIENCE: Final = 20
"""Seconds that the command has to end by itself after SIGINT."""


def main(arguments: list[str]) -> int:
    """Run the command of `arguments` (see the module) until it or standard input ends; return its exit status."""
    uid, folder, *command = arguments
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    child = subprocess.Popen(  # noqa: S603  (the command is the caller's own)
        command,
        stdin=subprocess.DEVNULL,
        user=None if uid == "-1" else int(uid),
        group=None if uid == "-1" else int(uid),
        extra_groups=None if uid == "-1" else [],
        restore_signals=True,
        start_new_session=True,
    )
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    status = child.wait()
    if folder != "-":
        shutil.rmtree(folder, ignore_errors=True)
    return status


def _end_with_input(child: subprocess.Popen[bytes]) -> None:
    """Wait for the end of standard input, then end the child: politely, and after `PATIENCE` by force."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    child.send_signal(signal.SIGINT)
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
