"""Run as each notebook's kernel starts (PYTHONSTARTUP): a command that fails ends the notebook, and so the build."""

import subprocess


def run_command(command: str) -> None:
    """Run a line that begins with `!`, print what it prints, and raise RuntimeError when it fails.

    A line that ends in `# fails` is expected to fail: what it prints is shown, and it is an error that it does not.
    """
    wanted = command.rstrip().endswith("# fails")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(done.stdout, end="")
    if (done.returncode != 0) != wanted:
        raise RuntimeError(f"exit status {done.returncode} of: {command}")


get_ipython().system = run_command
