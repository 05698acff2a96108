"""What the management API works with: the use cases, and what a process knows about itself."""

from dataclasses import dataclass

from accredit.ports.answers import Answers
from accredit.ports.clients import Clients
from accredit.ports.clock import Clock
from accredit.service.administrators import Administrators
from accredit.service.agents import Agents
from accredit.service.applications import Applications
from accredit.service.archives import Archives
from accredit.service.audit import Audit
from accredit.service.checkpoints import Checkpoints
from accredit.service.credentials import Credentials
from accredit.service.denials import Denials
from accredit.service.directory import Directory
from accredit.service.enrolment import EnrolmentService
from accredit.service.exports import Exports
from accredit.service.groups import Groups
from accredit.service.guards import Guards
from accredit.service.keys import Keys
from accredit.service.leases import Leases
from accredit.service.manifests import Manifests
from accredit.service.questions import Questions
from accredit.service.redaction import Redaction
from accredit.service.refusals import Refusals
from accredit.service.reindexing import Reindexing
from accredit.service.reports import Reports
from accredit.service.roles import Roles
from accredit.service.servers import Servers
from accredit.service.signals import Signals
from accredit.service.software import SoftwareDenials
from accredit.service.standing import Standing
from accredit.service.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases behind the API. `database` names the engine for people, `version` is the software's."""

    administrators: Administrators
    servers: Servers
    roles: Roles
    agents: Agents
    applications: Applications
    groups: Groups
    credentials: Credentials
    standing: Standing
    denials: Denials
    software: SoftwareDenials
    enrolment: EnrolmentService
    guards: Guards
    leases: Leases
    signals: Signals
    keys: Keys
    reports: Reports
    webhooks: Webhooks
    audit: Audit
    checkpoints: Checkpoints
    exports: Exports
    redaction: Redaction
    archives: Archives
    reindexing: Reindexing
    manifests: Manifests
    questions: Questions
    directory: Directory
    clients: Clients
    answers: Answers
    refusals: Refusals
    clock: Clock
    issuer: str
    database: str
    version: str
