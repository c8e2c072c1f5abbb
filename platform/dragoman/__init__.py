"""Dragoman: finetune and evaluate translation models over grids of directed language pairs."""

from importlib.metadata import version

__version__ = version("dragoman")
