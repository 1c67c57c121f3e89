#include "tools/qemu_call/empty_values.h"

#include <catch2/catch.hpp>

#include <array>

using namespace ctys;
using namespace ctys::call;

namespace {

constexpr auto with_value = std::to_array<std::string_view>({"--bootmode", "--instmode"});

Result<std::vector<std::string>> split_values(const std::vector<std::string>& arguments) {
    return split_empty_values(arguments, with_value);
}

} // namespace

TEST_CASE("an option with nothing behind its = has an empty value, not the next word", "[call]") {
    CHECK(split_values({"--bootmode=", "--check", "--", "A="}) ==
          std::vector<std::string>{"--bootmode", "", "--check", "--", "A="});
}

TEST_CASE("arguments with a value, and those behind --, stay as they are", "[call]") {
    const std::vector<std::string> words{
        "--bootmode=CD", "--instmode", "--bootmode=a=", "A=", "--", "--bootmode=", "-x="};

    CHECK(split_values(words) == words);
}

TEST_CASE("an empty value of an option that takes none is refused", "[call]") {
    const auto words = split_values({std::string{"--force="}});

    REQUIRE_FALSE(words);
    CHECK(words.error().code == ErrorCode::Usage);
    CHECK(words.error().message == "--force= is no option that takes a value");
}
