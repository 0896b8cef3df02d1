"""python compile.py FOLDER/model.pt2 COMPILED.pt2: machine code of an exported model, for processors like this one."""

import sys

import torch


def main(exported: str, compiled: str) -> None:
    """Needs torch and a C++ compiler, and no Lingon."""
    program = torch.export.load(exported)
    # Two texts of 13 tokens, of which the compiler wants to know the kind alone; torch would have pickled an example.
    program.example_inputs = ((torch.zeros(2, 13, dtype=torch.int64), torch.ones(2, 13, dtype=torch.bool)), {})
    with torch.no_grad(), torch._inductor.config.patch(freezing=True):
        torch._inductor.aoti_compile_and_package(program, package_path=compiled)


if __name__ == "__main__":
    main(*sys.argv[1:])
