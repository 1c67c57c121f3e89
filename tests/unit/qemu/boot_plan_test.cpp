#include "mesh/qemu/boot_plan.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;

namespace {

VmPlan configured() {
    return {.binary = "/usr/bin/qemu-system-x86_64",
            .label = "web",
            .boot = Disk{.file = "/vm/web/hda.img"},
            .user_network = true,
            .instance_directory = "/run/ctys/i/web"};
}

VmPlan diskless() {
    auto plan = configured();
    plan.boot.reset();
    return plan;
}

using Values = std::map<std::string, std::string, std::less<>>;

Result<BootDecision>
boot(std::string_view mode, Values values = {}, const VmPlan& plan = configured()) {
    return decide_boot(plan, parse_boot_mode(mode).value(), {"/vm/web", std::move(values)});
}

Result<BootDecision>
install(std::string_view mode, Values values = {}, const VmPlan& plan = configured()) {
    return decide_install(plan, parse_install_mode(mode).value(), {"/vm/web", std::move(values)});
}

std::string why_not(const Result<BootDecision>& decision) {
    if (decision) return "decided";
    CHECK(decision.error().code == ErrorCode::Usage);
    return decision.error().message;
}

const NeededFile own_disk{"HDDBOOTIMAGE", "/vm/web/hda.img", true};

} // namespace

TEST_CASE("a CD is booted before the disk of the configuration", "[qemu]") {
    auto plan = configured();
    plan.cdrom = "/iso/a.iso";
    plan.boot_order = "d";

    CHECK(boot("CD%/iso/a.iso") ==
          BootDecision{.plan = plan, .files = {{"BOOTMODE", "/iso/a.iso", false}, own_disk}});
}

TEST_CASE("CD, DVD and INSTALL find their images in different variables", "[qemu]") {
    const auto [mode, values, file] = GENERATE(table<std::string, Values, NeededFile>({
        {"CD", {{"INSTSRCCDROM", "/a"}, {"INSTSRCDVD", "/b"}}, {"INSTSRCCDROM", "/a", false}},
        {"CD", {{"INSTCDROM", "/a"}, {"INSTSRCDVD", "/b"}}, {"INSTCDROM", "/a", false}},
        {"CD", {{"INSTSRCDVD", "/b"}}, {"INSTSRCDVD", "/b", false}},
        {"DVD", {{"INSTSRCCDROM", "/a"}, {"INSTSRCDVD", "/b"}}, {"INSTSRCDVD", "/b", false}},
        {"DVD", {{"INSTSRCCDROM", "/a"}}, {"INSTSRCCDROM", "/a", false}},
        {"INSTALL",
         {{"DEFAULTINSTSOURCE", "/dev/cdrom"}},
         {"DEFAULTINSTSOURCE", "/dev/cdrom", false}},
        {"INSTALL", {{"INSTSRC", "a.iso"}}, {"INSTSRC", "/vm/web/a.iso", false}},
        {"INSTALL%b.iso", {{"INSTSRC", "a.iso"}}, {"BOOTMODE", "/vm/web/b.iso", false}},
    }));
    CAPTURE(mode, file.key);

    const auto decision = boot(mode, values).value();

    CHECK(decision.files.front() == file);
    CHECK(decision.plan.cdrom == file.path);
    CHECK(decision.plan.boot_order == "d");
}

TEST_CASE("a CD needs no disk", "[qemu]") {
    const auto decision = boot("CD%/a.iso", {}, diskless()).value();

    CHECK_FALSE(decision.plan.boot);
    CHECK(decision.files == std::vector<NeededFile>{{"BOOTMODE", "/a.iso", false}});
}

TEST_CASE("a floppy is booted from drive a, with the second one in b", "[qemu]") {
    const auto decision = boot("FDD", {{"FDDIMAGE", "a.img"}, {"FDB", "/b.img"}}).value();

    CHECK(decision.plan.floppies == std::vector<Floppy>{{"/vm/web/a.img"}, {"/b.img"}});
    CHECK(decision.plan.boot_order == "a");
    CHECK(decision.plan.boot == configured().boot);
    CHECK(decision.files == std::vector<NeededFile>{{"FDDIMAGE", "/vm/web/a.img", true},
                                                    {"FDB", "/b.img", true},
                                                    own_disk});
}

TEST_CASE("the path of a floppy replaces the configured one", "[qemu]") {
    CHECK(boot("FDD%/dev/fd0", {{"FDA", "a.img"}}).value().plan.floppies ==
          std::vector<Floppy>{{"/dev/fd0"}});
}

TEST_CASE("a disk that is booted is the last one and the first in order", "[qemu]") {
    const auto mode = GENERATE("HDD", "VHDD", "USB");
    CAPTURE(mode);
    auto plan = configured();
    plan.boot_order = "c";

    CHECK(boot(mode, {{"INSTSRCUSB", "/dev/usb"}}) ==
          BootDecision{.plan = plan, .files = {own_disk}});
}

TEST_CASE("the path of a disk replaces the configured one", "[qemu]") {
    CHECK(boot("USB%/dev/sdg").value().plan.boot == Disk{.file = "/dev/sdg"});
    CHECK(boot("HDD%b.qcow2").value().plan.boot ==
          Disk{.file = "/vm/web/b.qcow2", .format = "qcow2"});
    CHECK(boot("HDD%b.img").value().files ==
          std::vector<NeededFile>{{"BOOTMODE", "/vm/web/b.img", true}});
}

TEST_CASE("the configured disk keeps its format when its path is given", "[qemu]") {
    auto plan = configured();
    plan.boot->format = "qcow2";

    CHECK(boot("HDD%hda.img", {}, plan).value().plan.boot == plan.boot);
}

TEST_CASE("a disk of a read-only VM needs not be written", "[qemu]") {
    auto plan = configured();
    plan.read_only = true;

    CHECK(boot("HDD", {}, plan).value().files ==
          std::vector<NeededFile>{{"HDDBOOTIMAGE", "/vm/web/hda.img", false}});
}

TEST_CASE("a network is booted from, with or without a file of our own", "[qemu]") {
    const auto plain = boot("PXE", {{"DEFAULTINSTSOURCE", "/dev/cdrom"}}).value();
    const auto served = boot("PXE%/srv/tftp/pxelinux.0").value();

    CHECK(plain.plan.boot_order == "n");
    CHECK(plain.plan.tftp_boot_file.empty());
    CHECK(plain.files == std::vector<NeededFile>{own_disk});
    CHECK(served.plan.tftp_boot_file == "/srv/tftp/pxelinux.0");
    CHECK(served.files ==
          std::vector<NeededFile>{{"BOOTMODE", "/srv/tftp/pxelinux.0", false}, own_disk});
}

TEST_CASE("a network of one's own in ARGSADD is enough for PXE", "[qemu]") {
    auto plan = configured();
    plan.user_network = false;
    plan.extra = {"-netdev", "vde,id=n", "-device", "e1000,netdev=n"};

    CHECK(boot("PXE", {}, plan).value().plan.boot_order == "n");
    CHECK(why_not(boot("PXE%/srv/x", {}, plan)) ==
          "BOOTMODE: PXE%<path> is served by QEMU's own network only: NETWORK=user");
}

TEST_CASE("words that bring no card that is connected are no network for PXE", "[qemu]") {
    const auto [words, network] = GENERATE(table<std::vector<std::string>, bool>({
        {{"-nic", "none"}, false},
        {{"-nic", "user"}, true},
        {{"--nic", "tap,model=e1000"}, true},
        {{"-net", "none"}, false},
        {{"-net", "user"}, false},
        {{"-net", "nic,model=e1000"}, true},
        {{"-netdev", "user,id=n"}, false},
        {{"-device", "virtio-balloon"}, false},
        {{"-device", "e1000"}, false},
        {{"-device", "e1000,netdev=n"}, true},
        {{"-device", "{\"driver\":\"e1000\",\"netdev\":\"n\"}"}, true},
        {{"-nic"}, false},
    }));
    CAPTURE(words);
    auto plan = configured();
    plan.user_network = false;
    plan.extra = words;

    CHECK(boot("PXE", {}, plan).has_value() == network);
}

TEST_CASE("TFTP does not serve the folder of the VM, nor one around it", "[qemu]") {
    const auto path = GENERATE(as<std::string>{},
                               "pxelinux.0",
                               "/vm/web/./pxelinux.0",
                               "/vm/pxelinux.0",
                               "/pxelinux.0",
                               "/srv/../pxelinux.0");
    CAPTURE(path);

    CHECK(why_not(boot("PXE%" + path)).find("TFTP would serve the VM's own folder") !=
          std::string::npos);
    CHECK(boot("PXE%tftp/pxelinux.0"));
    CHECK(boot("PXE%/vm/webserver/pxelinux.0"));
}

TEST_CASE("a VDE network is enough for PXE, without a file of our own", "[qemu]") {
    auto plan = configured();
    plan.user_network = false;
    plan.vde_switch = "/var/tmp/vde_switch0.web";

    CHECK(boot("PXE", {}, plan).value().plan.boot_order == "n");
    CHECK(why_not(boot("PXE%/srv/x", {}, plan)) ==
          "BOOTMODE: PXE%<path> is served by QEMU's own network only: NETWORK=user");
}

TEST_CASE("a boot mode without its medium says what would name one", "[qemu]") {
    CHECK(why_not(boot("CD")) == "BOOTMODE: no CD is named; INSTSRCCDROM=, INSTCDROM=, INSTSRCDVD= "
                                 "of the configuration or CD%<path> does");
    CHECK(why_not(boot("USB", {}, diskless())) ==
          "BOOTMODE: no USB is named; HDDBOOTIMAGE= of the configuration or USB%<path> does");
    auto plan = configured();
    plan.user_network = false;
    CHECK(why_not(boot("PXE", {}, plan)) == "BOOTMODE: PXE needs a network: NETWORK=user or vde");
}

TEST_CASE("floppies and PXE are there on x86 only", "[qemu]") {
    auto plan = configured();
    plan.arch = "aarch64";

    CHECK(why_not(boot("FDD%/a", {}, plan)) ==
          "BOOTMODE: FDD: there are floppy drives on x86 only, not on aarch64");
    CHECK(why_not(boot("PXE", {}, plan)) ==
          "BOOTMODE: PXE: firmware boots from a network on x86 only, not on aarch64");
    CHECK(boot("CD%/a", {}, plan));
}

TEST_CASE("the installation of the documents boots the CD and fills the disk", "[qemu]") {
    auto plan = configured();
    plan.cdrom = "/iso/a.iso";
    plan.boot_order = "d";

    CHECK(install("CD%default%VHDD%default%INIT",
                  {{"INSTSRCCDROM", "/iso/a.iso"}, {"HDDBOOTIMAGE_INST_SIZE", "2G"}}) ==
          BootDecision{.plan = plan,
                       .files = {{"INSTSRCCDROM", "/iso/a.iso", false}},
                       .target = InstallTarget{.key = "HDDBOOTIMAGE",
                                               .file = "/vm/web/hda.img",
                                               .size = 2147483648,
                                               .size_given = true,
                                               .stage = Stage::Init}});
}

TEST_CASE("an installation by the configuration alone takes its defaults", "[qemu]") {
    const auto decision = install("",
                                  {{"DEFAULTINSTMODE", "DVD"},
                                   {"DEFAULTINSTSOURCE", "/iso/b.iso"},
                                   {"INSTSRCDVD", "/dev/dvd"},
                                   {"DEFAULTINSTTARGET", "new.qcow2"}})
                              .value();

    CHECK(decision.plan.cdrom == "/iso/b.iso");
    CHECK(decision.plan.boot == Disk{.file = "/vm/web/new.qcow2", .format = "qcow2"});
    CHECK(decision.target == InstallTarget{.key = "DEFAULTINSTTARGET",
                                           .file = "/vm/web/new.qcow2",
                                           .format = "qcow2",
                                           .size = std::uint64_t{8} * 1024 * 1024 * 1024});
}

TEST_CASE("a source mode that is given looks at its own variable first", "[qemu]") {
    const Values both = {{"INSTSRCCDROM", "/a"}, {"DEFAULTINSTSOURCE", "/b"}};
    CHECK(install("CD", both).value().plan.cdrom == "/a");
    CHECK(install("default", both).value().plan.cdrom == "/b");
    CHECK(install("CD", {{"DEFAULTINSTSOURCE", "/b"}}).value().plan.cdrom == "/b");
}

TEST_CASE("a DEFAULTINSTMODE that says nothing of use stops a call that needs it only", "[qemu]") {
    const auto text =
        GENERATE(as<std::string>{}, "tape", "CD%/iso/a.iso", "CD%default%USB%/dev/sdg");
    CAPTURE(text);

    CHECK(install("CD%/a", {{"DEFAULTINSTMODE", text}}));
    CHECK(why_not(install("", {{"DEFAULTINSTMODE", text}, {"DEFAULTINSTSOURCE", "/a"}}))
              .starts_with("DEFAULTINSTMODE: "));
}

TEST_CASE("the default source of another mode is not taken", "[qemu]") {
    CHECK(why_not(install("FDD", {{"DEFAULTINSTSOURCE", "/dev/cdrom"}})) ==
          "INSTMODE: no FDD is named; INSTSRCFDD=, FDDIMAGE=, FDA= of the configuration or "
          "FDD%<path> does");
}

TEST_CASE("a source that nothing names is refused with all that would name it", "[qemu]") {
    CHECK(why_not(install("")) ==
          "INSTMODE: no CD is named; DEFAULTINSTSOURCE=, INSTSRC=, INSTSRCCDROM=, INSTCDROM=, "
          "INSTSRCDVD= of the configuration or CD%<path> does");
    CHECK(why_not(install("HDD%none", {}, diskless())) ==
          "INSTMODE: no HDD is named; HDDBOOTIMAGE= of the configuration or HDD%<path> does");
}

TEST_CASE("the source none of a floppy is the floppy image of the configuration", "[qemu]") {
    const Values values = {{"INSTSRCFDD", "/dev/fd0"}, {"FDDIMAGE", "dos.img"}};

    const auto none = install("FDD%none%USB%/dev/sdg%init", values).value();

    CHECK(none.plan.floppies == std::vector<Floppy>{{"/vm/web/dos.img", true}});
    CHECK(none.files == std::vector<NeededFile>{{"FDDIMAGE", "/vm/web/dos.img", false}});
    CHECK(none.plan.boot == Disk{.file = "/dev/sdg"});
    CHECK(none.plan.boot_order == "a");
    CHECK(none.target->stage == Stage::Init);
    CHECK(install("FDD%default%USB%/dev/sdg%init", values).value().plan.floppies ==
          std::vector<Floppy>{{"/dev/fd0", true}});
}

TEST_CASE("a source is not written, a target of its kind is a drive of its own", "[qemu]") {
    const auto disks = install("HDD%/old.img%HDD%default%none").value();
    const auto stick = install("USB%/dev/sdb%HDD%default%none").value();
    const auto floppies = install("FDD%/a.img%FDD%/b.img%INIT").value();

    CHECK(disks.plan.more_disks == std::vector<Disk>{{.file = "/old.img", .source = true}});
    CHECK(disks.files == std::vector<NeededFile>{{"INSTMODE", "/old.img", false}});
    CHECK(disks.plan.boot == configured().boot);
    CHECK(disks.plan.boot_order == "c");
    CHECK(stick.plan.more_disks == std::vector<Disk>{{.file = "/dev/sdb", .source = true}});
    CHECK(floppies.plan.floppies == std::vector<Floppy>{{"/a.img", true}, {"/b.img"}});
    CHECK(floppies.target->size == 1474560);
}

TEST_CASE("an installation onto a floppy leaves the VM's disk alone", "[qemu]") {
    const auto decision = install("CD%/a.iso%FDD%/b.img%INIT").value();

    CHECK_FALSE(decision.plan.boot);
    CHECK(decision.plan.floppies == std::vector<Floppy>{{"/b.img"}});
    CHECK(decision.plan.boot_order == "d");
}

TEST_CASE("an installation from a network needs no source", "[qemu]") {
    const auto decision = install("PXE%default%HDD%default%INIT",
                                  {{"DEFAULTINSTMODE", "PXE"}, {"DEFAULTINSTSOURCE", "/dev/cdrom"}})
                              .value();

    CHECK(decision.plan.boot_order == "n");
    CHECK(decision.files.empty());
    CHECK(decision.target->file == "/vm/web/hda.img");
}

TEST_CASE("a stick that the configuration names is never the VM's own disk", "[qemu]") {
    const auto own = GENERATE(as<std::string>{}, "hda.img", "./hda.img", "/vm//web/hda.img");
    CAPTURE(own);

    CHECK(why_not(install("CD%/a%USB%default%INIT", {{"DEFAULTINSTTARGET", own}})) ==
          "INSTMODE: the target USB of DEFAULTINSTTARGET= is the VM's own disk; USB%<path> names a "
          "stick");
    CHECK(install("CD%/a%USB", {{"DEFAULTINSTTARGET", "/dev/sdg"}}).value().target->device_only);
    CHECK_FALSE(install("CD%/a%USB%/dev/sdg").value().target->device_only);
    CHECK_FALSE(install("CD%/a%HDD", {{"DEFAULTINSTTARGET", own}}).value().target->device_only);
}

TEST_CASE("an odd text of the configured disk keeps its format", "[qemu]") {
    auto plan = configured();
    plan.boot->format = "qcow2";

    CHECK(boot("HDD%./hda.img", {}, plan).value().plan.boot->format == "qcow2");
    CHECK(install("CD%/a%HDD%.//hda.img", {}, plan).value().target->format == "qcow2");
}

TEST_CASE("storage is decided without its source, which it is not either", "[qemu]") {
    const auto storage = [](std::string_view mode, Values values = {}) {
        return decide_storage(
            configured(), parse_install_mode(mode).value(), {"/vm/web", std::move(values)});
    };

    CHECK(storage("").value().target->file == "/vm/web/hda.img");
    CHECK(storage("", {{"DEFAULTINSTMODE", "tape"}}).value().files.empty());
    CHECK(storage("CD%/a.iso").value().files ==
          std::vector<NeededFile>{{"INSTMODE", "/a.iso", false}});
    CHECK(why_not(storage("HDD%none%HDD")) ==
          "INSTMODE: /vm/web/hda.img is source and target in one");
}

TEST_CASE("DEFAULTBOOTMODE boots what it names, and a disk as ever", "[qemu]") {
    const auto by_default = [](Values values) {
        return decide_default_boot(configured(), {"/vm/web", std::move(values)});
    };
    const BootDecision as_ever{.plan = configured(), .files = {own_disk}};

    CHECK(by_default({}) == as_ever);
    CHECK(by_default({{"DEFAULTBOOTMODE", "HDD"}}) == as_ever);
    CHECK(by_default({{"DEFAULTBOOTMODE", "cd"}, {"INSTSRCCDROM", "/a"}}).value().plan.cdrom ==
          "/a");
    CHECK(why_not(by_default({{"DEFAULTBOOTMODE", "CD"}}))
              .starts_with("DEFAULTBOOTMODE: no CD is named"));
    CHECK(why_not(by_default({{"DEFAULTBOOTMODE", "CDD"}}))
              .starts_with("DEFAULTBOOTMODE: BOOTMODE, column 1"));
}

TEST_CASE("a stage of one's own reaches the target as it was typed", "[qemu]") {
    const auto target = install("CD%/a%HDD%default%Post").value().target;

    CHECK(target->stage == Stage::Custom);
    CHECK(target->custom == "Post");
}

TEST_CASE("an installation that cannot be is refused with the reason", "[qemu]") {
    CHECK(why_not(install("CD%/a%HDD", {}, diskless())) ==
          "INSTMODE: no target HDD is named; DEFAULTINSTTARGET=, INSTTARGET= of the configuration "
          "or HDD%<path> does");
    CHECK(why_not(install("CD%/a%USB")) ==
          "INSTMODE: no target USB is named; DEFAULTINSTTARGET=, INSTTARGET= of the configuration "
          "or USB%<path> does");
    CHECK(why_not(install("HDD%none%HDD")) ==
          "INSTMODE: /vm/web/hda.img is source and target in one");
    CHECK(why_not(install("CD%/a%HDD", {{"HDDBOOTIMAGE_INST_SIZE", "big"}})) ==
          "HDDBOOTIMAGE_INST_SIZE: \"big\" is not a size such as 8G");
    CHECK(why_not(install("", {{"DEFAULTINSTMODE", "tape"}})) ==
          "DEFAULTINSTMODE: INSTMODE, column 1, source mode: \"tape\" is not CD, DVD, FDD, HDD, "
          "VHDD, USB, PXE or default");
    CHECK(why_not(install("HDD%./hda.img%HDD%default%INIT")) ==
          "INSTMODE: /vm/web/hda.img is source and target in one");
    CHECK(why_not(install("", {{"DEFAULTINSTMODE", "CD%/a"}})) ==
          "DEFAULTINSTMODE: \"CD%/a\" has more parts than the source mode; DEFAULTINSTSOURCE= and "
          "DEFAULTINSTTARGET= name the paths");
    auto plan = configured();
    plan.snapshot = true;
    CHECK(why_not(install("CD%/a", {}, plan)) ==
          "INSTMODE: SNAPSHOT=yes would throw away what is installed");
}

TEST_CASE("a decision is a command line of QEMU 7.2", "[qemu]") {
    const auto decision = install("FDD%none%USB%/dev/sdg%init", {{"FDA", "/dos.img"}}).value();

    const auto argv = assemble(decision.plan).value();

    CHECK(std::vector<std::string>(argv.end() - 6, argv.end()) ==
          std::vector<std::string>{"-drive",
                                   "file=/dos.img,format=raw,if=floppy,readonly=on",
                                   "-boot",
                                   "order=a",
                                   "-drive",
                                   "file=/dev/sdg,format=raw,if=ide"});
}

TEST_CASE("a kernel of the call replaces what is given of the configured one", "[qemu]") {
    auto plan = configured();
    plan.kernel = "/k";
    plan.initrd = "/i";
    plan.append = "quiet";
    const MediaVariables variables{"/vm/web", {}};

    auto changed = plan;
    changed.kernel = "/vm/web/vmlinuz";
    CHECK(decide_kernel(plan, {.kernel = "vmlinuz"}, variables) == changed);
    changed = plan;
    changed.append = "debug";
    CHECK(decide_kernel(plan, {.append = "debug"}, variables) == changed);
    CHECK(decide_kernel(configured(), {.initrd = "/i"}, variables).error().message ==
          "KERNEL: no kernel is named; KERNELIMAGE= of the configuration or a path does");
}

TEST_CASE("INIT creates, fills, keeps or refuses a target, and empties it by force only",
          "[qemu]") {
    const InstallTarget init{.file = "/vm/hda.img", .stage = Stage::Init};
    const TargetFacts absent{};
    const TargetFacts without_a_byte{.exists = true, .blank = true};
    const TargetFacts blank{.exists = true, .blank = true, .file_size = 512};
    const TargetFacts full{.exists = true, .file_size = 512};

    CHECK(decide_preparation(init, absent, false) == Preparation::Create);
    CHECK(decide_preparation(init, without_a_byte, false) == Preparation::Fill);
    CHECK(decide_preparation(init, blank, false) == Preparation::Nothing);
    CHECK(decide_preparation(init, full, true) == Preparation::Empty);
    const auto refused = decide_preparation(init, full, false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Conflict);
    CHECK(refused.error().message == "INIT would destroy what /vm/hda.img holds; --force does so, "
                                     "the stage none keeps it");
}

TEST_CASE("an image that is emptied keeps its size unless one is configured", "[qemu]") {
    InstallTarget target{.file = "/vm/a.qcow2", .size = 8000, .stage = Stage::Init};
    const TargetFacts facts{.exists = true, .file_size = 200, .size = 4000};

    CHECK(size_of_preparation(target, facts, Preparation::Empty) == 4000);
    CHECK(size_of_preparation(target, facts, Preparation::Fill) == 8000);
    CHECK(size_of_preparation(target, {}, Preparation::Create) == 8000);
    target.size_given = true;
    CHECK(size_of_preparation(target, facts, Preparation::Empty) == 8000);
}

TEST_CASE("a stick that the configuration names is a block device", "[qemu]") {
    const InstallTarget target{.file = "/vm/a.img", .stage = Stage::Init, .device_only = true};

    const auto file = decide_preparation(target, {.exists = true, .file_size = 1}, true);
    const auto absent = decide_preparation(target, {}, true);

    REQUIRE_FALSE(file);
    CHECK(file.error().code == ErrorCode::Usage);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().code == ErrorCode::NotFound);
    CHECK(decide_preparation(target, {.exists = true, .device = true}, true) == Preparation::Empty);
}

TEST_CASE("no other stage than INIT touches a target, whatever is forced", "[qemu]") {
    const auto stage = GENERATE(Stage::Keep, Stage::Custom);
    const InstallTarget target{.file = "/vm/hda.img", .stage = stage};

    CHECK(decide_preparation(target, {.exists = true}, true) == Preparation::Nothing);
    const auto absent = decide_preparation(target, {}, true);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().code == ErrorCode::NotFound);
    CHECK(absent.error().message ==
          "the target /vm/hda.img does not exist; the stage INIT creates it");
}

TEST_CASE("INIT makes no device", "[qemu]") {
    const InstallTarget target{.file = "/dev/sdg", .stage = Stage::Init};

    CHECK(decide_preparation(target, {.device_folder = true}, true).error().message ==
          "the target /dev/sdg does not exist");
}
