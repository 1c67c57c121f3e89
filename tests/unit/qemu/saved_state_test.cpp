#include "mesh/qemu/saved_state.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;

TEST_CASE("a note of a saved state reads back as it was written", "[qemu]") {
    const StateNote note{.tag = std::string{saved_state_tag}, .at = {1234567}};

    CHECK(parse_state_note(to_text(note)) == note);
    CHECK(parse_state_note(to_text(note) + "later thing\n") == note);
    CHECK(parse_state_note("tag x\n") == StateNote{.tag = "x", .at = {}});
    CHECK(state_note_path("/vm/web/web.ctys") == "/vm/web/web.ctys.suspended");
}

TEST_CASE("a note that names no snapshot is refused", "[qemu]") {
    const std::string text = GENERATE(as<std::string>{},
                                      "",
                                      "tag ctys-suspend",
                                      "at_us 7\n",
                                      "tag \n",
                                      "tag",
                                      "tag a b\n",
                                      "tag a,b\n",
                                      "tag \xff\n");
    CAPTURE(text);

    CHECK(parse_state_note(text).error().code == ErrorCode::Malformed);
    CHECK(parse_state_note(std::string(5000, 'x')).error().code == ErrorCode::Malformed);
}
