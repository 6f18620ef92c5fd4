"""The pins, exact and the same for pip and conda, and script/env.sh, which installs them."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.checkout import FAKE_UV, ROOT, Checkout

PIN = re.compile(r"(?P<name>[\w.-]+)(\[[\w,-]+\])?==(?P<version>[\w.]+)")
ADDRESS = re.compile(
    r"(index[-_]url|find[-_]links)[\"'=:\s]+\w+://|https?://\S*(pypi\.org/simple|pythonhosted|pytorch\.org/whl)",
    re.IGNORECASE,
)


def read_pins(name: str) -> dict[str, str]:
    """Package → version of a requirements file; fails at a line that is no exact pin."""
    pins = {}
    for line in (ROOT / name).read_text().splitlines():
        line = line.partition("#")[0].strip()
        if not line or line.startswith("-r "):
            continue
        match = PIN.fullmatch(line)
        assert match, f"{name}: {line!r} is no exact pin"
        pins[match["name"]] = match["version"]
    return pins


def tracked_files() -> list[Path]:
    git = shutil.which("git")
    command = [git or "git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout: which files are tracked is unknown")
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_an_exact_pin(name):
    assert len(read_pins(name)) >= 5


def test_lightning_is_new_enough():
    pins = read_pins("requirements.txt")
    assert pins["lightning"] == pins["pytorch-lightning"]
    assert tuple(int(part) for part in pins["lightning"].split(".")) >= (2, 6, 6)


def test_checkers_come_on_top_of_the_pins_and_repeat_none():
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text().splitlines()
    assert not read_pins("requirements.txt").keys() & read_pins("requirements-dev.txt").keys()


def test_conda_installs_the_same_pins_and_nothing_else():
    environment = yaml.safe_load((ROOT / "environment.yaml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == ["python=3.11", "pip"]
    assert pip == {"pip": ["-r requirements.txt"]}
    assert environment["variables"] == {"TRIBUTARY_PYTHON": "python"}


def test_pyproject_takes_the_pins_and_offers_the_cuda_kernels():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert pyproject["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}
    cuda = [PIN.fullmatch(line) for line in pyproject["project"]["optional-dependencies"]["cuda"]]
    assert {match["name"] for match in cuda if match} == {"mamba-ssm", "causal-conv1d"}


def test_no_file_says_where_packages_come_from():
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked_files()
        if path != Path(__file__)
        for match in ADDRESS.finditer(path.read_text(errors="replace"))
    ]
    assert not found


def test_addresses_would_be_found():
    assert ADDRESS.search("--extra-index-url https://download.example/cpu")
    assert ADDRESS.search('index-url = "https://mirror.example/simple"')
    assert ADDRESS.search("see https://download.pytorch.org/whl/cpu")


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


# script/env.sh


def test_environment_is_installed_once(checkout):
    code, output = checkout.run("script/probe.sh")
    assert code == 0, output
    python = checkout.root / ".venv/bin/python"
    assert output.splitlines()[-1] == f"{checkout.root}|{python}|{python}"
    assert checkout.run("script/probe.sh")[0] == 0
    assert checkout.log() == ["pip requirements.txt"]


def test_environment_is_found_through_a_symlink(checkout):
    link = checkout.elsewhere / "probe"
    link.symlink_to(checkout.root / "script/probe.sh")
    code, output = checkout.run(link)
    assert code == 0, output
    assert f"{checkout.root}|" in output


def test_changed_pins_are_installed_into_the_same_environment(checkout):
    checkout.run("script/probe.sh")
    kept = checkout.root / ".venv/kept"
    kept.touch()
    (checkout.root / "requirements.txt").write_text("other==1\n")
    assert checkout.run("script/probe.sh")[0] == 0
    assert checkout.run("script/probe.sh")[0] == 0
    assert checkout.log() == ["pip requirements.txt"] * 2
    assert kept.exists()


def test_another_python_in_the_environment_installs_again(checkout):
    checkout.run("script/probe.sh")
    assert checkout.run("script/probe.sh", FAKE_VERSION="3.12.1")[0] == 0
    assert len(checkout.log()) == 2


def test_killed_install_is_redone_from_nothing(checkout):
    assert checkout.run("script/probe.sh", FAKE_KILLED="1")[0] == -9
    half = checkout.root / ".venv/half"
    half.touch()
    code, output = checkout.run("script/probe.sh")
    assert code == 0, output
    assert "did not finish" in output
    assert not half.exists()
    assert checkout.run("script/probe.sh")[0] == 0
    assert len(checkout.log()) == 2


def test_killed_refresh_is_noticed_too(checkout):
    checkout.run("script/probe.sh")
    (checkout.root / "requirements.txt").write_text("other==1\n")
    checkout.run("script/probe.sh", FAKE_KILLED="1")
    (checkout.root / "requirements.txt").write_text("# requirements.txt\n")  # the pins of the first install again
    assert "did not finish" in checkout.run("script/probe.sh")[1]


def test_failed_install_stops_the_script(checkout):
    code, output = checkout.run("script/probe.sh", FAKE_STATUS="1")
    assert code == 2
    assert "The install failed" in output
    assert f"{checkout.root}|" not in output
    assert checkout.run("script/probe.sh")[0] == 0


def test_environment_without_its_python_is_made_again(checkout):
    checkout.run("script/probe.sh")
    (checkout.root / ".venv/bin/python").unlink()
    code, output = checkout.run("script/probe.sh")
    assert code == 0, output
    assert (checkout.root / ".venv/bin/python").exists()


def test_checkers_are_installed_only_when_asked_for(checkout):
    checkout.run("script/probe.sh")
    checkout.run("script/probe.sh", TRIBUTARY_DEV="1")
    checkout.run("script/probe.sh", TRIBUTARY_DEV="1")
    checkout.run("script/probe.sh")
    assert checkout.log() == ["pip requirements.txt", "pip requirements-dev.txt"]
    (checkout.root / "requirements-dev.txt").write_text("more==1\n")
    checkout.run("script/probe.sh")
    assert len(checkout.log()) == 2
    checkout.run("script/probe.sh", TRIBUTARY_DEV="1")
    assert len(checkout.log()) == 3


def test_given_python_is_used_as_it_is(checkout):
    code, output = checkout.ready("script/probe.sh")
    assert code == 0, output
    assert f"|{checkout.python}|" in output
    assert not (checkout.root / ".venv").exists()
    assert checkout.log() == []


def test_given_python_that_is_none(checkout):
    code, output = checkout.run("script/probe.sh", TRIBUTARY_PYTHON="/nowhere/python")
    assert code == 2
    assert "TRIBUTARY_PYTHON=/nowhere/python" in output


def test_uv_is_preferred(checkout):
    checkout.add("uv", FAKE_UV)
    code, output = checkout.run("script/probe.sh")
    assert code == 0, output
    assert checkout.log() == ["uv requirements.txt"]


def test_uv_can_be_declined(checkout):
    checkout.add("uv", FAKE_UV)
    checkout.run("script/probe.sh", TRIBUTARY_PIP="1")
    assert checkout.log() == ["pip requirements.txt"]


@pytest.mark.parametrize("setting", ["FAKE_OLD", None])
def test_no_python_new_enough(checkout, setting):
    if setting is None:
        checkout.python.unlink()
    code, output = checkout.run("script/probe.sh", **({setting: "1"} if setting else {}))
    assert code == 2
    assert "No Python 3.11 or newer" in output


@pytest.mark.parametrize(("version", "refused"), [((3, 10, 14), 1), ((3, 11, 0), 0), ((4, 0, 0), 0)])
def test_version_check_draws_the_line_at_3_11(version, refused):
    code = re.search(r"-c '(import sys; .*?)'", (ROOT / "script/env.sh").read_text())
    assert code
    pretend = code[1].replace("import sys;", f"import sys; sys.version_info = {version};")
    checked = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (refused, "{}.{}.{}\n".format(*version))


def test_python_that_cannot_make_environments(checkout):
    code, output = checkout.run("script/probe.sh", FAKE_BARE="1")
    assert code == 2
    assert "apt install python3.11-venv" in output


@pytest.mark.parametrize("lock", ["flock", "mkdir"])
def test_two_scripts_at_once_install_once(checkout, lock):
    if lock == "mkdir":
        (checkout.bin / "flock").unlink(missing_ok=True)
    both = [checkout.start("script/probe.sh", FAKE_SECONDS="0.5") for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert checkout.log() == ["pip requirements.txt"]


def test_lock_of_a_dead_script_is_taken_over(checkout):
    (checkout.bin / "flock").unlink(missing_ok=True)
    assert checkout.run("script/probe.sh", FAKE_KILLED="1")[0] == -9
    assert (checkout.root / ".venv/.script-lock.d").exists()
    assert checkout.run("script/probe.sh")[0] == 0
