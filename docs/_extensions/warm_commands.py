"""Sphinx extension: the commands of the how-tos are forked from a process that has imported torch, and start at once.

While a site with such commands is built, `lingon` is a small program that hands its arguments, folder, environment and
files over to that process, passes signals on, and exits as the command does; when it is killed, so is the command.
Where there is no fork, nothing changes.
"""

import array
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread

from sphinx.application import Sphinx

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


def start(app: Sphinx) -> None:
    """Start the process and put the small program first on the path, if there is a command to run."""
    pages = Path(app.srcdir).rglob("*.md")
    if not hasattr(os, "fork") or not any("\n!lingon " in page.read_text(encoding="utf-8") for page in pages):
        return
    folder = tempfile.TemporaryDirectory(prefix="lingon-warm-")
    address, program = str(Path(folder.name) / "line"), Path(folder.name) / "lingon"
    program.write_text(SHIM.format(python=sys.executable, address=address, files=FILES))
    program.chmod(0o755)
    os.environ["PATH"] = os.pathsep.join([folder.name, os.environ["PATH"]])
    process = subprocess.Popen([sys.executable, __file__, address], stdout=subprocess.DEVNULL)

    def stop(app: Sphinx, error: Exception | None) -> None:
        process.kill()
        process.wait()
        folder.cleanup()

    app.connect("build-finished", stop)


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
        while True:
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


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", start)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    serve(sys.argv[1])
