"""Reads files of other systems and tells the services what happened, each fact once."""
