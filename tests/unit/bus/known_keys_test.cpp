#include "mesh/bus/known_keys.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using ctys::ErrorCode;
using ctys::Role;
using ctys::bus::KeyHolder;
using ctys::bus::KnownKeys;

namespace {

// Public keys of pairs that were thrown away.
const std::string key_a = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
const std::string key_b = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms(0644));
}

} // namespace

TEST_CASE("a key file gives its holder", "[bus][keys]") {
    const auto holder = KnownKeys::parse("lab02",
                                         "lab02.pub",
                                         "# made by hand\n\n key = \"" + key_a +
                                             "\"\nrole=\"agent\"\nworker = \"lab02\"\n");
    REQUIRE(holder);
    CHECK(holder->name == "lab02");
    CHECK(holder->key == key_a);
    CHECK(holder->role == Role::Agent);
    CHECK(holder->worker == "lab02");

    const auto again = KnownKeys::parse("lab02", "lab02.pub", KnownKeys::to_text(*holder));
    REQUIRE(again);
    CHECK(again->worker == "lab02");
    CHECK(again->key == key_a);
}

TEST_CASE("a mistake in a key file is named with file and line", "[bus][keys]") {
    const auto key = "key = \"" + key_a + "\"\n";
    const auto [text, message] = GENERATE_COPY(table<std::string, std::string>({
        {key + "role = \"root\"\n",
         "x.pub:2: role \"root\" is not viewer, operator, admin or agent"},
        {"key = \"short\"\n", "x.pub:1: not a key of 40 characters"},
        {"\nkey: 1\n", "x.pub:2: WORD = \"VALUE\" is expected"},
        {key + "user = \"a\"\n", "x.pub:2: \"user\" is not key, role or worker"},
        {key + "role = \"agent\"\nworker = \"../x\"\n", "x.pub:3: not a name of a worker"},
        {"role = \"admin\"", "x.pub:1: the line with key is missing"},
        {key, "x.pub:2: the line with role is missing"},
    }));
    const auto holder = KnownKeys::parse("x", "x.pub", text);
    REQUIRE_FALSE(holder);
    CHECK(holder.error().message == message);
}

TEST_CASE("one bad file does not keep the other keys out", "[bus][keys]") {
    const ctys::support::TemporaryDirectory dir;
    const auto good = [](const std::string& key) {
        return "key = \"" + key + "\"\nrole = \"viewer\"\n";
    };
    write(dir / "alice.pub", good(key_a));
    write(dir / "bad.pub", "nonsense");
    write(dir / "copy.pub", good(key_a));
    write(dir / "open.pub", good(key_b));
    write(dir / "notes.txt", "not a key");
    std::filesystem::permissions(dir / "open.pub", std::filesystem::perms(0666));

    const auto load = KnownKeys::load(dir.path());
    REQUIRE(load);
    REQUIRE(load->keys.size() == 1);
    CHECK(load->keys.find_key(key_a)->name == "alice");
    CHECK(load->keys.find_name("alice")->key == key_a);
    CHECK(load->keys.find_key(key_b) == nullptr);
    REQUIRE(load->problems.size() == 3);
    CHECK(load->problems[0].message == (dir / "bad.pub") + ":1: WORD = \"VALUE\" is expected");
    CHECK(load->problems[1].code == ErrorCode::Conflict);
    CHECK(load->problems[2].code == ErrorCode::Refused);
    CHECK(load->problems[2].try_next == "chmod go-w " + (dir / "open.pub"));
}

TEST_CASE("a directory that does not exist knows no keys", "[bus][keys]") {
    const auto load = KnownKeys::load("/no/such/folder");
    REQUIRE(load);
    CHECK(load->keys.size() == 0);
    CHECK(load->problems.empty());
}

TEST_CASE("known keys are listed in order of their names", "[bus][keys]") {
    KnownKeys keys;
    REQUIRE(keys.add({.name = "zoe", .key = key_a, .role = Role::Viewer}));
    REQUIRE(keys.add({.name = "ann", .key = key_b, .role = Role::Admin}));

    const auto all = keys.all();

    REQUIRE(all.size() == 2);
    CHECK(all[0].name == "ann");
    CHECK(all[0].key == key_b);
    CHECK(all[1].name == "zoe");
}
