#!/usr/bin/env python3
"""deploy/quickstart and deploy/install_packages against stand-ins: a ctys that only remembers what
it was told and a cmake that builds nothing. Real runs are in tests/real."""

import os
import shlex
import shutil
import signal
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

    def __init__(self, folder, start_status=0, build_status=0, name="checkout"):
        self.root = os.path.join(folder, name)
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

    def begin(self, script, *arguments):
        """Without a terminal; a production mesh's setting stands in the environment and must not
        come through."""
        environment = {**os.environ, "CTYS_DEMO_DIR": self.demo, "CTYS_BROKER": "tcp://production:7510",
                       "PATH": os.path.join(self.root, "path") + ":" + os.environ["PATH"]}
        return subprocess.Popen([os.path.join(self.root, "deploy", script), *arguments], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, env=environment)

    def run(self, script, *arguments):
        """(status, both outputs)"""
        process = self.begin(script, *arguments)
        words = process.communicate(timeout=60)[0]
        return process.returncode, words

    def again(self):
        """The command for this demo as it is told to people."""
        return f"CTYS_DEMO_DIR={shlex.quote(self.demo)} {self.root}/deploy/quickstart"

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
        expect(wrong, "the last one stops this demo", f"  {planted.again()} --stop\n" in words, words)
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
        expect(wrong, "it tells how to begin again", f"again: {planted.again()}\n" in words, words)
        status, words = planted.run("quickstart", "--stop")
        expect(wrong, "--stop twice is harmless", status == 0, words)
    return wrong


def checkouts_do_not_mix():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        first, second = Planted(folder, name="first"), Planted(folder, name="second")
        first.run("quickstart", "-y")
        before = len(first.calls())
        status, words = second.run("quickstart", "-y")
        expect(wrong, "a demo of another checkout is left alone", status == 1
               and set(first.calls()[before:]) == {"list -o name"}, words)
        expect(wrong, "it is told whose it is, and what ends it",
               first.root in words and second.again() + " --stop" in words, words)
        os.remove(os.path.join(second.root, "build/release/bin/ctys"))
        status, words = second.run("quickstart", "--stop")
        expect(wrong, "its own programs stop it", status == 0 and first.root in words
               and first.calls()[-1] == "down", words)

        first.run("quickstart", "-y")
        shutil.copy(os.path.join(first.root, "build/release/bin/ctys"),
                    os.path.join(second.root, "build/release/bin"))
        shutil.rmtree(first.root)
        before = len(second.calls())
        status, words = second.run("quickstart", "-y")
        later = [call.split()[0] for call in second.calls()[before:]]
        expect(wrong, "of a checkout that is gone the demo is taken over", status == 0
               and first.root in words and later.index("down") < later.index("up"), words)
    return wrong


def packages_count_when_they_are_there():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        planted = Planted(folder)
        query = os.path.join(planted.root, "path/dpkg-query")
        tree.plant(planted.root, {"deploy/packages.txt": "held\nusual\n", "path/dpkg-query":
                                  "#!/bin/sh\nprintf 'hi  held\\nii  usual\\nrc  removed\\n'\n"})
        os.chmod(query, 0o755)
        packages = os.path.join(planted.root, "deploy/packages.txt")
        status, words = planted.run("install_packages", "--dry-run", packages)
        expect(wrong, "a held package is there", (status, words) == (0, ""), words)
        tree.plant(planted.root, {"deploy/packages.txt": "removed\n"})
        status, words = planted.run("install_packages", "--dry-run", packages)
        expect(wrong, "the settings of a removed one are not it", "removed" in words, words)
    return wrong


def an_interrupted_build_ends():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        planted = Planted(folder)
        pipe = os.path.join(folder, "pipe")
        os.mkfifo(pipe)
        # The compiler of this build holds the pipe open until it ends.
        tree.plant(planted.root, {"path/cmake":
                   f'#!/bin/bash\ncase "$*" in *help*) echo "ctys: phony" && exit ;; esac\n'
                   f'(echo begun && exec sleep 300) >"{pipe}"\n'})
        process = planted.begin("quickstart", "-y")
        with open(pipe) as compiler:
            compiler.readline()
            process.send_signal(signal.SIGTERM)
            words = process.communicate(timeout=60)[0]
            expect(wrong, "an interrupted build is told", process.returncode == 130
                   and "interrupted" in words, words)
            # Ends with the last process that could write; without an end the test's timeout is met.
            expect(wrong, "nothing of it goes on", compiler.read() == "")
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
    is_self_test = sys.argv[1:] == ["--self-test"]
    parts = [failures_are_told, an_interrupted_build_ends] if is_self_test else [
        quickstart_works, checkouts_do_not_mix, packages_count_when_they_are_there]
    found = [line for part in parts for line in part()]
    print("\n".join(found) or "deploy scripts: as expected")
    sys.exit(1 if found else 0)
