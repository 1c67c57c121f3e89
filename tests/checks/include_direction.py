#!/usr/bin/env python3
"""Who may include whom (docs/architecture.md, CONTRIBUTING.md A1 and A2): a wrong arrow between
folders fails, and so does a third-party header outside its home folder."""

import re

import tree

MESH = ("mesh/core", "mesh/loop", "mesh/bus", "mesh/store", "mesh/setup", "mesh/qemu", "schema")
MAY_USE = {
    "mesh/core": (),
    "schema": ("mesh/core",),
    "mesh/loop": ("mesh/core",),
    "mesh/store": ("mesh/core",),
    "mesh/bus": ("mesh/core", "mesh/loop", "schema"),
    "mesh/qemu": ("mesh/core",),
    "mesh/setup": ("mesh/core",),
    "agent": MESH,
    "broker": MESH,
    "tools": MESH,
}
# Header pattern, the places (prefixes of a file's path) that may include it, name in messages.
MAIN_FILES = r"(agent|broker|tools)/(.*/)?main\.cpp"
HOMES = (
    (r"uv\.h|uv/.*", r"mesh/loop/", "libuv"),
    (r"zmq\.hpp?|zmq_addon\.hpp", r"mesh/bus/", "ZeroMQ"),
    (r"lmdb\.h", r"mesh/store/", "LMDB"),
    (r"(.*/)?[^/]+\.capnp\.h|capnp/.*|kj/.*", r"schema/", "Cap'n Proto"),
    (r"toml\+\+/.*|toml\.hpp", r"mesh/setup/[^/]+\.cpp$", "toml++"),
    (r"spdlog/.*", r"mesh/setup/[^/]+\.cpp$", "spdlog"),
    (r"nlohmann/.*", r"(agent/qmp|tools)/", "nlohmann/json"),
    (r"CLI/.*", rf"(tools/|{MAIN_FILES}$)", "CLI11"),
    (r"xxhash\.h|xxh3\.h", r"mesh/core/", "xxHash"),
    (r"uuid/uuid\.h|uuid\.h", r"mesh/core/", "libuuid"),
)
# Whoever includes a header of ours from another folder must not get one of these with it; a
# private header, used inside its folder only, may include them.
HIDDEN = ("libuv", "ZeroMQ", "LMDB", "libuuid", "xxHash")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def folder_of(path):
    """The library a path belongs to, or None outside of the table."""
    parts = path.split("/")
    if parts[0] == "mesh" and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0] if parts[0] in MAY_USE and len(parts) > 1 else None


def wrong_arrow(file, included):
    """Why `file` may not include `included` of our own tree, or None."""
    here, there = folder_of(file), folder_of(included)
    if included.startswith("tests/"):
        return "tests are not included by the product"
    if there is None or there == here:
        return None
    if here not in MAY_USE:
        return f"{here or file} is not in the table of folders"
    if there not in MAY_USE[here]:
        return f"{here} must not use {there}"
    return None


def far_from_home(file, header):
    """Why `file` may not include the third-party `header`, or None."""
    for pattern, home, name in HOMES:
        if not re.fullmatch(pattern, header):
            continue
        if not re.match(home, file):
            return f"{name} is not at home in {file.rsplit('/', 1)[0]}"
    return None


def carriers(texts):
    """{header: library} of our headers that bring a hidden library, themselves or by others."""
    headers = {f: [h for _, h in INCLUDE.findall(t)] for f, t in texts.items() if f.endswith(".h")}
    brings = {file: name for file, included in headers.items() for pattern, _, name in HOMES
              if name in HIDDEN and any(re.fullmatch(pattern, h) for h in included)}
    more = True
    while more:
        new = {file: brings[h] for file, included in headers.items() if file not in brings
               for h in included if h in brings}
        brings.update(new)
        more = bool(new)
    return brings


def check(root):
    found = []
    # Tests may include anything.
    texts = {f: tree.read(root, f) for f in tree.sources(root) if not f.startswith("tests/")}
    brings = carriers(texts)
    for file, text in texts.items():
        for match in INCLUDE.finditer(text):
            header = match.group(2)
            why = far_from_home(file, header)
            if why is None and match.group(1) == '"':
                why = "a path begins at the repository's root" if header.startswith(".") \
                    else wrong_arrow(file, header)
            if why is None and header in brings and folder_of(header) != folder_of(file):
                why = f"brings {brings[header]} out of its home"
            if why:
                line = text.count("\n", 0, match.start(2)) + 1
                found.append(f"{file}:{line}: {header}: {why}")
    return found


GOOD = {
    "mesh/core/a.h": "#include <fmt/format.h>\n",
    "mesh/core/digest.cpp": "#include <xxhash.h>\n#include <uuid/uuid.h>\n",
    "mesh/loop/loop.cpp": '#include "mesh/core/a.h"\n#include <uv.h>\n',
    "mesh/bus/socket.cpp": '#include "mesh/loop/loop.h"\n#include "schema/c.h"\n#include <zmq.hpp>\n',
    "schema/c.cpp": '#include "schema/envelope.capnp.h"\n#include <capnp/message.h>\n',
    "agent/main.cpp": '#include "agent/qmp/x.h"\n#include "mesh/setup/log.h"\n#include <CLI/CLI.hpp>\n',
    "mesh/loop/private.h": "#include <uv.h>\n",
    "mesh/loop/timer.cpp": '#include "mesh/loop/private.h"\n',
    "agent/qmp/x.cpp": "#include <nlohmann/json.hpp>\n",
    "tests/unit/x_test.cpp": '#include "agent/x.h"\n#include "broker/y.h"\n#include <uv.h>\n',
}
BAD = [
    ({"agent/a.cpp": '#include "broker/b.h"\n'}, "agent must not use broker"),
    ({"mesh/core/a.cpp": '#include "mesh/loop/b.h"\n'}, "mesh/core must not use mesh/loop"),
    ({"mesh/store/a.cpp": '#include "schema/b.h"\n'}, "mesh/store must not use schema"),
    ({"mesh/new/a.cpp": '#include "mesh/core/b.h"\n'}, "not in the table"),
    ({"tools/a.cpp": '#include "tests/support/b.h"\n'}, "tests are not included"),
    ({"broker/a.cpp": '#include "../mesh/core/b.h"\n'}, "repository's root"),
    ({"broker/a.cpp": "#include <lmdb.h>\n"}, "LMDB is not at home"),
    ({"mesh/store/a.h": "#include <lmdb.h>\n", "mesh/store/b.h": '#include "mesh/store/a.h"\n',
      "broker/c.cpp": '#include "mesh/store/b.h"\n'}, "brings LMDB out of its home"),
    ({"broker/a.cpp": '#include "schema/event.capnp.h"\n'}, "Cap'n Proto is not at home"),
    ({"mesh/setup/log.h": "#include <spdlog/spdlog.h>\n"}, "spdlog is not at home"),
    ({"agent/scan.cpp": "  #  include <nlohmann/json.hpp>\n"}, "nlohmann/json is not at home"),
    ({"agent/scan.cpp": "#include <CLI/CLI.hpp>\n"}, "CLI11 is not at home"),
]

if __name__ == "__main__":
    tree.main("include direction", check, GOOD, BAD)
