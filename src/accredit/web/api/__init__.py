"""The management API: JSON over `/api/v1`, one file per noun. `permissions.py` says who may do what.

It has two doors. Whoever can open the Unix socket of the data folder (mode 0600, in a folder of mode 0700) is the
local administrator. On the public listener it takes the access tokens of the built-in management server, and no others.
"""

from accredit.web.api.application import management_api
from accredit.web.api.door import LocalDoor, TokenDoor
from accredit.web.api.services import Services

__all__ = ["LocalDoor", "Services", "TokenDoor", "management_api"]
