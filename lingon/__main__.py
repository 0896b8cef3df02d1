"""`python -m lingon` is `lingon`, so that `torchrun -m lingon train ...` works."""

from lingon.cli.app import main

main()
