"""What the suite's client judge finds about an agent that is the official client with `AgentAuth`."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.conformance.results import Checks, count
from tests.conformance.suite import Suite

JUDGE: Final = "client with AgentAuth"
REVISION: Final = "2026-07-28"

APPLIES: Final = (
    "tools_call",
    "auth/client-credentials-basic",
    "auth/client-credentials-jwt",
    "auth/resource-mismatch",
    "auth/metadata-issuer-mismatch",
)
"""The scenarios that need no person who signs in, and say something about `AgentAuth`."""

_SIGN_IN: Final = "needs the authorization code grant, with a person who signs in"
_OTHERS: Final = (
    (r"auth/dpop.*", "needs DPoP in AgentAuth"),
    (r"auth/wif-jwt-bearer", "needs workload identity in AgentAuth"),
    (r"auth/enterprise-managed-authorization", "needs identity assertions (ID-JAG) in AgentAuth"),
    (r"auth/.*", _SIGN_IN),
    (r".*", "is about the official client alone, which its own project judges"),
)
_COMMAND: Final = f"{sys.executable} -m tests.conformance.agent"


@dataclass(frozen=True, slots=True)
class AgentVerdict:
    """The checks of each scenario that applies, and for each other one the reason why it was not run."""

    scenarios: Mapping[str, Checks]
    others: Mapping[str, str]

    def holds(self) -> bool:
        """Tell whether every scenario that applies was really run, and no check of it failed or warned."""
        counted = [count(self.scenarios.get(name, {})) for name in APPLIES]
        return all(passed > 0 and failed == 0 for passed, failed in counted)

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        told = {name: count(checks) for name, checks in self.scenarios.items()}
        return {
            "judge": JUDGE,
            "version": REVISION,
            "holds": self.holds(),
            "scenarios": [{"scenario": name, "passed": one[0], "failed": one[1]} for name, one in told.items()],
            "not_run": [{"scenario": name, "reason": reason} for name, reason in self.others.items()],
        }


def reason(scenario: str) -> str:
    """Return why a scenario that does not apply is not run."""
    return next(text for pattern, text in _OTHERS if re.fullmatch(pattern, scenario))


def judged(suite: Suite, folder: Path) -> AgentVerdict:
    """Run what applies."""
    found = {name: suite.judge_client(_COMMAND, name, REVISION, folder) for name in APPLIES}
    others = sorted(suite.client_scenarios(REVISION) - set(APPLIES))
    return AgentVerdict(found, {name: reason(name) for name in others})
