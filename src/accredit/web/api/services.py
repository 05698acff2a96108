"""What the management API works with: the use cases, and what a process knows about itself."""

from dataclasses import dataclass
from typing import Final

from accredit.ports.clock import Clock
from accredit.service.agents import Agents
from accredit.service.audit import Audit
from accredit.service.directory import Directory
from accredit.service.enrolment import EnrolmentService
from accredit.service.guards import Guards
from accredit.service.keys import Keys
from accredit.service.roles import Roles
from accredit.service.servers import Servers

LOCAL: Final = "local administrator"
"""Who made a change, as the audit log names whoever can open the socket."""


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases behind the API. `database` names the engine for people, `version` is the software's."""

    servers: Servers
    roles: Roles
    agents: Agents
    enrolment: EnrolmentService
    guards: Guards
    keys: Keys
    audit: Audit
    directory: Directory
    clock: Clock
    issuer: str
    database: str
    version: str
