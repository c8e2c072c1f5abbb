"""The installed version of Dragoman."""

from importlib.metadata import version

__version__ = version("dragoman")
