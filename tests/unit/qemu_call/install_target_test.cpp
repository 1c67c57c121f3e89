#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/install_target.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace ctys;
using namespace ctys::call;
using qemu::Preparation;

namespace {

void write_file(const std::string& path, const std::string& text) {
    std::ofstream{path, std::ios::binary} << text;
}

std::string text_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// A lock as QEMU holds it on an image that it has open.
class FakeUser {
public:
    explicit FakeUser(const std::string& path) : file_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
        struct flock lock {};
        lock.l_type = F_RDLCK;
        lock.l_whence = SEEK_SET;
        lock.l_start = 201;
        lock.l_len = 1;
        REQUIRE(::fcntl(file_, F_OFD_SETLK, &lock) == 0);
    }
    ~FakeUser() { ::close(file_); }
    FakeUser(const FakeUser&) = delete;
    FakeUser& operator=(const FakeUser&) = delete;

private:
    int file_;
};

struct Folder {
    support::TemporaryDirectory folder;
    qemu::InstallTarget target{.file = folder.path() + "/hda.img", .size = 3 * 1024 * 1024};
};

} // namespace

TEST_CASE("a target is absent, blank or full", "[call]") {
    const Folder vm;
    const auto& path = vm.target.file;
    CHECK(look_at_target(path).value() == qemu::TargetFacts{});

    write_file(path, "");
    CHECK(look_at_target(path).value() == qemu::TargetFacts{.exists = true, .blank = true});
    write_file(path, std::string(200'000, '\0'));
    CHECK(look_at_target(path).value().blank);
    write_file(path, std::string(200'000, '\0') + "x");
    CHECK_FALSE(look_at_target(path).value().blank);
    CHECK(look_at_target(path).value().file_size == 200'001);
}

TEST_CASE("a file without a byte is made an image in its place", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "");

    REQUIRE(prepare_target(vm.target, Preparation::Fill));

    CHECK(std::filesystem::file_size(vm.target.file) == vm.target.size);
}

TEST_CASE("a target that cannot be read is told", "[call]") {
    const Folder vm;

    const auto facts = look_at_target(vm.folder.path());

    REQUIRE_FALSE(facts);
    CHECK(facts.error().message.find("Is a directory") != std::string::npos);
}

TEST_CASE("a raw target is created with its size, and blank", "[call]") {
    const Folder vm;

    REQUIRE(prepare_target(vm.target, Preparation::Create));

    CHECK(std::filesystem::file_size(vm.target.file) == vm.target.size);
    CHECK(look_at_target(vm.target.file).value().blank);
}

TEST_CASE("a target is not created over a file that came in between", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "precious");

    const auto made = prepare_target(vm.target, Preparation::Create);

    REQUIRE_FALSE(made);
    CHECK(made.error().code == ErrorCode::Conflict);
    CHECK(text_of(vm.target.file) == "precious");
}

TEST_CASE("a target of an unknown format leaves nothing behind", "[call]") {
    Folder vm;
    vm.target.format = "no-such-format";

    CHECK_FALSE(prepare_target(vm.target, Preparation::Create));

    CHECK_FALSE(std::filesystem::exists(vm.target.file));
}

TEST_CASE("emptying overwrites the first 2,880 blocks and no more", "[call]") {
    const Folder vm;
    write_file(vm.target.file, std::string(qemu::emptied_bytes, 'x') + "rest");

    REQUIRE(prepare_target(vm.target, Preparation::Empty));

    CHECK(text_of(vm.target.file) == std::string(qemu::emptied_bytes, '\0') + "rest");
}

TEST_CASE("emptying does not make a small image larger", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "small");

    REQUIRE(prepare_target(vm.target, Preparation::Empty));

    CHECK(text_of(vm.target.file) == std::string(5, '\0'));
}

TEST_CASE("an image that a QEMU has open is not emptied", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "precious");
    const FakeUser user{vm.target.file};

    const auto emptied = prepare_target(vm.target, Preparation::Empty);

    REQUIRE_FALSE(emptied);
    CHECK(emptied.error().code == ErrorCode::Conflict);
    CHECK(text_of(vm.target.file) == "precious");
}

TEST_CASE("nothing to prepare leaves a target as it is", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "precious");

    REQUIRE(prepare_target(vm.target, Preparation::Nothing));

    CHECK(text_of(vm.target.file) == "precious");
    CHECK(describe(vm.target, Preparation::Nothing).empty());
}

TEST_CASE("what will be done to a target is told with its size", "[call]") {
    qemu::InstallTarget target{.file = "/vm/hda.img", .size = 2147483648};
    CHECK(describe(target, Preparation::Create) ==
          "INIT creates /vm/hda.img: 2147483648 bytes, raw");
    CHECK(describe(target, Preparation::Empty) ==
          "INIT empties /vm/hda.img: its first 1474560 bytes");
    target.format = "qcow2";
    CHECK(describe(target, Preparation::Empty) ==
          "INIT makes /vm/hda.img anew: 2147483648 bytes, qcow2");
}
