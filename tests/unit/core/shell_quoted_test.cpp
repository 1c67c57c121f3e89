#include "mesh/core/shell_quoted.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("a printed command line can be pasted into a shell", "[core]") {
    CHECK(shell_quoted({"qemu", "-append", "a b", "it's", "", "$HOME", "x=1,y"}) ==
          R"(qemu -append 'a b' 'it'\''s' '' '$HOME' x=1,y)");
}
