"""The real compiler: managed environments, the isolated worker, and what its log says.

`catalog` is what can be installed, `install` installs it, `locate` finds it, `client.Worker` runs `jobs`
in `worker.py` (which the toolkit's own interpreter executes), `logs` reads what the compiler printed.
"""
