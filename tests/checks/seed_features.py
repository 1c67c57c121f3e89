#!/usr/bin/env python3
"""docs/seed-features.md keeps its word: every row of the acceptance table that is owed stands there once,
and the tests, paths, sentences and commands that it names are there."""

import fnmatch
import functools
import re
import shlex

import tree

PAGE = "docs/seed-features.md"
HEAD = ["no.", "what", "here", "shown by"]
LAST_ROW = 488
# Rows that have to be there. Whoever builds more adds them here.
OWED = """S-001 to S-029, S-036, S-058 to S-084, S-086, S-087, S-099 to S-104, S-107, S-110 to S-324,
          S-353 to S-488, 3.4, 4.1, 4.2, 6.1, 6.2, 6.3"""
# Rows that a sentence of a program or a page may answer; every other one is shown, or is not there.
TOLD = """S-007, S-029, S-060, S-062, S-125, S-149 to S-152, S-157 to S-160, S-162 to S-164, S-183,
          S-201 to S-203, S-208, S-220, S-307, S-360, S-361, S-366, S-368, S-374, S-391, S-394, S-397,
          S-409 to S-474, S-480, S-482 to S-488"""
STATUS = re.compile(r"(yes|partly|no|words)(?=$|[,:;] )")
SPAN = re.compile(r"`([^`]+)`")
# One name, or several with commas between them, and the file that holds them.
BESIDE = re.compile(r'((?:"[^"]+"|\0\d+\0)(?:,? (?:and )?(?:"[^"]+"|\0\d+\0))*) \(\0(\d+)\0\)')
BEFORE = re.compile(r'\0(\d+)\0: ("[^"]+"(?:, "[^"]+")*)')
LITERALS = re.compile(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+')
CASE = re.compile(r'\bTEST_CASE(?:_METHOD)?\(\s*(?:\w+,\s*)?((?:"(?:[^"\\\n]|\\.)*"\s*)+)')
ENDINGS = (".cpp", ".h", ".py", ".story", ".log", ".md", ".toml", ".capnp")
KEYS_OF = {"create": ("address", "create"), "cancel": ("address", "cancel"), "list": ("list",),
           "enumerate": ("list", "enumerate")}
PROGRAMS = ("agent", "broker", "mesh", "schema", "tools")


def joined(literals):
    """What adjacent literals of C++ say together."""
    pieces = re.findall(r'"((?:[^"\\\n]|\\.)*)"', literals)
    return "".join(pieces).replace('\\"', '"').replace("\\n", " ")


def as_words(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


class Tree:
    """What a page can name: files, tests, sentences, verbs and options."""

    def __init__(self, root):
        self.root = root
        self.files = tree.files(root)
        self.tests = {}  # file: names
        self.called = {}  # last part of a path: paths
        for file in self.files:
            self.called.setdefault(file.split("/")[-1], []).append(file)
            if file.startswith("tests/") and file.endswith(".cpp"):
                names = [joined(n) for n in CASE.findall(self.text(file))]
            elif file.startswith("tests/") and file.endswith(".py"):
                names = re.findall(r"^\s*def (test_\w+)", self.text(file), re.M)
            else:
                names = []
            if names:
                self.tests[file] = {as_words(re.sub("^test_", "", name)) for name in names}
        verbs = "".join(self.text(f) for f in self.below("tools/verbs/"))
        self.verbs = set(re.findall(r'name\(\) const override \{ return "(\w+)"', verbs))
        self.verbs |= {verb.lower() for verb in re.findall(r"\.verb = Verb::(\w+)", verbs)}
        self.topics = self.verbs | {"options"} | set(re.findall(r'topic == "([\w-]+)"', verbs))
        parser = "".join(self.text(f) for f in self.below("tools/legacy/"))
        self.actions = set(re.findall(r'\bname == "(\w+)"', parser))
        tables = {name: dict(re.findall(r'\{"(\w+)",\s*Key::(\w+)\}', rows)) for name, rows
                  in re.findall(r"(\w+)_keys = [^;]*?\(\{(.*?)\}\);", parser, re.S)}
        self.keys = {action: {key: value for name in names for key, value in tables.get(name, {}).items()}
                     for action, names in KEYS_OF.items()}
        letters = re.findall(r'(?:with_value|known_flags) = "(\w+)"', parser)
        self.letters = set("".join(letters))
        # Where the options of a program stand.
        self.folders = {"ctys": "tools/"}
        for file in self.below(""):
            if file.endswith("CMakeLists.txt") and not file.startswith("tests/"):
                for name in re.findall(r"ctys_program\(\s*([\w-]+)", self.text(file)):
                    self.folders.setdefault(name, file[:-len("CMakeLists.txt")])

    def text(self, file):
        return tree.read(self.root, file)

    def below(self, folder):
        return [f for f in self.files if f.startswith(folder)]

    @functools.cache
    def named(self, path):
        """Files that a path of the page means: whole, below something, or by their last part."""
        if path.endswith("/"):
            return self.below(path)
        if not re.search(r"[*?\[]", path):
            return [f for f in self.called.get(path.split("/")[-1], ())
                    if f == path or f.endswith("/" + path)]
        return [f for f in self.files
                if fnmatch.fnmatchcase(f, path) or fnmatch.fnmatchcase(f, "*/" + path)]

    def has_test(self, name, files=None):
        words = as_words(re.sub("^test_", "", name))
        return any(words in self.tests.get(f, ()) for f in (self.tests if files is None else files))

    @functools.cached_property
    def said(self):
        """What programs and the files that are installed with them say."""
        said = [self.text(f) for f in self.below("deploy/")]
        for file in self.files:
            if file.endswith((".cpp", ".h")) and file.split("/")[0] in PROGRAMS:
                said += [joined(literals) for literals in LITERALS.findall(self.text(file))]
        return said

    def is_said(self, text):
        return any(text in each for each in self.said)

    @functools.cache
    def source(self, program):
        return "".join(self.text(f) for f in self.below(self.folders[program])
                       if f.endswith((".cpp", ".h")))


def numbers(text):
    """(rows, sections, what is no number) of a first column."""
    rows, sections, wrong = [], [], []
    for part in re.split(r",\s*", text.strip()):
        ends = re.fullmatch(r"S-(\d{3})(?: to S-(\d{3}))?", part)
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, 0)
        if ends and 0 < first <= last <= LAST_ROW and (ends[2] is None or first < last):
            rows += range(first, last + 1)
        elif re.fullmatch(r"\d\.\d", part):
            sections.append(part)
        else:
            wrong.append(f'"{part}" is no number of a row')
    return rows, sections, wrong


def written(rows):
    """Numbers as a page writes them, ranges together."""
    out, rows = [], sorted(rows)
    while rows:
        count = next((i for i in range(1, len(rows)) if rows[i] != rows[0] + i), len(rows))
        out.append(f"S-{rows[0]:03}" + (f" to S-{rows[0] + count - 1:03}" if count > 1 else ""))
        rows = rows[count:]
    return ", ".join(out)


def is_path(span):
    if re.search(r"[\s<>$]", span) or span.startswith(("/", "~", "-", ".")):
        return False
    return span.endswith(ENDINGS) or span.split("/")[0] + "/" in (
        "agent/", "broker/", "deploy/", "docs/", "mesh/", "schema/", "tests/", "tools/") and "/" in span


def is_command(span):
    words = span.split(" ")
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    return bool(words) and re.fullmatch(r"ctys(-[\w-]+)?|\./\S+\.sh|sh", words[0]) is not None


def option_faults(words, source, where):
    """Long options that are not in `source`."""
    names = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
    return [f"{name} is no option of {where}" for name in sorted(names)
            if not re.search(re.escape(name) + r"(?![\w-])", source)]


def action_faults(there, text, is_there):
    """Keys of `create=l:a,reuse` that nobody knows, or, in a row that is there, that are not built."""
    action, _, suboptions = text.partition("=")
    if action.lower() not in there.actions:
        return [f"-a {action} is no action that is built"]
    found, keys = [], there.keys.get(action.lower(), {})
    for piece in suboptions.split(",") if suboptions else []:
        key = piece.split(":")[0].lower()
        if key not in keys and "kernel:" not in suboptions.lower():
            found.append(f"{key} is no key of -a {action}")
        elif keys.get(key) == "NotYet" and is_there:
            found.append(f"{key} of -a {action} is not built yet")
    return found


def command_faults(there, span, is_there):
    try:
        words = shlex.split(span)
    except ValueError:
        return [f"`{span}` is no command"]
    while "=" in words[0]:
        words.pop(0)
    program, words = words[0], words[1:]
    if program == "sh" or program.endswith(".sh"):
        wrapper = "".join(there.text(f) for f in there.files if f == "deploy/templates/vm.sh")
        return option_faults(words, wrapper, "a wrapper")
    if program not in there.folders:
        return [f"there is no program {program}"]
    found = option_faults(words, there.source(program), program)
    if program != "ctys" or not words:
        return found
    plain = [word for word in words if not word.startswith("-")]
    if re.match(r"-[atT]", words[0]):
        for at, word in enumerate(words):
            if word == "-a" and at + 1 < len(words):
                found += action_faults(there, words[at + 1], is_there)
            elif re.match(r"-\w", word) and word[1] not in there.letters:
                found.append(f"{word} is no option of the original's language")
    elif plain and plain[0] == "help":
        found += [f"there is no help for {t}" for t in plain[1:2] if t not in there.topics]
    elif plain and plain[0] not in there.verbs:
        found.append(f"{plain[0]} is no verb of ctys")
    return found


class Cell:
    """A text of the page with its spans of code taken out of the way."""

    def __init__(self, text):
        self.spans = SPAN.findall(text)
        marks = iter(range(len(self.spans)))
        self.text = SPAN.sub(lambda _: f"\0{next(marks)}\0", text)
        self.quotes = [self.restored(quote) for quote in re.findall(r'"([^"]+)"', self.text)]

    def restored(self, text):
        return re.sub(r"\0(\d+)\0", lambda m: self.spans[int(m[1])], text)

    def placed(self):
        """(test, file) where a file stands beside it."""
        for names, mark in BESIDE.findall(self.text):
            for quoted, code in re.findall(r'"([^"]+)"|\0(\d+)\0', names):
                yield self.restored(quoted) or self.spans[int(code)], self.spans[int(mark)]
        for mark, names in BEFORE.findall(self.text):
            for quoted in re.findall(r'"([^"]+)"', names):
                yield self.restored(quoted), self.spans[int(mark)]

    def faults(self, there, is_there, has_commands=True):
        found = []
        for span in self.spans:
            if is_path(span) and not there.named(span):
                found.append(f"there is no {span}")
            elif re.fullmatch(r"test_\w+", span) and not there.has_test(span):
                found.append(f"there is no test {span}")
            elif is_command(span) and has_commands:
                found += command_faults(there, span, is_there)
            elif re.fullmatch(r"[\w-]+\([1-8]\)", span):
                page = "docs/man/" + span[:-1].replace("(", ".")
                found += [] if there.named(page) else [f"there is no manual page {span}"]
        placed = {name: file for name, file in self.placed() if is_path(file) and there.named(file)}
        for name in [n for n in placed if n.startswith("test_")] + self.quotes:
            files = there.named(placed[name]) if name in placed else None
            if there.has_test(name, files) or (name in self.quotes and there.is_said(name)):
                continue
            found.append(f'"{name}" is no test of {placed[name]}' if files else
                         f'"{name}" is no test and nothing that a program says')
        return found

    def shows(self, there, by_words):
        """A test or a command is named; or, where words do, a sentence or a page."""
        paths = [span for span in self.spans if is_path(span)]
        tests = any(f.startswith("tests/") for path in paths for f in there.named(path))
        if tests or any(is_command(span) or span.startswith("test_") for span in self.spans):
            return True
        if any(there.has_test(quote) for quote in self.quotes):
            return True
        return by_words and bool(self.quotes or paths)


def row_faults(there, cells, told):
    if len(cells) != len(HEAD):
        return [f"{len(cells)} columns, not {len(HEAD)}"]
    rows, _, found = numbers(cells[0])
    status = STATUS.match(cells[2])
    if not status:
        return found + [f'"{cells[2][:30]}" does not begin with yes, partly, no or words']
    here, shown = Cell(cells[2]), Cell(cells[3])
    # What is missing may be a command.
    is_there = status[1] == "yes"
    found += here.faults(there, is_there, has_commands=is_there) + shown.faults(there, is_there)
    if status[1] == "words" and (not rows or set(rows) - told):
        found.append(f"{written(set(rows) - told) or cells[0]}: words are no answer to this row")
    if status[1] == "partly" and cells[2] == "partly":
        found.append("what is missing is not named")
    is_told = status[1] == "words" and cells[2] != "words"
    if status[1] != "no" and not is_told and not shown.shows(there, status[1] == "words"):
        found.append("nothing shows it")
    return found


def check(root):
    there = Tree(root)
    if PAGE not in there.files:
        return [f"there is no {PAGE}"]
    told = set(numbers(TOLD)[0])
    seen, sections, found, is_ours = set(), set(), [], False
    for number, line in enumerate(there.text(PAGE).split("\n"), 1):
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else None
        if cells is None:
            is_ours = False
            faults = Cell(line).faults(there, False)
        elif cells == HEAD or (is_ours and set("".join(cells)) <= set("- ")):
            is_ours, faults = True, []
        elif not is_ours:
            faults = Cell(line).faults(there, False)
        else:
            faults = row_faults(there, cells, told)
            rows, chapters, _ = numbers(cells[0])
            twice = seen & set(rows) | {row for row in rows if rows.count(row) > 1}
            faults += [f"{written(twice)} stands here twice"] if twice else []
            seen |= set(rows)
            sections |= set(chapters)
        found += [f"{PAGE}:{number}: {fault}" for fault in faults]
    rows, chapters, _ = numbers(OWED)
    absent = [written(set(rows) - seen), *sorted(set(chapters) - sections)]
    found += [f"{PAGE}: {each} is missing" for each in absent if each]
    return found


SOURCES = {
    "tests/unit/a_test.cpp": 'TEST_CASE("a thing works "\n          "at last", "[a]") {}\n'
                             'TEST_CASE_METHOD(Up, "another one", "[a]") {}\n',
    "tests/unit/b_test.cpp": 'TEST_CASE("a third one") {}\n',
    "tests/real/c_test.py": "class C:\n    def test_it_ends(self):\n        pass\n",
    "tools/x.cpp": 'auto a = fmt::format("{} does not exist "\n    "any more", b);\n',
    "tools/verbs/list.cpp": 'std::string_view name() const override { return "list"; }\n// "--all"\n',
    "tools/legacy/keys.cpp": 'auto address_keys = a({{"l", Key::Address}});\nname == "create"\n'
                             'auto create_keys = a({{"cd", Key::NotYet}});\nwith_value = "at";\n'
                             'auto list_keys = a({{"l", Key::NotYet}});\n',
    "tools/plugins/CMakeLists.txt": "ctys_program(ctys-plugins\n    SOURCES main.cpp)\n",
    "tools/plugins/main.cpp": '"--quick"\n',
    "deploy/templates/vm.sh": "--print)\n",
    "docs/man/ctys.1": ".TH\n",
}


def planted(*rows, but="", prose=""):
    """A page with these rows, and all that is owed besides, but for some."""
    given = [row.split("|")[1] for row in rows]
    taken = {n for text in given + ([but] if but else []) for n in numbers(text)[0]}
    chapters = {c for text in given + ([but] if but else []) for c in numbers(text)[1]}
    owed, others, _ = numbers(OWED)
    rest = [written(set(owed) - taken), *[c for c in others if c not in chapters]]
    lines = ["| no. | what | here | shown by |", "| --- | --- | --- | --- |", *rows]
    lines += [f"| {text} | x | no | - |" for text in rest]
    return {**SOURCES, PAGE: prose + "\n" + "\n".join(lines) + "\n"}


GOOD = planted(
    '| S-001, S-003 to S-004 | "x" `no/such.cpp` | yes | "another one", "a thing works at last" |',
    '| S-002 | x | yes: `ctys list --all` | "another one" (`a_test.cpp`), `tests/unit/*_test.cpp` |',
    '| S-005 | x | partly: no b; "does not exist any more" | `tests/unit/b_test.cpp`: "a third one" |',
    '| S-006 | x | yes | `ctys -t QEMU -a create=l:a`; `A=b ctys-plugins --quick`; `./a.sh --print` |',
    '| S-007 | x | words | "does not exist any more" |',
    '| S-008 | x | yes, mostly | "it ends" (`tests/real/c_test.py`), `test_it_ends`, `ctys(1)` |',
    '| S-029 | x | words | `docs/man/ctys.1` |',
    '| S-060 | x | words: it was so, `ctys-none` | - |',
    '| 3.4 | x | no: all of it | - |',
    '| 3.4 | x | yes | "a third one" |',
    prose='Prose names "another one" (`a_test.cpp`) and `ctys list`.')
BAD = [
    (planted('| S-1 | x | no | - |'), '"S-1" is no number'),
    (planted('| S-489 | x | no | - |'), '"S-489" is no number'),
    (planted('| S-004 to S-002 | x | no | - |'), "is no number of a row"),
    (planted('| S-001, S-001 | x | no | - |'), "S-001 stands here twice"),
    (planted('| S-001 to S-003 | x | no | - |', '| S-002 | x | no | - |'), "S-002 stands here twice"),
    (planted(but="S-016 to S-018, S-020"), "S-016 to S-018, S-020 is missing"),
    (planted(but="6.2"), "6.2 is missing"),
    (planted('| S-001 | x | no |'), "3 columns"),
    (planted('| S-001 | x | sure | "another one" |'), "does not begin with yes"),
    (planted('| S-001 | x | yesterday | "another one" |'), "does not begin with yes"),
    (planted('| S-001 | x | partly | "another one" |'), "what is missing is not named"),
    (planted('| S-001 | x | yes | - |'), "nothing shows it"),
    (planted('| S-001 | x | yes | `tools/x.cpp` |'), "nothing shows it"),
    (planted('| S-001 | x | yes | "does not exist any more" |'), "nothing shows it"),
    (planted('| S-007 | x | words | - |'), "nothing shows it"),
    (planted('| S-007, S-008 | x | words | `docs/man/ctys.1` |'), "S-008: words are no answer"),
    (planted('| 3.4 | x | words | `docs/man/ctys.1` |'), "3.4: words are no answer"),
    (planted('| S-001 | x | yes | "another two", `ctys list` |'), '"another two" is no test'),
    (planted('| S-001 | x | yes | "another one" (`b_test.cpp`) |'), "is no test of b_test.cpp"),
    (planted('| S-001 | x | yes | `b_test.cpp`: "another one" |'), "is no test of b_test.cpp"),
    (planted('| S-001 | x | yes | `test_it_began`, `ctys list` |'), "no test test_it_began"),
    (planted('| S-001 | x | yes | `tests/unit/c_test.cpp`, `ctys list` |'), "there is no tests/unit/c"),
    (planted('| S-001 | x | yes | `tests/**.story`, `ctys list` |'), "there is no tests/**.story"),
    (planted('| S-001 | x | yes | `ctys list`, `ctys-agent(8)` |'), "no manual page ctys-agent(8)"),
    (planted('| S-001 | x | yes | `ctys lst` |'), "lst is no verb"),
    (planted('| S-001 | x | yes: `ctys lst` | "another one" |'), "lst is no verb"),
    (planted('| S-001 | x | yes | `ctys list --al` |'), "--al is no option of ctys"),
    (planted('| S-001 | x | yes | `ctys help lst` |'), "no help for lst"),
    (planted('| S-001 | x | yes | `ctys -a cancel=l:a` |'), "-a cancel is no action"),
    (planted('| S-001 | x | yes | `ctys -a create=k:a` |'), "k is no key of -a create"),
    (planted('| S-001 | x | yes | `ctys -a create=l:a,cd:/b` |'), "cd of -a create is not built"),
    (planted('| S-001 | x | yes | `ctys -a create=l:a -q` |'), "-q is no option"),
    (planted('| S-001 | x | yes | `ctys-setupVDE check` |'), "no program ctys-setupVDE"),
    (planted('| S-001 | x | yes | `ctys-plugins --slow` |'), "--slow is no option of ctys-plugins"),
    (planted('| S-001 | x | yes | `sh a.sh --check` |'), "--check is no option of a wrapper"),
    (planted(prose='It is "never said".'), '"never said" is no test and nothing'),
    (planted(prose='See `docs/none.md`.'), "there is no docs/none.md"),
    (SOURCES, "there is no docs/seed-features.md"),
]

if __name__ == "__main__":
    tree.main("seed features", check, GOOD, BAD)
