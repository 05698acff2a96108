"""The management API: JSON over `/api/v1`, one file per noun. `permissions.py` says who may do what.

It is served twice. Whoever can open the Unix socket of the data folder (mode 0600, in a folder of mode 0700) is the
local administrator. On the public listener it takes the access tokens of the built-in management server, and no others.
"""

from accredit.web.api.application import local_api, public_api
from accredit.web.api.services import Services

__all__ = ["Services", "local_api", "public_api"]
