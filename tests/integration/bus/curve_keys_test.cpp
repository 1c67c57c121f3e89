#include "mesh/bus/curve_keys.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using ctys::ErrorCode;
using ctys::bus::CurveKeyPair;
using ctys::bus::is_z85_key;
using ctys::support::TemporaryDirectory;

TEST_CASE("a key pair comes back from its file", "[bus][keys]") {
    const TemporaryDirectory dir;
    const auto pair = CurveKeyPair::generate();
    REQUIRE(pair.save(dir / "key"));

    const auto loaded = CurveKeyPair::load(dir / "key");

    REQUIRE(loaded);
    CHECK(loaded->public_key == pair.public_key);
    CHECK(loaded->secret_key == pair.secret_key);
    CHECK(CurveKeyPair::generate().secret_key != pair.secret_key);
    CHECK((std::filesystem::status(dir / "key").permissions() & std::filesystem::perms::mask) ==
          std::filesystem::perms(0600));
}

TEST_CASE("a key file is never overwritten", "[bus][keys]") {
    const TemporaryDirectory dir;
    const auto pair = CurveKeyPair::generate();
    REQUIRE(pair.save(dir / "key"));
    CHECK(CurveKeyPair::generate().save(dir / "key").error().code == ErrorCode::Conflict);
    CHECK(CurveKeyPair::load(dir / "key")->secret_key == pair.secret_key);
}

TEST_CASE("a secret that others can read is refused with its remedy", "[bus][keys]") {
    const TemporaryDirectory dir;
    const auto path = dir / "key";
    REQUIRE(CurveKeyPair::generate().save(path));
    std::filesystem::permissions(path, std::filesystem::perms(0640));

    const auto loaded = CurveKeyPair::load(path);

    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == ErrorCode::Refused);
    CHECK(loaded.error().message ==
          "key file " + path + ": others may use it (mode 0640); a secret key is 0600 only");
    CHECK(loaded.error().try_next == "chmod 600 " + path);
}

TEST_CASE("a key file of somebody else is refused", "[bus][keys]") {
    const TemporaryDirectory dir;
    const auto path = dir / "key";
    REQUIRE(CurveKeyPair::generate().save(path));
    // Only root can give a file away; for others a file of root that they may read takes its place.
    const bool is_root = ::geteuid() == 0;
    if (is_root) REQUIRE(::chown(path.c_str(), 12345, 12345) == 0);

    const auto loaded = CurveKeyPair::load(is_root ? path : "/etc/hostname");

    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == ErrorCode::Refused);
    CHECK_THAT(loaded.error().message, Catch::Contains("it belongs to uid"));
}

TEST_CASE("missing, linked, damaged and huge key files are errors", "[bus][keys]") {
    const TemporaryDirectory dir;
    CHECK(CurveKeyPair::load(dir / "none").error().code == ErrorCode::NotFound);

    const auto path = dir / "key";
    const auto put = [&](const std::string& text) {
        std::ofstream(path) << text;
        std::filesystem::permissions(path, std::filesystem::perms(0600));
        return CurveKeyPair::load(path);
    };
    CHECK(put("").error().code == ErrorCode::Malformed);
    CHECK(put("secret = \"short\"").error().code == ErrorCode::Malformed);
    CHECK(put("secret = \"").error().code == ErrorCode::Malformed);
    CHECK(put(std::string(10'000, '#')).error().code == ErrorCode::Malformed);
    std::filesystem::create_symlink(path, dir / "link");
    CHECK_FALSE(CurveKeyPair::load(dir / "link"));
    CHECK(CurveKeyPair::load(dir.path()).error().code == ErrorCode::Refused);
}

TEST_CASE("only forty characters of the alphabet are a key", "[bus][keys]") {
    CHECK(is_z85_key(CurveKeyPair::generate().public_key));
    CHECK_FALSE(is_z85_key(std::string(39, 'a')));
    CHECK_FALSE(is_z85_key(std::string(41, 'a')));
    CHECK_FALSE(is_z85_key(std::string(39, 'a') + "\""));
    CHECK_FALSE(is_z85_key(std::string(39, 'a') + "\xc3"));
}

TEST_CASE("a public key is taken as such, or from a file of either form", "[bus][curve]") {
    const TemporaryDirectory directory;
    const auto keys = CurveKeyPair::generate();
    std::ofstream(directory / "bare.pub") << keys.public_key << '\n';
    std::ofstream(directory / "printed.pub")
        << "name = \"b\"\nkey = \"" << keys.public_key << "\"\n";
    std::ofstream(directory / "empty.pub");

    CHECK(ctys::bus::public_key_from(keys.public_key) == keys.public_key);
    CHECK(ctys::bus::public_key_from(directory / "bare.pub") == keys.public_key);
    CHECK(ctys::bus::public_key_from(directory / "printed.pub") == keys.public_key);
    CHECK(ctys::bus::public_key_from(directory / "empty.pub").error().code == ErrorCode::Usage);
    CHECK(ctys::bus::public_key_from(directory / "none.pub").error().code == ErrorCode::Usage);
}
