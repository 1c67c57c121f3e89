#!/usr/bin/env python3
"""`cmake --install` puts everything where a package wants it, and what it put there works."""

import os
import subprocess
import sys
import tempfile

WANTED = """bin/ctys bin/ctys-agent bin/ctys-ask-lease bin/ctys-broker bin/ctys-createConfVM bin/ctys-plugins bin/ctys-probe bin/ctys-qemu-call
bin/ctys-scan-helper bin/ctys-setupVDE lib/systemd/system/ctys-agent.service lib/systemd/system/ctys-broker.service
lib/systemd/system/ctys-guests.service lib/systemd/system/ctys-guests.target
share/bash-completion/completions/ctys
share/doc/ctys-mesh/CHANGELOG.md share/doc/ctys-mesh/LICENSE share/doc/ctys-mesh/README.md
share/doc/ctys-mesh/docs/operations.md share/doc/ctys-mesh/examples/agent.toml
share/doc/ctys-mesh/examples/broker.toml share/doc/ctys-mesh/examples/ctys.toml
share/ctys-mesh/ctys-wrapper-lib.sh share/doc/ctys-mesh/templates/vm.ctys share/doc/ctys-mesh/templates/vm.sh share/man/man1/ctys.1
share/man/man1/ctys-createConfVM.1 share/man/man1/ctys-plugins.1 share/man/man1/ctys-qemu-call.1 share/man/man1/ctys-setupVDE.1 share/man/man8/ctys-agent.8 share/man/man8/ctys-broker.8""".split()


def missing(prefix):
    return [name for name in WANTED if not os.path.isfile(os.path.join(prefix, name))]


def strangers(prefix):
    """Programs a unit names that are neither of the prefix nor on every system."""
    found = []
    folder = os.path.join(prefix, "lib/systemd/system")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as unit:
            for line in unit:
                program = line.partition("=")[2].split()
                if not line.startswith(("ExecStart=", "ExecStop=", "ExecReload=")):
                    continue
                if program[0] != "/bin/sh" and not program[0].startswith(prefix + "/bin/"):
                    found.append(f"{name}: {line.strip()}")
    return found


def self_test():
    with tempfile.TemporaryDirectory() as prefix:
        os.makedirs(os.path.join(prefix, "lib/systemd/system"))
        with open(os.path.join(prefix, "lib/systemd/system/a.service"), "w") as unit:
            unit.write("ExecStart=/usr/bin/ctys-agent\nExecReload=/bin/kill 1\nExecStop=/bin/sh -c true\n")
        return 0 if len(missing(prefix)) == len(WANTED) and len(strangers(prefix)) == 2 else 1


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    build = sys.argv[1]
    with tempfile.TemporaryDirectory() as prefix:
        done = subprocess.run(["cmake", "--install", build, "--prefix", prefix],
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            print(done.stdout + done.stderr)
            return 1
        bad = [f"{name} is not installed" for name in missing(prefix)] + strangers(prefix)
        for program in ("ctys", "ctys-broker", "ctys-agent", "ctys-createConfVM", "ctys-plugins", "ctys-qemu-call", "ctys-setupVDE"):
            ran = subprocess.run([os.path.join(prefix, "bin", program), "--version"],
                                 capture_output=True, text=True, timeout=60)
            if ran.returncode != 0:
                bad.append(f"{program} --version ends with {ran.returncode}: {ran.stderr}")
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
