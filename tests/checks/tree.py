"""What the checks share: the files of the tree, what changed, and how a check reports."""

import os
import subprocess
import sys
import tempfile

SKIPPED = 77  # ctest's SKIP_RETURN_CODE of every check
SOURCE_FOLDERS = ("mesh", "schema", "broker", "agent", "tools", "tests")


def git(root, *arguments):
    """Lines git prints, or None where there is no repository or no such revision."""
    try:
        done = subprocess.run(["git", "-C", root, "-c", "safe.directory=*", *arguments],
                              capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None


def files(root):
    """Every file of the project, relative to root: tracked, or new and not ignored."""
    # A tree inside another repository (a test's planted one) is walked, not asked.
    if os.path.exists(os.path.join(root, ".git")):
        listed = git(root, "ls-files", "--cached", "--others", "--exclude-standard")
        if listed is not None:
            return sorted({f for f in listed if os.path.isfile(os.path.join(root, f))})
    found = []
    for folder, names, leaves in os.walk(root):
        names[:] = [n for n in names if n not in (".git", "build")]
        found += [os.path.relpath(os.path.join(folder, leaf), root) for leaf in leaves]
    return sorted(found)


def sources(root, endings=(".h", ".cpp")):
    """C++ files in the folders that hold them."""
    return [f for f in files(root) if f.endswith(endings) and f.split("/")[0] in SOURCE_FOLDERS]


def changed(root):
    """Files that differ from where this branch left origin/main (or else main's last commit,
    HEAD~1), work tree included; None without git."""
    head = git(root, "rev-parse", "HEAD")
    if head is None:
        return None
    base = git(root, "merge-base", "origin/main", "HEAD")
    if not base or base == head:
        base = git(root, "rev-parse", "--verify", "-q", "HEAD~1")
    names = set(git(root, "ls-files", "--others", "--exclude-standard") or [])
    if base:
        names |= set(git(root, "diff", "--name-only", base[0]) or [])
    else:
        names |= set(git(root, "ls-files") or [])
    return sorted(f for f in names if os.path.isfile(os.path.join(root, f)))


def is_long():
    """True under `tests/run --long`: bounds on the slow checks are lifted."""
    return os.environ.get("CTYS_LONG") == "1"


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def plant(root, contents):
    """Writes {relative name: text} below root."""
    for name, text in contents.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def self_test(check, good, bad):
    """Runs check over planted trees. `good` must give nothing; each (files, part) of `bad` must
    give exactly one violation, which holds `part`. Returns what went wrong."""
    wrong = []
    with tempfile.TemporaryDirectory() as root:
        plant(root, good)
        wrong += [f"the clean tree is blamed: {v}" for v in check(root)]
    for contents, part in bad:
        with tempfile.TemporaryDirectory() as root:
            plant(root, contents)
            found = check(root)
            if len(found) != 1 or part not in found[0]:
                wrong.append(f"planted {sorted(contents)}: expected one '{part}', found {found}")
    return wrong


def main(what, check, good, bad):
    """Command line of a check: ROOT, or --self-test. Ends the process."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} ROOT | --self-test")
    if sys.argv[1] == "--self-test":
        wrong = self_test(check, good, bad)
        print("\n".join(wrong) or f"{what}: {len(bad)} planted violations found")
        sys.exit(1 if wrong else 0)
    found = check(os.path.abspath(sys.argv[1]))
    print("\n".join(found) or f"{what}: nothing found")
    sys.exit(1 if found else 0)
