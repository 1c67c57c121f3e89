#include "mesh/qemu/kvm_note.h"

#include <catch2/catch.hpp>

#include <limits>

using namespace ctys::qemu;

TEST_CASE("a note about KVM comes back from its text", "[qemu]") {
    const KvmNote usable{
        .usable = true, .why = "up in 0.1 s", .binaries = {"/usr/bin/q", "/opt/q"}};
    const KvmNote unusable{.usable = false, .why = "no /dev/kvm", .binaries = {}};

    CHECK(parse_kvm_note(to_text(usable)) == usable);
    CHECK(parse_kvm_note(to_text(unusable)) == unusable);
}

TEST_CASE("a note tells in which boot it was made", "[qemu]") {
    const auto boot = ctys::BootId::parse("11111111-2222-4333-8444-555555555555").value();
    const KvmNote note{.boot = boot, .usable = true, .why = "up", .binaries = {"/usr/bin/q"}};

    CHECK(to_text(note) == "usable\nup\nboot 11111111-2222-4333-8444-555555555555\n/usr/bin/q\n");
    CHECK(parse_kvm_note(to_text(note)) == note);
    CHECK(parse_kvm_note("usable\nup\nboot last\n/q\n").value().boot.is_none());
}

TEST_CASE("a note tells which builds have run a probe guest", "[qemu]") {
    const KvmNote note{
        .usable = true, .why = "up", .binaries = {"/usr/bin/q", "/opt/q 9"}, .tried = {"/opt/q 9"}};

    CHECK(to_text(note) == "usable\nup\n/usr/bin/q\n/opt/q 9\ntried /opt/q 9\n");
    CHECK(parse_kvm_note(to_text(note)) == note);
    CHECK(parse_kvm_note("usable\nup\n/q\n").value().tried.empty());
    CHECK(
        parse_kvm_note("usable\nup\n/q\ntried\ntried \ntried q\nTRIED /q\n").value().tried.empty());
}

TEST_CASE("a note tells the versions of builds", "[qemu]") {
    const KvmNote note{.usable = false,
                       .why = "no /dev/kvm",
                       .binaries = {},
                       .builds = {{"/usr/bin/q", {1, 2, 3, 4}, {7, 2}},
                                  {"/opt/qemu 9/bin/q", {2049, 5, 6, -7}, {10, 0}}}};

    CHECK(to_text(note) == "unusable\nno /dev/kvm\n"
                           "build 7.2 1 2 3 4 /usr/bin/q\n"
                           "build 10.0 2049 5 6 -7 /opt/qemu 9/bin/q\n");
    CHECK(parse_kvm_note(to_text(note)) == note);
}

TEST_CASE("a noted version is that of the file as it was", "[qemu]") {
    const KvmNote note{.usable = false,
                       .why = {},
                       .binaries = {},
                       .builds = {{"/a", {1, 2, 3, 4}, {7, 2}}, {"/b", {1, 5, 3, 4}, {9, 2}}}};

    CHECK(noted_version(note, {1, 2, 3, 4}) == QemuVersion{7, 2});
    CHECK(noted_version(note, {1, 5, 3, 4}) == QemuVersion{9, 2});
    for (const FileStamp& other : {FileStamp{0, 2, 3, 4},
                                   FileStamp{1, 0, 3, 4},
                                   FileStamp{1, 2, 0, 4},
                                   FileStamp{1, 2, 3, 0}}) {
        CHECK_FALSE(noted_version(note, other));
    }
}

TEST_CASE("a stamp tells two files from one another, and one from itself changed", "[qemu]") {
    struct stat facts {};
    facts.st_dev = 1;
    facts.st_ino = 2;
    facts.st_size = 3;
    facts.st_mtim = {.tv_sec = 4, .tv_nsec = 5};

    CHECK(stamp_of(facts) == FileStamp{1, 2, 3, 4'000'000'005});
    facts.st_mtim.tv_sec = std::numeric_limits<time_t>::max();
    CHECK(stamp_of(facts).changed_ns == -999'999'995); // it goes round
    facts.st_mtim = {.tv_sec = -1, .tv_nsec = 0};
    CHECK(stamp_of(facts).changed_ns == -1'000'000'000);
}

TEST_CASE("a note of an agent that knew no versions is read, and its reader reads ours", "[qemu]") {
    CHECK(parse_kvm_note("usable\nx\n/usr/bin/q\n")->builds.empty());
    // It took lines that begin with a slash, and no others.
    CHECK(to_text({.usable = true,
                   .why = "x",
                   .binaries = {"/usr/bin/q"},
                   .builds = {{"/usr/bin/q", {1, 2, 3, 4}, {7, 2}}}}) ==
          "usable\nx\n/usr/bin/q\nbuild 7.2 1 2 3 4 /usr/bin/q\n");
}

TEST_CASE("a line about a build that is not whole is passed over", "[qemu]") {
    const auto line = GENERATE(as<std::string>{},
                               "build",
                               "build ",
                               "build 7.2",
                               "build 7.2 1 2 3 /q",
                               "build 7.2 1 2 3 4",
                               "build 7.2 1 2 3 4 ",
                               "build 7.2 1 2 3 4 q",
                               "build 7.2 1 2 3 4x /q",
                               "build 7.2 1 -2 3 4 /q",
                               "build 7.2  1 2 3 4 /q",
                               "build seven 1 2 3 4 /q",
                               "build 7.2 99999999999999999999 2 3 4 /q",
                               "BUILD 7.2 1 2 3 4 /q");
    CAPTURE(line);

    CHECK(parse_kvm_note("usable\nx\n" + line + "\nbuild 9.2 1 2 3 4 /r\n")->builds ==
          std::vector<EmulatorBuild>{{"/r", {1, 2, 3, 4}, {9, 2}}});
}

TEST_CASE("a note stays within its bounds, whatever it is told", "[qemu]") {
    KvmNote note{.usable = true, .why = "x", .binaries = {"/usr/bin/q"}, .builds = {}};
    for (std::uint64_t i = 0; i < 100; ++i) {
        note.builds.push_back({"/" + std::string(2000, 'q'), {1, i, 3, 4}, {7, 2}});
    }

    const auto text = to_text(note);

    CHECK(text.size() <= max_kvm_note_bytes);
    const auto read = parse_kvm_note(text).value();
    CHECK(read.binaries == note.binaries);
    CHECK(read.builds.size() > 20);

    std::string many = "usable\nx\n";
    for (int i = 0; i < 100; ++i) {
        many += "build 7.2 1 2 3 4 /q\n";
    }
    CHECK(parse_kvm_note(many)->builds.size() == 64);
}

TEST_CASE("what is no note about KVM is refused", "[qemu]") {
    CHECK_FALSE(parse_kvm_note(""));
    CHECK_FALSE(parse_kvm_note("usable"));
    CHECK_FALSE(parse_kvm_note("yes\nwhy\n"));
    CHECK_FALSE(parse_kvm_note("usable\n" + std::string(max_kvm_note_bytes, 'x')));
}

TEST_CASE("a line that is no absolute path is no binary", "[qemu]") {
    CHECK(parse_kvm_note("usable\nx\nq\n/usr/bin/q\n\n")->binaries ==
          std::vector<std::string>{"/usr/bin/q"});
}

TEST_CASE("a reason of several lines stays one", "[qemu]") {
    const KvmNote note{.usable = false, .why = "a\n/usr/bin/evil", .binaries = {}};

    CHECK(parse_kvm_note(to_text(note)) ==
          KvmNote{.usable = false, .why = "a?/usr/bin/evil", .binaries = {}});
}
