"""The documentation site: pages in Markdown out of cards, op tables, targets and the command line; mkdocs builds it.

`python -m rkgraph.report.site -o site_src && mkdocs build --strict`. A page is a pure function of the data that the
program itself runs on, so the site never says anything else than rkgraph does.
"""
