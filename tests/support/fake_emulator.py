"""A qemu-system-* for tests of surveys: fake_emulator.py MODE QEMU'S-ARGUMENTS. It dials the chardev of
its command line and speaks QMP there, or does what a survey has to bear."""

import json
import os
import socket
import sys
import time

ANSWERS = {
    "qmp_capabilities": {},
    "query-target": {"arch": "x86_64"},
    "query-kvm": {"enabled": False, "present": True},
    "qom-list-types": [{"name": "tcg-accel"}, {"name": "kvm-accel"}, {"name": "qtest-accel"}, {"name": "accel"}],
    "query-machines": [{"name": "pc-1.0", "alias": "pc"}, {"name": "none"}],
    "query-cpu-definitions": [{"name": "qemu64"}, {"name": "max"}],
    "query-command-line-options": [{"option": "machine"}, {"option": "device"}],
}
GREETING = {"QMP": {"version": {"qemu": {"major": 8, "minor": 1, "micro": 3}, "package": "fake"}, "capabilities": []}}
GUEST_IS_UP = 67


def dial(arguments):
    chardev = next(word for word in arguments if word.startswith("socket,"))
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.connect(chardev.split("path=")[1].split(",")[0])
    return link


def converse(link, answers):
    def say(message):
        link.sendall(json.dumps(message).encode() + b"\r\n")

    say(GREETING)
    for line in link.makefile("r"):
        message = json.loads(line)
        name = message["execute"]
        if name in answers:
            say({"return": answers[name], "id": message["id"]})
        else:
            say({"error": {"class": "CommandNotFound", "desc": "no"}, "id": message["id"]})


def run_guest(mode, arguments):
    machine = next(word for word in arguments if "accel=" in word)
    if machine.endswith("accel=kvm") and mode != "kvm-works":
        if mode == "kvm-fails":
            sys.exit("could not access KVM kernel module")
        hang()
    sys.exit(GUEST_IS_UP)


def hang():
    # With a child that would outlive it, were not its whole session ended.
    os.fork()
    while True:
        time.sleep(1000)


def main():
    mode, arguments = sys.argv[1], sys.argv[2:]
    if log := os.environ.get("FAKE_EMULATOR_LOG"):
        with open(log, "a") as calls:
            calls.write(f"{os.getpid()} {mode} {' '.join(arguments)}\n")
    if arguments == ["-version"] and mode != "hangs":
        print("QEMU PC emulator version 0.12.2 (qemu-kvm-0.12.2), Copyright (c) 2003-2008 Fabrice Bellard")
        return
    if mode == "hangs":
        hang()
    if mode == "ends":
        sys.exit("chatter\nqemu: -chardev: invalid option")
    if mode == "prints":
        while True:
            sys.stdout.write("x" * 65536)
    if any("isa-debug-exit" in word for word in arguments):
        run_guest(mode, arguments)
    link = dial(arguments)
    if mode == "silent":
        hang()
    if mode == "garbage":
        link.sendall(b"\x00\xff\x1b[31m not json\r\n" * 100)
        hang()
    if mode == "huge":
        try:
            while True:
                link.sendall(b"[" * 65536)
        except OSError:
            hang()
    if mode == "nonsense":
        converse(link, {name: ["\x1b[31m", {"name": 7}, {"name": "a b"}, {"option": None}] for name in ANSWERS})
    if mode == "mute":
        converse(link, {"qmp_capabilities": {}})
    converse(link, ANSWERS)
    hang()


if __name__ == "__main__":
    main()
