#include "agent/scanner/dirty_scopes.h"
#include "agent/scanner/magic.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace ctys::agent;

TEST_CASE("the magic stands at the beginning of a line and is a whole word", "[scanner]") {
    CHECK(classify("#!/bin/bash\n  #@#MAGICID-QEMU\n") == Magic::Active);
    CHECK(classify("#@#MAGICID-QEMU\n#@#MAGICID-NOENUM\n") == Magic::Ignored);
    CHECK(classify("#@#MAGICID-IGNORE") == Magic::Ignored);
    CHECK(classify("#@#MAGICID-do-not-IGNORE =>ACTIVATED\n#@#MAGICID-QEMU\r\n") == Magic::Active);
    CHECK(classify("echo #@#MAGICID-QEMU") == Magic::None);
    CHECK(classify("#@#MAGICID-QEMUX") == Magic::None);
    CHECK(classify("") == Magic::None);
}

TEST_CASE("a link to a directory above itself is a loop", "[scanner]") {
    CHECK(is_link_loop("/p/a", ".."));
    CHECK(is_link_loop("/p/a", "."));
    CHECK(is_link_loop("/p/a", "/"));
    CHECK(is_link_loop("/p/a", "b/../../a"));
    CHECK_FALSE(is_link_loop("/p/a", "../b"));
    CHECK_FALSE(is_link_loop("/p/a", "/p/ab"));
}

TEST_CASE("dirty scopes keep only what no other one covers", "[scanner]") {
    DirtyScopes dirty;
    dirty.add({"a/b", false});
    dirty.add({"a/b", false});
    dirty.add({"c", true});
    dirty.add({"c/d", true});
    dirty.add({"a", true});

    CHECK(dirty.take() == std::vector<ScanScope>{{"c", true}, {"a", true}});
    CHECK(dirty.is_empty());
}

TEST_CASE("too many dirty scopes become the whole pool", "[scanner]") {
    DirtyScopes dirty;
    for (std::size_t i = 0; i <= DirtyScopes::max_scopes; ++i) {
        dirty.add({fmt::format("vm{}", i), true});
    }

    CHECK(dirty.take() == std::vector<ScanScope>{{"", true}});
}
