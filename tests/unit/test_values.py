"""Values are frozen and slotted (2-house, "Decisions already taken"), on every pure floor."""

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import msgspec
import pytest

FLOORS = ("accredit.ports", "accredit.oauth", "accredit.audit", "accredit.identity", "accredit_sdk")
APART = ("accredit_sdk.guard", "accredit_sdk.agent", "accredit_sdk.testing")


def classes() -> Iterator[type]:
    for floor in FLOORS:
        package = importlib.import_module(floor)
        for found in pkgutil.walk_packages(package.__path__, floor + "."):
            if not found.name.startswith(APART):
                module = importlib.import_module(found.name)
                yield from (
                    one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == found.name
                )


def _name(one: type) -> str:
    return f"{one.__module__}.{one.__qualname__}"


@pytest.mark.parametrize("one", [one for one in classes() if dataclasses.is_dataclass(one)], ids=_name)
def test_a_dataclass_is_frozen_and_slotted(one: type) -> None:
    assert one.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(one)


@pytest.mark.parametrize("one", [one for one in classes() if issubclass(one, msgspec.Struct)], ids=_name)
def test_a_struct_is_frozen(one: type[msgspec.Struct]) -> None:
    assert one.__struct_config__.frozen


def test_values_were_found_at_all() -> None:
    assert sum(dataclasses.is_dataclass(one) for one in classes()) > 50
