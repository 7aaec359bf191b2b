"""The Makefile, with a stub in the place of python3, uv, the environment's python, npm and tsc."""

import os
import shlex
import shutil
import subprocess

import pytest

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
# What this process may have from the `make test` that runs it, or from the user's shell.
OUTER = {"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "UV_TORCH_BACKEND", "RUN", "SPACE", "GPU",
         "STATIC", "MINUTES", "OUT", "RESUME"}
# Its own name says which of them it is. It writes down its command and makes what the real
# one would, as stubbornly: pip leaves a folder that exists as it is, uv cannot mend a package that
# is installed by half. At the command that $STOP_AT names it kills make and itself, work half done.
STUB = r"""#!/bin/sh
stop() { [ "$STOP_AT" != "$1" ] || kill -9 0; }
for last; do :; done
printf '%s\t' ${UV_TORCH_BACKEND+BACKEND=$UV_TORCH_BACKEND} "${0##*/}" "$@" >> log; echo >> log
case "${0##*/} $*" in
"python3 -m pip "*)
    mkdir -p .venv/tools; mkdir .venv/tools/bin || exit 0
    stop pip; cp "$0" .venv/tools/bin/uv ;;
"uv venv "*)
    mkdir -p "$last/bin"
    stop venv; cp "$0" "$last/bin/python" ;;
"uv pip compile "*)
    cat > asked
    [ "$INDEX" = answers ] ;;
"uv pip install "*)
    [ ! -e .venv/half ] || exit 2
    touch .venv/half; stop "$last"; rm .venv/half
    touch ".venv/has-${last##*/}" ;;
*-V) ;;
"npm i "*)
    [ "$NPM" != fails ] && mkdir -p node_modules/.bin && cp "$0" node_modules/.bin/tsc ;;
"python -m training release "*)
    echo "checkpoints/${last##*/}" ;;
"python -m evaluation measure "*)
    [ "$SCORES" != bad ] ;;
"python -m ruff "*|"python -m mypy"|"python -m pytest")
    [ -e .venv/has-requirements-dev.txt ] ;;
python*)
    [ ! -e .venv/half ] && [ -e .venv/has-requirements.txt ] ;;
esac
"""


@pytest.fixture
def make(root, tmp_path):
    """make("app", INDEX="answers") -> (exit code, stderr, the commands that were run). In an empty
    folder whose name has blanks and Chinese characters, and which is no git checkout."""
    folder = tmp_path / "两 个 模型"
    folder.mkdir()
    for name in ("Makefile", *REQUIREMENTS):
        shutil.copy(root / name, folder)
    (folder / "benchmarks").mkdir()
    shutil.copy(root / "benchmarks/requirements.txt", folder / "benchmarks")
    stub = tmp_path / "bin" / "python3"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    (stub.parent / "npm").symlink_to(stub)
    log = folder / "log"

    def run(*arguments, **environment):
        log.write_text("")
        own = {name: value for name, value in os.environ.items() if name not in OUTER}
        own["PATH"] = f"{stub.parent}:{own['PATH']}"
        done = subprocess.run(
            ["make", *arguments], cwd=folder, env=own | environment, start_new_session=True,
            capture_output=True, text=True, check=False,
        )
        commands = [shlex.join(line.split("\t")[:-1]) for line in log.read_text().splitlines()]
        return done.returncode, done.stderr, [c for c in commands if not c.endswith(" -V")]

    run.folder = folder
    return run


def installs(commands):
    return [command for command in commands if " install " in command or " venv " in command]


def test_the_second_run_starts_at_once(make):
    code, _, commands = make("app")
    assert (code, len(installs(commands)), commands[-1]) == (0, 3, "python app.py")
    assert make("app") == (0, "", ["python app.py"])
    assert len(installs(make("test")[2])) == 1
    assert installs(make("test")[2]) == installs(make("app")[2]) == []


@pytest.mark.parametrize("step", ["pip", "venv", "requirements.txt", "requirements-dev.txt"])
@pytest.mark.parametrize("target", ["app", "test"])
def test_an_interruption_heals(make, step, target):
    assert make("test", STOP_AT=step)[0] == -9
    assert make(target)[0] == 0
    assert make("test")[0] == 0
    assert installs(make("test")[2]) == []


def test_an_interrupted_renewal_heals(make):
    make("app")
    os.utime(make.folder / "requirements.txt", (2**31, 2**31))
    assert make("app", STOP_AT="requirements.txt")[0] == -9
    os.utime(make.folder / "requirements.txt", (0, 0))
    assert make("app")[0] == 0


@pytest.mark.parametrize(
    "lost", [".venv/bin", ".venv/bin/python", ".venv/tools/bin/uv", ".venv/tools", ".venv"]
)
def test_a_part_that_got_lost_is_made_again(make, lost):
    make("test")
    (make.folder / lost).rename(make.folder / "lost")
    assert make("test")[0] == 0
    assert (make.folder / lost).exists()


def test_an_interpreter_that_is_gone_is_replaced(make):
    make("app")
    python = make.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert make("app")[0] == 0


@pytest.mark.parametrize(
    ("changed", "renewed"),
    [
        ("requirements.txt", [*REQUIREMENTS]),
        ("requirements-dev.txt", ["requirements-dev.txt"]),
    ],
)
def test_changed_requirements_are_installed_over_the_old(make, changed, renewed):
    make("test")
    for name in (*REQUIREMENTS, ".venv/installed-app", ".venv/installed-dev"):
        os.utime(make.folder / name, (1, 1))
    os.utime(make.folder / changed, (2, 2))
    assert [command.split()[-1] for command in installs(make("test")[2])] == renewed
    assert installs(make("test")[2]) == []


@pytest.mark.parametrize(
    ("environment", "start"),
    [
        ({"INDEX": "answers"}, "BACKEND=auto uv"),
        ({"INDEX": "is out of reach"}, "uv"),
        ({"INDEX": "answers", "UV_TORCH_BACKEND": "cu126"}, "BACKEND=cu126 uv"),
        ({"INDEX": "answers", "UV_TORCH_BACKEND": ""}, "BACKEND=auto uv"),
        ({"INDEX": "is out of reach", "UV_TORCH_BACKEND": ""}, "uv"),
    ],
)
def test_uv_chooses_the_build_where_it_can_and_the_user_first(make, environment, start):
    (command,) = [c for c in installs(make("app", **environment)[2]) if "requirements" in c]
    assert command.startswith(f"{start} pip install ")
    assert (make.folder / "asked").exists() != bool(environment.get("UV_TORCH_BACKEND"))


def test_the_index_is_asked_for_our_pins(make):
    make("app")
    pins = (make.folder / "requirements.txt").read_text().splitlines()
    asked = (make.folder / "asked").read_text().splitlines()
    assert len(asked) == 2
    assert set(asked) < set(pins)


def test_the_peers_have_an_environment_of_their_own(make):
    code, _, commands = make("bench-evaluation", "SAMPLES=9")
    assert (code, commands[-1]) == (0, "python -m benchmarks.evaluation --samples 9")
    (peers,) = [command for command in installs(commands) if "benchmarks" in command]
    assert "--python .venv/bench/bin/python " in peers
    assert installs(make("bench-evaluation")[2]) == []
    assert (make.folder / ".venv/bench/bin/python").exists()


def test_each_racer_has_an_environment_of_its_own(make, root):
    shutil.copytree(root / "benchmarks/race/peers", make.folder / "benchmarks/race/peers")
    code, _, commands = make("race", "MINUTES=0.5", "OUT=here", "RESUME=1")
    expected = "python -m benchmarks.race --minutes 0.5 --out here --resume"
    assert (code, commands[-1]) == (0, expected)
    racers = [command for command in installs(commands) if "benchmarks/race" in command]
    assert [f"--python .venv/race-{name}/bin/python -r benchmarks/race/peers/{name}.txt" in command
            for name, command in zip(("pythae", "torchcfm"), racers, strict=True)] == [True, True]
    assert installs(make("race")[2]) == []
    assert make("race")[2][-1] == "python -m benchmarks.race"


def test_the_trainings_bench_takes_our_environment(make):
    code, _, commands = make("bench-training", "SECONDS=9")
    assert (code, commands[-1]) == (0, "python -m benchmarks.training --profile --seconds 9")
    assert make("bench-training")[2][-1] == "python -m benchmarks.training --profile"


def test_the_stages_types_are_checked_where_npm_brings_what_that_takes(make):
    code, told, commands = make("check", NPM="fails")
    assert (code, commands[-1]) == (0, "python -m mypy")
    assert "the stage's types go unchecked" in told
    commands = make("check")[2]
    assert commands[0].startswith("npm i --no-save")
    assert commands[-1] == "tsc -p demo/stage/jsconfig.json"
    assert make("check")[2][0] == "python -m ruff check ."


def test_a_release_is_copied_measured_written_and_verified(make):
    assert make("app")[0] == 0
    assert make("release", "RUN=runs/my gan") == (0, "", [
        "python -m training release 'runs/my gan'",
        "python -m evaluation measure --force 'checkpoints/my gan'",
        "python -m evaluation measure --samples 10000 'checkpoints/my gan'",  # what CI verifies
        "python -m training card 'checkpoints/my gan'",
        "python -m evaluation table",
        "python -m evaluation verify 'checkpoints/my gan'",
        "python -m demo.site",
    ])


def test_a_release_stops_where_it_fails(make):
    code, _, commands = make("release", RUN="runs/a", SCORES="bad")
    assert code == 2
    assert commands[-1] == "python -m evaluation measure --force checkpoints/a"


@pytest.mark.parametrize(
    ("target", "mend"),
    [("release", "make release RUN=runs/mnist-gan"), ("space", "make space SPACE=you/duet")],
)
def test_what_lacks_its_name_is_refused_at_once(make, target, mend):
    code, error, commands = make(target)
    assert (code, commands) == (2, [])
    (line,) = error.splitlines()
    assert mend in line


def test_a_space_on_a_gpu(make):
    assert make("space", "SPACE=me/my duet")[2][-1] == "python -m training space 'me/my duet'"
    assert make("space", "GPU=1", SPACE="me/a")[2][-1] == "python -m training space me/a --gpu"


def test_a_static_space(make):
    command = "python -m training space me/a --static"
    assert make("space", "STATIC=1", SPACE="me/a")[2][-1] == command


def test_the_stage_is_timed(make):
    commands = make("bench-stage", "MINUTES=10")[2]
    assert commands[-1] == "python -m benchmarks.stage --drift-minutes 10"
    assert make("bench-stage")[2][-1] == "python -m benchmarks.stage"


def test_help_lists_every_target(make, root):
    (phony,) = [
        line for line in (root / "Makefile").read_text().splitlines() if line.startswith(".PHONY:")
    ]
    listed = subprocess.run(
        ["make", "help"], cwd=make.folder, env={"PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()
    assert {line.split()[0] for line in listed} == set(phony.split()[1:]) - {"venv"}
