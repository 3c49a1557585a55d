"""Runs the command line as `python -m rapport_cli`."""

from rapport_cli.main import app

app()
