"""The report in the formats of other programs, each a pure function of it: the same report gives the same bytes.

`catalog.py` lists them; a format is one module with `render(report, fail_on) -> str`. Nothing of the document's `run`
is shown (but by html), so that two runs on the same models give the same file as well.
"""
