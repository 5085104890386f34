"""The SDK's numbers are those of the headers and of the loader's C code."""

from __future__ import annotations

import json
import re
from types import ModuleType
from typing import Any

import pytest
from conftest import NATIVE, ROOT

from resty_ffi import _host_log, _stream, errors, runtime, shared_dict


@pytest.fixture(scope="module")
def contract() -> Any:
    return json.loads((NATIVE / "dist" / "contract.json").read_text())


def enum(contract: Any, name: str, prefix: str = "RESTY_FFI_") -> dict[str, int]:
    """The enumerators of the headers, without their prefix."""
    return {each.removeprefix(prefix): contract["constants"][each] for each in contract["enums"][name]}


def numbers(module: ModuleType) -> dict[str, int]:
    """All that a module defines in upper case."""
    return {name: value for name, value in vars(module).items() if name.isupper() and type(value) is int}


def test_statuses(contract: Any) -> None:
    expected = enum(contract, "resty_ffi_status")
    assert expected.pop("OK") == 0
    assert numbers(errors) == expected


def test_levels(contract: Any) -> None:
    expected = enum(contract, "resty_ffi_level", "RESTY_FFI_LOG_")
    for name in ("EMERG", "ALERT"):  # logging has no level above CRITICAL
        del expected[name]
    assert numbers(_host_log) == expected


def test_operations_on_the_shared_dict(contract: Any) -> None:
    expected = enum(contract, "resty_ffi_dict_op", "RESTY_FFI_DICT_")
    assert {name.removeprefix("_"): number for name, number in numbers(shared_dict).items()} == expected


def enum_of_loader(file: str, first: str) -> dict[str, int]:
    """An enum without a name in a C file of the loader, found by its first enumerator."""
    found = re.search(rf"enum {{ ({first} = [^}}]*) }};", (ROOT / "loader" / file).read_text())
    assert found, f"{file} has no enum that begins with {first}"
    return {name: int(number) for name, number in re.findall(r"(\w+) = (-?\d+)", found[1])}


def test_kinds_of_handlers() -> None:
    assert numbers(runtime) == enum_of_loader("core.h", "SYNC")


def test_what_a_stream_waits_for() -> None:
    expected = enum_of_loader("stream.c", "READABLE")
    del expected["NOT_PARKED"]  # C alone
    assert {name.removeprefix("_"): number for name, number in numbers(_stream).items()} == expected
