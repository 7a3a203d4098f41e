"""A small client of the service, for the command line and for scripts: one folder, which users may copy.

Its files therefore import each other by relative names, and nothing else of this project.
"""

from .client import UNFINISHED, Client
from .connection import DEFAULT_SERVER
from .errors import Missing, ServiceError, TooMuch, Unreachable

__all__ = ["DEFAULT_SERVER", "UNFINISHED", "Client", "Missing", "ServiceError", "TooMuch", "Unreachable"]
