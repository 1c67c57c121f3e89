#!/usr/bin/env python3
"""Every verb and option of --help stands in the manual page, and every option of the page in --help."""

import os
import re
import shutil
import subprocess
import sys

import tree

PAGES = {"ctys": "ctys.1", "ctys-broker": "ctys-broker.8", "ctys-agent": "ctys-agent.8",
         "ctys-qemu-call": "ctys-qemu-call.1", "ctys-setupVDE": "ctys-setupVDE.1",
         "ctys-createConfVM": "ctys-createConfVM.1", "ctys-plugins": "ctys-plugins.1"}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


def help_of(folder, program):
    """(verbs, everything the program says about itself)."""
    command = os.path.join(folder, program)
    text = run(command, "help" if program == "ctys" else "--help")
    if program == "ctys-broker":
        return ["backup"], text + run(command, "backup", "--help")
    if program != "ctys":
        return [], text
    # The verbs stand before the first line of options.
    verbs = re.findall(r"^  ([a-z]+) ", text.split("\n  -")[0], re.MULTILINE)
    text += run(command, "help", "options")
    return verbs, text + "".join(run(command, verb, "--help") for verb in verbs)


def plain(page):
    """A page without roff's escapes of signs and requests for fonts."""
    text = page.replace("\\-", "-").replace("\\(aq", "'").replace("\\&", "")
    return re.sub(r"\\f[BIRP]", "", text)


def differences(page, verbs, text):
    """Sentences about what is in one of them only."""
    page = plain(page)
    # Examples of other programs in a help text carry options that are theirs.
    said = set(OPTION.findall(text))
    written = set(OPTION.findall(page))
    found = [f"{option} is in --help and not in the page" for option in sorted(said - written)]
    found += [f"{option} is in the page and not in --help" for option in sorted(written - said)]
    heads = set(re.findall(r"^\.(?:TP\n)?(?:B|BI|BR|RB|IB) \"?([a-z]+)", page, re.MULTILINE))
    found += [f"verb {verb} is not in the page" for verb in verbs if verb not in heads]
    return found


def warnings(path):
    """What man and groff say against a page; nothing where they are not installed."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="100")
    said = []
    for words in (["man", "--warnings", "-l", path], ["groff", "-ww", "-man", "-Tutf8", path]):
        if shutil.which(words[0]):
            done = subprocess.run(words, env=environment, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
            said += [f"{words[0]}: {line}" for line in done.stderr.splitlines()]
    return said


def self_test():
    page = ".TH X 1\n.TP\n.BI start \" VM\"\nit\n.B \\-\\-on\nthere and \\-\\-never\n"
    found = differences(page, ["start", "stop"], "  --on W\n  --user NAME  a-b --x\n")
    wanted = ["--user is in --help", "--never is in the page", "verb stop"]
    missed = [want for want in wanted if not any(line.startswith(want) for line in found)]
    return 0 if not missed and len(found) == 3 else 1


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root, folder = sys.argv[1:3]
    bad = 0
    for program, name in PAGES.items():
        path = os.path.join(root, "docs/man", name)
        verbs, text = help_of(folder, program)
        for line in differences(tree.read(root, "docs/man/" + name), verbs, text) + warnings(path):
            print(f"{name}: {line}")
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
