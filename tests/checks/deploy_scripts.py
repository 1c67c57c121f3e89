#!/usr/bin/env python3
"""deploy/quickstart and deploy/install_packages against stand-ins: a ctys that only remembers what
it was told and a cmake that builds nothing. Real runs are in tests/real."""

import os
import shutil
import subprocess
import sys
import tempfile

import tree

HERE = os.path.dirname(os.path.abspath(__file__))
DEPLOY = os.path.join(HERE, "../../deploy")
CTYS = """#!/bin/bash
echo "$*" >>"$CTYS_STATE_DIR/calls"
case $1 in
up) touch "$CTYS_STATE_DIR/is_up" ;;
down) rm "$CTYS_STATE_DIR/is_up" ;;
list) [ -e "$CTYS_STATE_DIR/is_up" ] || exit 6; printf '%s\\n' polite stubborn fleeting shared ;;
start) exit START_STATUS ;;
esac
"""
CMAKE = '#!/bin/bash\ncase "$*" in *help*) echo "ctys: phony" ;; esac\nexit BUILD_STATUS\n'
BUTTON_GUEST = bytes.fromhex("fbba0206b80001eff4ba0006edf6c40174f6ba0406b80020eff4ebfd")


class Planted:
    """A checkout with the real scripts and stand-ins for what they call."""

    def __init__(self, folder, start_status=0, build_status=0):
        self.root = os.path.join(folder, "checkout")
        self.demo = os.path.join(folder, "demo")
        tree.plant(self.root, {
            "deploy/packages.txt": "# nothing\n",
            "deploy/templates/vm.sh": "#!/usr/bin/env bash\n",
            "build/release/build.ninja": "",
            "build/release/bin/ctys": CTYS.replace("START_STATUS", str(start_status)),
            "path/cmake": CMAKE.replace("BUILD_STATUS", str(build_status)),
        })
        for script in ("quickstart", "install_packages"):
            shutil.copy(os.path.join(DEPLOY, script), os.path.join(self.root, "deploy"))
        for program in ("build/release/bin/ctys", "path/cmake"):
            os.chmod(os.path.join(self.root, program), 0o755)

    def run(self, script, *arguments):
        """(status, both outputs) without a terminal; a production mesh's setting stands in the
        environment and must not come through."""
        environment = {**os.environ, "CTYS_DEMO_DIR": self.demo, "CTYS_BROKER": "tcp://production:7510",
                       "PATH": os.path.join(self.root, "path") + ":" + os.environ["PATH"]}
        done = subprocess.run([os.path.join(self.root, "deploy", script), *arguments], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60,
                              stderr=subprocess.STDOUT, env=environment)
        return done.returncode, done.stdout

    def calls(self):
        return tree.read(self.demo, "state/calls").splitlines()


def expect(wrong, what, condition, evidence=""):
    if not condition:
        wrong.append(f"{what}: {evidence}")


def quickstart_works():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        planted = Planted(folder)
        status, words = planted.run("quickstart", "-y")
        expect(wrong, "a first run succeeds", status == 0, words)
        expect(wrong, "it names the next steps", words.count(planted.demo + "/ctys") == 4, words)
        calls = planted.calls()
        expect(wrong, "it shows a graceful and a cut end", "shutdown polite" in calls
               and "shutdown stubborn --deadline 5s" in calls, calls)
        with open(os.path.join(planted.demo, "pool/polite/polite.img"), "rb") as image:
            sector = image.read(512)
            size = os.fstat(image.fileno()).st_size
        expect(wrong, "an image is 16 MB and boots", size == 16 << 20 and sector[510:] == b"\x55\xaa"
               and sector.startswith(BUTTON_GUEST), sector[:32].hex())
        sleeper = tree.read(planted.demo, "pool/sleeper/sleeper.ctys")
        expect(wrong, "the sleeper is ignored", "#@#MAGICID-IGNORE" in sleeper, sleeper)
        same = os.path.samefile(os.path.join(planted.demo, "san/shared"),
                                os.path.join(planted.demo, "san-again/shared"))
        expect(wrong, "two paths lead to one machine", same)

        before = len(planted.calls())
        status, words = planted.run("quickstart", "-y")
        later = planted.calls()[before:]
        expect(wrong, "a second run succeeds", status == 0, words)
        expect(wrong, "a second run only looks", {c.split()[0] for c in later} == {"list"}, later)
        expect(wrong, "identities stay", sleeper == tree.read(planted.demo, "pool/sleeper/sleeper.ctys"))

        status, words = planted.run("quickstart", "--stop")
        expect(wrong, "--stop takes the mesh down", status == 0 and planted.calls()[-1] == "down", words)
        status, words = planted.run("quickstart", "--stop")
        expect(wrong, "--stop twice is harmless", status == 0, words)
    return wrong


def failures_are_told():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        status, words = Planted(folder, start_status=1).run("quickstart", "-y")
        expect(wrong, "a start that fails fails the run", status == 1 and "ctys start" in words, words)
    with tempfile.TemporaryDirectory() as folder:
        status, words = Planted(folder, build_status=1).run("quickstart", "-y")
        expect(wrong, "a build that fails is told", status == 1 and "the build failed" in words, words)
    with tempfile.TemporaryDirectory() as folder:
        planted = Planted(folder)
        status, words = planted.run("quickstart", "--nonsense")
        expect(wrong, "an unknown argument is wrong usage", status == 2 and "--nonsense" in words, words)
        tree.plant(planted.root, {"deploy/packages.txt": "ctys-no-such-package # planted\n"})
        status, words = planted.run("quickstart")
        expect(wrong, "nobody to ask: nothing installed", status == 2 and "ctys-no-such-package" in words
               and not os.path.exists(planted.demo), words)
        status, words = planted.run("install_packages", "/nonexistent")
        expect(wrong, "an unreadable list is told", status == 2 and "cannot read" in words, words)
    return wrong


if __name__ == "__main__":
    found = failures_are_told() if sys.argv[1:] == ["--self-test"] else quickstart_works()
    print("\n".join(found) or "deploy scripts: as expected")
    sys.exit(1 if found else 0)
