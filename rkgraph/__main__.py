"""`python -m rkgraph` is the same as `rkgraph`."""

from rkgraph.cli.app import main

main()
