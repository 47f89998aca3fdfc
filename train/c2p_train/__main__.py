"""`python -m c2p_train`, which torchrun needs: the same as `c2p-train`."""

from c2p_train.cli import main

main()
