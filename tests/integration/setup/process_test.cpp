#include "mesh/setup/process.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::setup;

namespace {

void plant(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
}

constexpr auto boot_path = "proc/sys/kernel/random/boot_id";
constexpr auto boot_id = "0a1b2c3d-0000-4000-8000-000000000001";

} // namespace

TEST_CASE("a machine is known by its boot id, machine id and platform", "[setup]") {
    const support::TemporaryDirectory root;
    plant(root / boot_path, fmt::format("{}\n", boot_id));
    plant(root / "etc/machine-id", "91d24b1a0b2c4d3e8f900123456789ab\n");
    plant(root / "sys/class/dmi/id/product_uuid", "4C4C4544-0042-4A10-8052-B3C04F4E4D32\n");

    const auto facts = read_machine_facts(root.path());

    REQUIRE(facts);
    CHECK(facts->boot.to_string() == boot_id);
    CHECK(facts->machine->to_string() == "91d24b1a-0b2c-4d3e-8f90-0123456789ab");
    CHECK(facts->platform->to_string() == "4c4c4544-0042-4a10-8052-b3c04f4e4d32");
    CHECK_FALSE(facts->host_name.empty());
}

TEST_CASE("what identifies nothing or is missing counts as none", "[setup]") {
    const support::TemporaryDirectory root;
    plant(root / boot_path, boot_id);
    plant(root / "etc/machine-id", "uninitialized\n");
    plant(root / "sys/class/dmi/id/product_uuid", "00000000-0000-0000-0000-000000000000\n");

    const auto facts = read_machine_facts(root.path());

    REQUIRE(facts);
    CHECK_FALSE(facts->machine);
    CHECK_FALSE(facts->platform);
}

TEST_CASE("a machine's own configuration may name its UUID, in whatever it is written", "[setup]") {
    const support::TemporaryDirectory root;
    const auto conf = root / "vm.conf";
    const auto named = [&](const std::string& text) {
        plant(conf, text);
        return uuid_of_machine(conf);
    };
    const auto uuid = *Uuid::parse("6842caa2-0b2c-4d3e-8f90-0123456789ab");

    CHECK(uuid_of_machine(root / "none").is_zero());
    CHECK(named("").is_zero());
    CHECK(named("#@#UUID\n#@#UUID=\n#@#UUID = \"\n#@#UUID = \"\"\n").is_zero());
    CHECK(named("#@#UUID = \"00000000-0000-0000-0000-000000000000\"\n").is_zero());
    CHECK(named("#@#UUID = \"\x1b[31m$(reboot)\"\n#@#UUID=03000200-0400-0500-0006-000700080009\n")
              .is_zero());
    CHECK(named("#@#UUID = \"../../etc\"\n#@#UUID = \"" + uuid.to_string() + "\"  # ours\n") ==
          uuid);
    CHECK(named("#@#UUID=" + uuid.to_string()) == uuid);
    CHECK(named(fmt::format("{}#@#UUID={}", std::string(70000, '\n'), uuid.to_string())).is_zero());
}

TEST_CASE("a machine without a boot id is an error", "[setup]") {
    const support::TemporaryDirectory root;
    CHECK(read_machine_facts(root.path()).error().code == ErrorCode::Failed);
}

TEST_CASE("this machine has a boot id", "[setup]") {
    const auto facts = read_machine_facts();
    REQUIRE(facts);
    CHECK_FALSE(facts->boot.is_none());
}

TEST_CASE("the limit of open files is raised and never lowered", "[setup]") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit low{64, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);

    const auto raised = raise_descriptor_limit();
    const auto again = raise_descriptor_limit();
    ::setrlimit(RLIMIT_NOFILE, &before);

    REQUIRE(raised);
    CHECK(*raised == std::min<rlim_t>(65'536, before.rlim_max));
    CHECK(again.value() == *raised);
}

TEST_CASE("a descriptor that children would inherit is found", "[setup]") {
    const support::TemporaryDirectory directory;
    plant(directory / "kept", "");
    const auto names = [&] {
        std::vector<std::string> found;
        for (const auto& leaky : leaky_descriptors()) {
            if (leaky.target.starts_with(directory.path())) found.push_back(leaky.target);
        }
        return found;
    };
    const int descriptor = ::open((directory / "kept").c_str(), O_RDONLY | O_CLOEXEC);

    CHECK(names().empty());
    REQUIRE(::fcntl(descriptor, F_SETFD, 0) == 0);
    CHECK(names() == std::vector<std::string>{directory / "kept"});
    ::close(descriptor);
}

TEST_CASE("a program of ours is looked for beside the running one, else in PATH", "[setup]") {
    const auto own = std::filesystem::read_symlink("/proc/self/exe");

    CHECK(program_folder() == own.parent_path().string());
    CHECK(program_beside(own.filename().string()) == own.string());
    CHECK(program_beside("ctys-no-such-program") == "ctys-no-such-program");
}
