"""The command line, forked from a process that has imported torch: each command starts at once.

A small program hands its arguments, folder, environment and files over to that process, passes signals on, and exits as
the command does; when it is killed, so is the command. For the how-tos of the site and for the tests.
"""

import array
import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread

FILES = 3  # standard input, output and errors
SHIM = """#!{python} -SE
import array, json, os, signal, socket, sys, time
for attempt in range(1200):
    line = socket.socket(socket.AF_UNIX)
    try:
        line.connect({address!r})
        break
    except (FileNotFoundError, ConnectionRefusedError):
        line.close()
        time.sleep(0.05)
said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
line.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", range({files})))])
line.sendall(len(said).to_bytes(8, "big") + said)
answers = line.makefile("r")
pid = int(answers.readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: os.kill(pid, number))
status = int(answers.readline())
sys.exit(status if status >= 0 else 128 - status)
"""


def start(folder: Path) -> tuple[Path, subprocess.Popen]:
    """Start the process; return the small program, which is called `lingon` and lies in the folder, and the process.

    The process ends when it is killed, or with the one that started it.
    """
    address, program = str(folder / "line"), folder / "lingon"
    program.write_text(SHIM.format(python=sys.executable, address=address, files=FILES))
    program.chmod(0o755)
    here = [sys.executable, __file__, address]
    return program, subprocess.Popen(here, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


def serve(address: str) -> None:
    """Import what commands import, and fork for each that comes; two processes, of which one waits for the other."""
    from lingon.cli.app import main
    from lingon.tasks.registry import TASKS, task_of

    for name in TASKS:
        task_of(name)
    for module in ("lingon.checkpoints", "lingon.recipes.train_once"):
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen()
        while door in select.select([door, sys.stdin], [], [])[0]:  # standard input is over with whoever started this
            line, _ = door.accept()
            if os.fork() == 0:
                door.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(line, main)
                os._exit(0)
            line.close()


def _answer(line: socket.socket, main) -> None:
    """Run a command in a process of its own, and tell its number, then its exit status."""
    _, rights, _, _ = line.recvmsg(1, socket.CMSG_SPACE(FILES * array.array("i").itemsize))
    files = array.array("i", rights[0][2])
    with line.makefile("rb") as said:
        arguments, folder, environment = json.loads(said.read(int.from_bytes(said.read(8), "big")))
    if (pid := os.fork()) == 0:
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        _run(main, arguments)
    line.sendall(f"{pid}\n".encode())
    end = Thread(target=_tell_end, args=(line, pid))
    end.start()
    line.recv(1)  # until whoever asked is gone; if before its time, then so is the command
    with suppress(ProcessLookupError):  # it has just ended by itself
        if end.is_alive():
            os.kill(pid, signal.SIGKILL)


def _tell_end(line: socket.socket, pid: int) -> None:
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(BrokenPipeError):
        line.sendall(f"{status}\n".encode())


def _run(main, arguments: list[str]) -> None:
    sys.argv, status = ["lingon", *arguments], 1
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
