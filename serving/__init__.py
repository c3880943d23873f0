"""Serves decisions over HTTP."""
