"""Virtual environments that the options of a load name."""

import sys

import pytest


def venv(folder, version, module="installed"):
    packages = folder / "lib" / f"python{version}" / "site-packages"
    packages.mkdir(parents=True)
    (packages / f"{module}.py").write_text(
        f"import resty_ffi\napp = resty_ffi.Runtime()\n@app.method\ndef where(req):\n    return {folder.name!r}\n"
    )
    return folder


OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_a_virtual_environment_of_the_options(new_host, tmp_path):
    one, two = venv(tmp_path / "one", OWN), venv(tmp_path / "two", OWN)
    host = new_host(VIRTUAL_ENV=str(two))  # the option has the last word
    assert host.load(0, "installed,app,", venv=one) is None
    assert host.call("where") == (0, b"one")
    assert host.load(1, "installed,app,again", venv=f"{one}/.") is None
    assert host.reload() is None
    said = host.load(2, "installed,app,other", venv=two)
    assert f"the virtual environment {two} cannot be used beside {one}" in said
    assert "isolate = true" in said
    assert host.load(2, "installed,app,other", venv=two, isolate=1) is None
    assert host.call("where", number=2) == (0, b"two")
    assert host.load(3, "answers,app,") is None  # without one
    assert f"{one}/lib" not in host.call("path", number=3)[1].decode()


def test_packages_come_before_the_systems(new_host, tmp_path):
    one = venv(tmp_path / "one", OWN)
    host = new_host(VIRTUAL_ENV=str(one))
    assert host.load(0, "answers,app,") is None
    path = host.call("path")[1].decode().split("\n")
    system = [n for n, entry in enumerate(path) if entry.endswith("dist-packages")]
    assert path.index(f"{one}/lib/python{OWN}/site-packages") < min(system, default=len(path))


@pytest.mark.parametrize("what", ["missing", "empty", "3.9"])
def test_a_virtual_environment_that_cannot_be_used(new_host, tmp_path, what):
    folder = tmp_path / "venv"
    if what != "missing":
        folder.mkdir()
    if what == "3.9":
        venv(folder, what)
    host = new_host()
    said = host.load(0, "answers,app,", venv=folder)
    assert {
        "missing": f"the virtual environment {folder} does not exist",
        "empty": f"{folder} is no virtual environment: it has no lib/python{OWN}/site-packages",
        "3.9": f"{folder} is for python3.9, and this loader embeds python{OWN}: make it anew with ",
    }[what] in said
    assert host.load(1, "answers,app,") is None
