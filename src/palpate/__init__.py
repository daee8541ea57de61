"""Anatomical landmarks in clinical images, and measurements that can be trusted."""

from importlib.metadata import version

__version__ = version("palpate")
