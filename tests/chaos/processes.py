"""Starts programs in such a way that they never outlive the driver."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Sequence

# Makes the kernel end a child with the driver, where this program is installed. `preexec_fn` could do the same, but
# code between fork and exec can wait forever for a lock that another thread held.
SETPRIV = shutil.which("setpriv") if sys.platform.startswith("linux") else None


def spawn(command: Sequence[str], log: Path, **more: Any) -> subprocess.Popen[bytes]:
    """Starts a program in a session of its own, as Ctrl-C is the driver's, with its output appended to `log`."""
    with open(log, "ab") as out:
        return _spawn(command, out, more)


def _spawn(command: Sequence[str], out: Any, more: dict[str, Any]) -> subprocess.Popen[bytes]:
    words = list(command)
    if SETPRIV:
        words = [SETPRIV, "--pdeathsig", "KILL", "--", *words]
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **more)


F_SETPIPE_SZ = 1031  # Linux
PIPE_BYTES = 4096    # the least that the kernel grants
LINE_BYTES = 1024    # with less than this left, the next line of a log may not fit


class LogPipe(threading.Thread):
    """A small pipe for a program's output. What is read from it is appended to the log; while `is_read` is cleared,
    nobody reads it."""

    def __init__(self, log: Path, is_read: threading.Event) -> None:
        super().__init__(daemon=True)
        self.log, self.is_read = log, is_read
        self.end, self._for_program = os.pipe()
        try:
            fcntl.fcntl(self.end, F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            pass  # then it takes longer to fill

    def spawn(self, command: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:
        """Starts a program that writes to it."""
        process = _spawn(command, self._for_program, more)
        os.close(self._for_program)
        self.start()
        return process

    def run(self) -> None:
        with open(self.log, "ab", buffering=0) as log:
            while self.is_read.wait() and (data := os.read(self.end, 1 << 16)):
                log.write(data)
        os.close(self.end)

    def is_full(self) -> bool:
        """Whether the program that writes to it has to wait, or to leave lines out."""
        waiting = struct.unpack("i", fcntl.ioctl(self.end, termios.FIONREAD, b"\0" * 4))[0]
        return waiting > PIPE_BYTES - LINE_BYTES


def free_port() -> int:
    """A port below those that the kernel picks for outgoing connections, so that it stays free during a restart."""
    start = int.from_bytes(os.urandom(2), "big") % 10_000
    for offset in range(10_000):
        port = 20_000 + (start + offset) % 10_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


async def accepts(port: int, within: float) -> bool:
    """Waits until something listens on the port. False after `within` seconds."""
    for _ in range(int(within / 0.05)):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return True
    return False


POOL = ThreadPoolExecutor(32, thread_name_prefix="program")
ALIVE: set[subprocess.Popen[bytes]] = set()


async def run(command: Sequence[str], within: float, data: bytes | None = None, **more: Any) -> tuple[int, str, str]:
    """Runs a program to its end: exit code, stdout, stderr. Code 124 when it took longer than `within` seconds.

    It runs in a thread, as asyncio's own subprocess can wait forever for a pipe of a child that was given up.
    """
    def work() -> tuple[int, str, str]:
        process = subprocess.Popen(list(command), stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **more)
        ALIVE.add(process)
        try:
            out, err = process.communicate(data, within)
        except subprocess.TimeoutExpired:
            end_group(process)
            process.communicate()
            return 124, "", "took too long"
        finally:
            ALIVE.discard(process)
        return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")

    try:
        return await asyncio.get_running_loop().run_in_executor(POOL, work)
    except RuntimeError as shut_down:
        raise asyncio.CancelledError from shut_down  # the run is over


def pid_of_port(port: int, pids: list[int]) -> int:
    """The process among `pids` that owns this local TCP port, as /proc shows it; 0 where it does not (Linux only)."""
    wanted = f":{port:04X}"
    try:
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return 0
    inodes = {f"socket:[{line.split()[9]}]" for line in lines if line.split()[1].endswith(wanted)}
    for pid in pids:
        try:
            for entry in os.scandir(f"/proc/{pid}/fd"):
                if os.readlink(entry.path) in inodes:
                    return pid
        except OSError:
            continue
    return 0


def end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def end_all() -> None:
    """Ends the programs that `run` still waits for, so that its threads end too."""
    for process in list(ALIVE):
        end_group(process)
    POOL.shutdown(wait=False, cancel_futures=True)
