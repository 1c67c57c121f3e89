#include "tests/support/specimens.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace ctys;

namespace {

const std::filesystem::path folder{CTYS_TEST_DATA "/wire/v1"};

std::vector<std::byte> read_file(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    std::vector<std::byte> bytes;
    for (const char c : text) {
        bytes.push_back(static_cast<std::byte>(c));
    }
    return bytes;
}

} // namespace

TEST_CASE("the bytes of version 1 decode to what they were made of", "[schema]") {
    for (const auto& specimen : samples::specimens()) {
        const auto path = folder / (specimen.name + ".bin");
        INFO("make_golden tests/data/wire/v1 writes a missing one: " << path);
        REQUIRE(std::filesystem::exists(path));
        CHECK(specimen.is_decoded_from(read_file(path)));
    }
}

TEST_CASE("every golden file belongs to a specimen", "[schema]") {
    const auto files = std::distance(std::filesystem::directory_iterator{folder}, {});
    CHECK(static_cast<std::size_t>(files) == samples::specimens().size());
}
