#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/check.h"
#include "tools/qemu_call/file_look.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace ctys;
using namespace ctys::call;

namespace {

// A VM whose QEMU is there, with a disk of one byte.
struct CheckedVm {
    support::TemporaryDirectory folder;
    std::vector<std::string> values{
        "LABEL=web", "STARTERCALL=/bin/true", "HDDBOOTIMAGE=hda.img", "NETWORK=user"};
    bool may_ask = false;
    bool has_hook = false;
    Request request = {};
    std::vector<std::string> notes = {};

    CheckedVm() { write("hda.img", "x"); }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream{folder / name, std::ios::binary} << text;
    }

    std::vector<Problem> problems_of(const ModeOptions& modes) {
        request = read_request(values, folder.path(), modes);
        request.may_ask = may_ask;
        request.has_hook = has_hook;
        request.plan.instance_directory = folder / "i";
        notes.clear();
        return check(request, notes);
    }
};

const std::string qcow2_header = "QFI\xfb";

} // namespace

TEST_CASE("where emulation is not what was meant, a VM without KVM does not start", "[call]") {
    ::unsetenv("CTYS_KVM");
    CheckedVm vm;
    vm.values.emplace_back("ACCELERATOR=KVM");
    CHECK(vm.problems_of({}).empty());

    vm.values.emplace_back("ACCELFALLBACK=no");

    CHECK(vm.problems_of({}) ==
          std::vector<Problem>{{"ACCELERATOR",
                                "KVM is not proven usable on this machine, and ACCELFALLBACK=no "
                                "takes nothing else; CTYS_KVM=usable insists on KVM"}});
}

TEST_CASE("an image keeps its configured format behind another path", "[call]") {
    CheckedVm vm;
    vm.write("hda.img", qcow2_header);
    vm.values.emplace_back("IMAGEFORMAT=qcow2");
    std::filesystem::create_directory_symlink(vm.folder.path(), vm.folder / "link");
    const auto path = GENERATE(as<std::string>{}, "link/hda.img", "../DIR/hda.img");
    const auto text =
        path.starts_with("..")
            ? "../" + std::filesystem::path{vm.folder.path()}.filename().string() + "/hda.img"
            : path;
    CAPTURE(text);

    CHECK(vm.problems_of({.boot = "HDD%" + text}).empty());
    CHECK(vm.request.plan.boot->format == "qcow2");
    CHECK(vm.problems_of({.install = "CD%/etc/passwd%HDD%" + text}).empty());
    CHECK(vm.request.target->format == "qcow2");
    CHECK(vm.request.plan.boot->format == "qcow2");
}

TEST_CASE("an image of qcow2 is not written as a raw one", "[call]") {
    CheckedVm vm;
    vm.write("other.img", qcow2_header);

    for (const ModeOptions& modes : {ModeOptions{.boot = "HDD%other.img"},
                                     ModeOptions{.install = "CD%/etc/passwd%HDD%other.img"},
                                     ModeOptions{.install = "HDD%other.img%HDD%default%none"},
                                     ModeOptions{.install = "default%default%HDD%other.img",
                                     .init = true,
                                     .init_only = true,
                                     .force = true}}) {
        const auto problems = vm.problems_of(modes);
        REQUIRE(problems.size() == 1);
        CHECK(problems.front().code == ErrorCode::Usage);
        CHECK(problems.front().text.find("begins as a qcow2 image") != std::string::npos);
    }
}

TEST_CASE("a source is not its own target by a link", "[call]") {
    CheckedVm vm;
    std::filesystem::create_symlink("hda.img", vm.folder / "link.img");
    const bool storage = GENERATE(false, true);

    const auto problems = vm.problems_of({.install = "HDD%link.img%HDD%default%INIT",
                                          .init = storage,
                                          .init_only = storage,
                                          .force = true});

    REQUIRE(problems.size() == 1);
    CHECK(problems.front().code == ErrorCode::Usage);
    CHECK(problems.front().text.find("are source and target in one") != std::string::npos);
    CHECK(vm.request.preparation == qemu::Preparation::Nothing);
}

TEST_CASE("a stick of the configuration is not the VM's own disk by a link", "[call]") {
    CheckedVm vm;
    std::filesystem::create_symlink("hda.img", vm.folder / "link.img");
    vm.values.emplace_back("DEFAULTINSTTARGET=link.img");

    const auto problems = vm.problems_of({.install = "CD%/etc/passwd%USB%default%none"});

    REQUIRE(problems.size() == 1);
    CHECK(problems.front().key == "DEFAULTINSTTARGET");
    CHECK(problems.front().text.find("is the VM's own disk") != std::string::npos);
}

TEST_CASE("what INIT would destroy is asked for where somebody can answer", "[call]") {
    CheckedVm vm;
    const ModeOptions init{.install = "CD%/etc/passwd%HDD%default%INIT"};

    const auto refused = vm.problems_of(init);
    REQUIRE(refused.size() == 1);
    CHECK(refused.front().code == ErrorCode::Conflict);
    CHECK(vm.request.question.empty());

    vm.may_ask = true;
    CHECK(vm.problems_of(init).empty());
    CHECK(vm.request.preparation == qemu::Preparation::Empty);
    CHECK(vm.request.question ==
          "INIT destroys what " + vm.folder / "hda.img" + " of 1 bytes holds. Go on?");
}

TEST_CASE("a disk whose INIT was cut short starts no VM until INIT is done", "[call]") {
    CheckedVm vm;
    vm.write("hda.img", std::string{half_made_mark} + std::string(512, 'x'));
    const auto disk = vm.folder / "hda.img";

    for (const auto& modes :
         {ModeOptions{}, ModeOptions{.install = "CD%/etc/passwd%HDD%default%none"}}) {
        const auto refused = vm.problems_of(modes);
        REQUIRE(refused.size() == 1);
        CHECK(refused.front().code == ErrorCode::Conflict);
        CHECK(refused.front().text.ends_with(disk + " is half made: its INIT was cut short, "
                                                    "do it again"));
    }
    CHECK(vm.problems_of({.install = "CD%/etc/passwd%HDD%default%INIT"}).empty());
    CHECK(vm.request.preparation == qemu::Preparation::Empty);
}

TEST_CASE("a stage of one's own is done by the configuration, or said not to be", "[call]") {
    CheckedVm vm;
    const ModeOptions modes{.install = "CD%/etc/passwd%HDD%default%setup"};
    const auto target = vm.folder / "hda.img";

    CHECK(vm.problems_of(modes).empty());
    CHECK(vm.notes == std::vector<std::string>{"the configuration has no inst_stage for the stage "
                                               "setup; " +
                                               target + " is taken as it is"});
    vm.has_hook = true;
    CHECK(vm.problems_of(modes).empty());
    CHECK(vm.notes == std::vector<std::string>{
                          "inst_stage of the configuration does its stage setup on " + target});
}

TEST_CASE("a medium that is absent ends with 3, one that is no file with 1", "[call]") {
    CheckedVm vm;
    vm.write("plain", "x");
    const auto [path, code, words] = GENERATE(table<std::string, ErrorCode, std::string>({
        {"nope.iso", ErrorCode::NotFound, "nope.iso does not exist"},
        {"plain/nope.iso", ErrorCode::NotFound, "nope.iso does not exist"},
        {".", ErrorCode::Failed, "is a directory"},
    }));

    const auto problems = vm.problems_of({.boot = "CD%" + path});

    REQUIRE(problems.size() == 1);
    CHECK(problems.front().code == code);
    CHECK(problems.front().text.find(words) != std::string::npos);
}

TEST_CASE("an image that the account may not read or write ends with 7", "[call]") {
    if (::geteuid() == 0) {
        WARN("root may read and write everything, so nothing is shown about permissions");
        return;
    }
    CheckedVm vm;
    std::filesystem::permissions(
        vm.folder / "hda.img",
        GENERATE(std::filesystem::perms::none, std::filesystem::perms::owner_read));

    const auto problems = vm.problems_of({});

    REQUIRE(problems.size() == 1);
    CHECK(problems.front().code == ErrorCode::Refused);
}

TEST_CASE("TFTP does not serve the VM's own folder by a link", "[call]") {
    CheckedVm vm;
    std::filesystem::create_directory(vm.folder / "tftp");
    std::filesystem::create_directory_symlink("..", vm.folder / "tftp/up");
    vm.write("pxelinux.0", "x");
    vm.write("tftp/pxelinux.0", "x");

    CHECK(vm.problems_of({.boot = "PXE%tftp/pxelinux.0"}).empty());
    CHECK(vm.problems_of({.boot = "PXE%tftp/up/pxelinux.0"}).size() == 1);
}

TEST_CASE("storage alone needs no QEMU", "[call]") {
    CheckedVm vm;
    vm.values[1] = "STARTERCALL=/no/such/qemu-system-x86_64";

    CHECK(vm.problems_of({.init = true, .init_only = true, .force = true}).empty());
    CHECK(vm.problems_of({.install = "CD%/etc/passwd", .init = true, .force = true}).size() == 1);
}

TEST_CASE("every file that a start writes is one that may be on shared storage", "[call]") {
    CheckedVm vm;
    vm.write("f.img", "x");

    std::ignore = vm.problems_of({.boot = "FDD%f.img"});
    CHECK(written_files(vm.request) ==
          std::vector<std::string>{vm.folder / "f.img", vm.folder / "hda.img"});
    std::ignore = vm.problems_of({.install = "FDD%f.img%HDD%new.img%INIT"});
    CHECK(written_files(vm.request) == std::vector<std::string>{vm.folder / "new.img"});
}

TEST_CASE("a switch is needed by what is started, not by the storage alone", "[call]") {
    CheckedVm vm;
    const auto data = vm.folder / "sw";
    vm.values.back() = "NETWORK=vde";
    vm.values.emplace_back("QEMUSOCK=" + data);

    const auto started = vm.problems_of({});

    REQUIRE(started.size() == 1);
    CHECK(started[0].text.starts_with("there is no switch at " + data + "; as root: "));
    CHECK(vm.problems_of({.init = true, .init_only = true, .force = true}).empty());
}

TEST_CASE("a further disk is given to the VM where it is there, else left out", "[call]") {
    CheckedVm vm;
    vm.values.insert(vm.values.end(), {"HDB=hdb.img", "HDC=hdc.img"});
    vm.write("hdc.img", "x");

    CHECK(vm.problems_of({}).empty());

    CHECK(vm.request.plan.more_disks ==
          std::vector<qemu::Disk>{{.file = vm.folder / "hdc.img", .index = 2}});
    CHECK(written_files(vm.request) ==
          std::vector<std::string>{vm.folder / "hda.img", vm.folder / "hdc.img"});
}

TEST_CASE("the ROM of the card is taken from QEMUBIOS where it is there", "[call]") {
    CheckedVm vm;
    vm.values.emplace_back("NIC=ne2k_pci");
    vm.values.push_back("ARGSADD=-L '" + vm.folder.path() + "'");
    CHECK(vm.problems_of({.boot = "PXE"}).empty());
    CHECK(vm.request.plan.boot_rom.empty());

    vm.write("pxe-ne2k_pci.bin", "x");

    CHECK(vm.problems_of({.boot = "PXE"}).empty());
    CHECK(vm.request.plan.boot_rom == vm.folder / "pxe-ne2k_pci.bin");
    CHECK(vm.problems_of({}).empty());
    CHECK(vm.request.plan.boot_rom.empty());
}
