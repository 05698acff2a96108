"""The management API: JSON over `/api/v1`, one file per noun. Served on the Unix socket of the data folder alone.

Whoever can open that socket (mode 0600, in a folder of mode 0700) is the local administrator; there is no other check
here. So this application must never be mounted on the public listener: that needs tokens, and comes with them.
"""

from accredit.web.api.application import api
from accredit.web.api.services import Services

__all__ = ["Services", "api"]
