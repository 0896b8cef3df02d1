"""A worker's side of the talk: one JSON line in, one out. Runs in any peer's environment, so it needs only Python."""

import json
import os
import sys
import time
import traceback


def serve(**abilities):
    """Answers {"do": name, "arguments": {...}} with what that function returns and the seconds it took.

    A function that times only a part of what it does returns "seconds" itself. "peak": the most memory so far.
    """
    # What libraries print goes to stderr, so that the answers stay alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            start = time.perf_counter()
            answer = abilities[request["do"]](**request["arguments"]) or {}
            answer = {"seconds": time.perf_counter() - start, "peak": peak(), **answer}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def peak():
    """The most bytes this process has held; None where the system does not say."""
    # Not getrusage: a process begins with what its parent held.
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")), None)
    except OSError:
        return None
