"""`python -m rkgraph` is the same as `rkgraph`."""

from rkgraph.cli.start import main

main()
