"""The package: its public names, and a guard and an agent that are loaded when somebody asks for them."""

import pytest

import accredit_sdk
from accredit_sdk import agent, errors, guard, policy


def test_the_public_names_are_there_and_are_the_ones_of_their_modules() -> None:
    assert accredit_sdk.__all__ == sorted(accredit_sdk.__all__)
    assert {name: getattr(accredit_sdk, name) for name in accredit_sdk.__all__} == {
        "AccreditError": errors.AccreditError,
        "AgentAuth": agent.AgentAuth,
        "ConfigurationError": errors.ConfigurationError,
        "Guard": guard.Guard,
        "Target": policy.Target,
    }


def test_what_is_loaded_late_can_be_imported_by_name() -> None:
    from accredit_sdk import AgentAuth, Guard

    assert (AgentAuth, Guard) == (agent.AgentAuth, guard.Guard)


@pytest.mark.parametrize("name", ["guards", "Nothing", "_Guard"])
def test_a_name_that_is_not_there_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError):
        getattr(accredit_sdk, name)
