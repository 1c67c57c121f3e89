#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/install_target.h"

#include <catch2/catch.hpp>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
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
    qemu::InstallTarget target{
        .file = folder.path() + "/hda.img", .size = 3 * 1024 * 1024, .stage = qemu::Stage::Init};
};

qemu::TargetFacts facts_of(const qemu::InstallTarget& target) {
    return look_at_target(target).value().facts;
}

qemu::TargetFacts facts_of_size(std::uint64_t size, bool blank) {
    return {.exists = true, .blank = blank, .file_size = size, .size = size};
}

std::size_t entries_of(const std::string& folder) {
    const std::filesystem::directory_iterator entries{folder};
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

ErrorCode code_of(const Status& status) {
    REQUIRE_FALSE(status);
    return status.error().code;
}

void run_shell(const std::string& command) {
    REQUIRE(std::system(command.c_str()) == 0);
}

// No file of this process grows, or is written, beyond so many bytes meanwhile: the disk is full.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, SIG_DFL);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit before_{};
};

// A program that does something before it becomes the one that is meant.
class EarlierInPath {
public:
    EarlierInPath(const std::string& folder, const std::string& name, const std::string& what)
        : before_(std::getenv("PATH")) {
        std::filesystem::create_directory(folder);
        const auto path = folder + "/" + name;
        write_file(path,
                   "#!/bin/sh\nPATH='" + before_ + "'\n" + what + "\nexec " + name + " \"$@\"\n");
        REQUIRE(::chmod(path.c_str(), 0755) == 0);
        ::setenv("PATH", (folder + ":" + before_).c_str(), 1);
    }
    ~EarlierInPath() { ::setenv("PATH", before_.c_str(), 1); }
    EarlierInPath(const EarlierInPath&) = delete;
    EarlierInPath& operator=(const EarlierInPath&) = delete;

private:
    std::string before_;
};

// A block device over a file, where this machine lets us have one.
class LoopDevice {
public:
    explicit LoopDevice(const std::string& file) {
        FILE* pipe = ::popen(("losetup -f --show " + file + " 2>&1").c_str(), "r");
        std::array<char, 256> line{};
        if (std::fgets(line.data(), line.size(), pipe) != nullptr) path_ = line.data();
        path_ = path_.substr(0, path_.find('\n'));
        if (::pclose(pipe) != 0) {
            WARN("no loop device, so nothing is shown about devices: " << path_);
            path_.clear();
        }
    }
    ~LoopDevice() {
        if (exists()) std::ignore = std::system(("losetup -d " + path_).c_str());
    }
    LoopDevice(const LoopDevice&) = delete;
    LoopDevice& operator=(const LoopDevice&) = delete;

    bool exists() const { return !path_.empty(); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace

TEST_CASE("a target is absent, blank or full", "[call]") {
    const Folder vm;
    const auto& path = vm.target.file;
    CHECK(facts_of(vm.target) == qemu::TargetFacts{});

    write_file(path, "");
    CHECK(facts_of(vm.target) == facts_of_size(0, true));
    write_file(path, std::string(200'000, '\0'));
    CHECK(facts_of(vm.target) == facts_of_size(200'000, true));
    write_file(path, std::string(200'000, '\0') + "x");
    CHECK(facts_of(vm.target) == facts_of_size(200'001, false));
}

TEST_CASE("a fresh image of qcow2 is blank, one with data is full", "[call]") {
    Folder vm;
    vm.target.format = "qcow2";
    run_shell("qemu-img create -q -f qcow2 " + vm.target.file + " 5M");
    const auto fresh = facts_of(vm.target);
    CHECK(fresh.blank);
    CHECK(fresh.size == 5 * 1024 * 1024);

    run_shell("qemu-io -f qcow2 -c 'write -P 1 2M 64k' " + vm.target.file + " >/dev/null");

    CHECK_FALSE(facts_of(vm.target).blank);
}

TEST_CASE("what qemu-img does not understand is full", "[call]") {
    Folder vm;
    vm.target.format = "qcow2";
    write_file(vm.target.file, "nonsense");

    CHECK_FALSE(facts_of(vm.target).blank);
    CHECK(facts_of(vm.target).size == 0);
}

TEST_CASE("a folder, a link to nothing and a lost folder are no targets", "[call]") {
    Folder vm;
    std::filesystem::create_symlink("nowhere", vm.target.file);
    const auto dangling = look_at_target(vm.target);
    vm.target.file = vm.folder.path();
    const auto folder = look_at_target(vm.target);
    vm.target.file = vm.folder / "none/hda.img";
    const auto lost = look_at_target(vm.target);

    REQUIRE_FALSE(dangling);
    CHECK(dangling.error().message == vm.folder / "hda.img" + " is a link to something that does "
                                                              "not exist");
    REQUIRE_FALSE(folder);
    CHECK(folder.error().message.find("neither a file nor a block device") != std::string::npos);
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == ErrorCode::NotFound);
}

TEST_CASE("nothing is made below /dev, but in shared memory", "[call]") {
    Folder vm;
    std::filesystem::create_symlink("/dev", vm.folder / "devices");

    for (const auto& path : {std::string{"/dev/ctys-none"}, vm.folder / "devices/ctys-none"}) {
        vm.target.file = path;
        CHECK(facts_of(vm.target).device_folder);
    }
    vm.target.file = "/dev/shm/ctys-none";
    CHECK_FALSE(facts_of(vm.target).device_folder);
}

TEST_CASE("a raw target is created with its size, and blank", "[call]") {
    const Folder vm;

    REQUIRE(prepare_target(vm.target, Preparation::Create, {}));

    CHECK(facts_of(vm.target) == facts_of_size(vm.target.size, true));
    CHECK(entries_of(vm.folder.path()) == 1);
}

TEST_CASE("a target of qcow2 is created with its size, and blank", "[call]") {
    Folder vm;
    vm.target.format = "qcow2";

    REQUIRE(prepare_target(vm.target, Preparation::Create, {}));

    CHECK(facts_of(vm.target).size == vm.target.size);
    CHECK(facts_of(vm.target).blank);
    run_shell("qemu-img check -q -f qcow2 " + vm.target.file);
    CHECK(entries_of(vm.folder.path()) == 1);
}

TEST_CASE("a preallocated target takes its room at once", "[call]") {
    Folder vm;
    vm.target.format = GENERATE(as<std::string>{}, "raw", "qcow2");
    vm.target.preallocated = true;

    REQUIRE(prepare_target(vm.target, Preparation::Create, std::nullopt));

    struct stat status {};
    REQUIRE(::stat(vm.target.file.c_str(), &status) == 0);
    CHECK((status.st_size == 3 * 1024 * 1024) == (vm.target.format == "raw"));
    CHECK(status.st_blocks * 512 >= 3 * 1024 * 1024);
}

TEST_CASE("an image is in use while a QEMU has it open", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "x");
    CHECK(check_unused(vm.target.file));

    const FakeUser user{vm.target.file};

    CHECK(code_of(check_unused(vm.target.file)) == ErrorCode::Conflict);
}

TEST_CASE("a target is not created over a file that came in between", "[call]") {
    Folder vm;
    vm.target.format = GENERATE(as<std::string>{}, "raw", "qcow2");
    write_file(vm.target.file, "precious");

    CHECK(code_of(prepare_target(vm.target, Preparation::Create, {})) == ErrorCode::Conflict);

    CHECK(text_of(vm.target.file) == "precious");
    CHECK(entries_of(vm.folder.path()) == 1);
}

TEST_CASE("a target of an unknown format leaves nothing behind", "[call]") {
    Folder vm;
    vm.target.format = "no-such-format";

    const auto made = prepare_target(vm.target, Preparation::Create, {});

    REQUIRE_FALSE(made);
    CHECK(made.error().message.find("qemu-img could not make") != std::string::npos);
    CHECK(made.error().message.find("Unknown file format 'no-such-format'") != std::string::npos);
    CHECK(entries_of(vm.folder.path()) == 0);
}

TEST_CASE("words of qemu-img name the target, not where it wrote", "[call]") {
    Folder vm;
    vm.target.format = "qcow2";
    const auto tool = vm.folder / "qemu-img";
    std::ofstream{tool} << "#!/bin/sh\nprintf '%s\\n' \"qemu-img: $5: Could not create '$5'\" "
                           "'qemu-img: it rains'\nexit 1\n";
    std::filesystem::permissions(tool, std::filesystem::perms::owner_all);
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (vm.folder.path() + ":" + path).c_str(), 1);

    const auto made = prepare_target(vm.target, Preparation::Create, {});

    ::setenv("PATH", path.c_str(), 1);
    REQUIRE_FALSE(made);
    CHECK(made.error().message == "qemu-img could not make " + vm.target.file +
                                      " of the format qcow2: Could not create '" + vm.target.file +
                                      "'; it rains");
}

TEST_CASE("a file without a byte is made an image in its place", "[call]") {
    Folder vm;
    vm.target.format = GENERATE(as<std::string>{}, "raw", "qcow2");
    write_file(vm.target.file, "");
    const auto look = look_at_target(vm.target).value();

    REQUIRE(prepare_target(vm.target, Preparation::Fill, look.identity));

    CHECK(facts_of(vm.target).size == vm.target.size);
    CHECK(look_at_target(vm.target).value().identity == look.identity);
    CHECK(entries_of(vm.folder.path()) == 1);
}

TEST_CASE("a file that got bytes in between is not filled", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "precious");

    CHECK(code_of(prepare_target(vm.target, Preparation::Fill, {})) == ErrorCode::Conflict);

    CHECK(text_of(vm.target.file) == "precious");
}

TEST_CASE("emptying overwrites the first 2,880 blocks and no more", "[call]") {
    const Folder vm;
    write_file(vm.target.file, std::string(qemu::emptied_bytes, 'x') + "rest");

    REQUIRE(prepare_target(vm.target, Preparation::Empty, {}));

    CHECK(text_of(vm.target.file) == std::string(qemu::emptied_bytes, '\0') + "rest");
}

TEST_CASE("emptying does not make a small image larger", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "small");

    REQUIRE(prepare_target(vm.target, Preparation::Empty, {}));

    CHECK(text_of(vm.target.file) == std::string(5, '\0'));
}

TEST_CASE("an image of qcow2 is emptied in its place", "[call]") {
    Folder vm;
    vm.target.format = "qcow2";
    run_shell("qemu-img create -q -f qcow2 " + vm.target.file +
              " 5M && qemu-io -f qcow2 -c 'write "
              "-P 1 0 5M' " +
              vm.target.file + " >/dev/null");
    const auto look = look_at_target(vm.target).value();
    CHECK_FALSE(look.facts.blank);

    REQUIRE(prepare_target(vm.target, Preparation::Empty, look.identity));

    CHECK(facts_of(vm.target).blank);
    CHECK(facts_of(vm.target).size == vm.target.size);
    CHECK(look_at_target(vm.target).value().identity == look.identity);
    CHECK(entries_of(vm.folder.path()) == 1);
}

TEST_CASE("a target whose INIT was cut short is half made, and is made by the next one", "[call]") {
    Folder vm;
    vm.target.format = GENERATE(as<std::string>{}, "raw", "qcow2");
    write_file(vm.target.file, std::string(qemu::emptied_bytes, 'x'));
    const auto cut = [&] {
        const EarlierInPath own{vm.folder / "bin", "qemu-img", "ulimit -S -f unlimited"};
        const FullDisk full{128 * 1024};
        return prepare_target(vm.target, Preparation::Empty, {});
    }();
    REQUIRE_FALSE(cut);

    const auto facts = facts_of(vm.target);
    CHECK(facts.half_made);
    CHECK(qemu::decide_preparation(vm.target, facts, /*force=*/false) == Preparation::Empty);
    auto taken = vm.target;
    taken.stage = qemu::Stage::Keep;
    CHECK(qemu::decide_preparation(taken, facts, /*force=*/true).error().code ==
          ErrorCode::Conflict);

    REQUIRE(prepare_target(vm.target, Preparation::Empty, {}));
    CHECK(facts_of(vm.target).blank);
    CHECK_FALSE(facts_of(vm.target).half_made);
}

TEST_CASE("an image stays as it is when qemu-img fails", "[call]") {
    Folder vm;
    vm.target.format = "no-such-format";
    write_file(vm.target.file, "precious");

    CHECK_FALSE(prepare_target(vm.target, Preparation::Empty, {}));

    CHECK(text_of(vm.target.file) == "precious");
}

TEST_CASE("an image that a QEMU has open is not emptied", "[call]") {
    Folder vm;
    vm.target.format = GENERATE(as<std::string>{}, "raw", "qcow2");
    write_file(vm.target.file, "precious");
    const FakeUser user{vm.target.file};

    CHECK(code_of(prepare_target(vm.target, Preparation::Empty, {})) == ErrorCode::Conflict);

    CHECK(text_of(vm.target.file) == "precious");
}

TEST_CASE("a target that was replaced since it was looked at is not emptied", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "looked at");
    const auto look = look_at_target(vm.target).value();
    write_file(vm.folder / "other.img", "precious");
    std::filesystem::rename(vm.folder / "other.img", vm.target.file);

    CHECK(code_of(prepare_target(vm.target, Preparation::Empty, look.identity)) ==
          ErrorCode::Conflict);

    CHECK(text_of(vm.target.file) == "precious");
}

TEST_CASE("a block device is emptied as far as it goes, and not while it is held", "[call]") {
    Folder vm;
    const auto file = vm.target.file;
    write_file(file, std::string(1024 * 1024, 'x')); // smaller than a floppy
    const LoopDevice device{file};
    if (!device.exists()) return;
    vm.target.file = device.path();
    const auto look = look_at_target(vm.target).value();
    CHECK(look.facts.device);
    CHECK(look.facts.file_size == 1024 * 1024);
    {
        const int holder = ::open(device.path().c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
        REQUIRE(holder >= 0);
        const auto held = look_at_target(vm.target);
        CHECK(code_of(prepare_target(vm.target, Preparation::Empty, look.identity)) ==
              ErrorCode::Conflict);
        ::close(holder);
        REQUIRE_FALSE(held);
        CHECK(held.error().message == "the target " + device.path() + " is in use");
    }

    REQUIRE(prepare_target(vm.target, Preparation::Empty, look.identity));

    CHECK(look_at_target(vm.target).value().facts.blank);
    CHECK(text_of(device.path()) == std::string(1024 * 1024, '\0'));
}

TEST_CASE("nothing to prepare leaves a target as it is", "[call]") {
    const Folder vm;
    write_file(vm.target.file, "precious");

    REQUIRE(prepare_target(vm.target, Preparation::Nothing, {}));

    CHECK(text_of(vm.target.file) == "precious");
    CHECK(describe(vm.target, Preparation::Nothing, {}).empty());
}

TEST_CASE("what will be done to a target is told with its size", "[call]") {
    qemu::InstallTarget target{.file = "/vm/hda.img", .size = 2147483648};
    CHECK(describe(target, Preparation::Create, {}) ==
          "INIT creates /vm/hda.img: 2147483648 bytes, raw");
    CHECK(describe(target, Preparation::Fill, {}) ==
          "INIT creates /vm/hda.img: 2147483648 bytes, raw");
    CHECK(describe(target, Preparation::Empty, facts_of_size(2147483648, false)) ==
          "INIT empties /vm/hda.img: its first 1474560 bytes");
    CHECK(describe(target, Preparation::Empty, facts_of_size(512, false)) ==
          "INIT empties /vm/hda.img: its first 512 bytes");
    target.format = "qcow2";
    CHECK(describe(target, Preparation::Empty, {}) ==
          "INIT makes /vm/hda.img anew: 2147483648 bytes, qcow2");
}
