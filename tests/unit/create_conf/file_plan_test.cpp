#include "tests/unit/create_conf/samples.h"
#include "tools/create_conf/file_plan.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::conf;
using namespace ctys::testing;

namespace {

std::vector<NewFile> two_files() {
    return {{.name = "web.sh", .bytes = "new", .executable = true},
            {.name = "web.ctys", .bytes = "new"}};
}

FilePlan plan_of(const Found& found, const Wishes& wishes = {}, Pairs given = {}) {
    auto plan = plan_files(
        settings_of("web", given), "/vm/web", wishes, two_files(), found, sample_stamp());
    if (!plan) FAIL(plan.error().message);
    return *plan;
}

} // namespace

TEST_CASE("in an empty directory everything is made", "[create_conf]") {
    const auto plan = plan_of({});

    CHECK(plan.files == two_files());
    CHECK(plan.retired.empty());
    CHECK(plan.image == qemu::InstallTarget{.key = "HDDBOOTIMAGE",
                                            .file = "/vm/web/hda.img",
                                            .format = "raw",
                                            .size = 8ULL << 30});
}

TEST_CASE("what was there before steps aside, its configuration ignored", "[create_conf]") {
    const Found found{.texts = {{"web.ctys", "old\n"}, {"web.sh", "old"}},
                      .names = {"web.ctys", "web.sh", "web.sh.20261130115012"}};

    const auto plan = plan_of(found);

    CHECK(plan.retired == std::vector<Retired>{
                              {"web.sh", "web.sh.20261130115012.2", std::nullopt},
                              {"web.ctys", "web.ctys.20261130115012", "#@#MAGICID-IGNORE\nold\n"}});
}

TEST_CASE("a file that would be the same is left alone", "[create_conf]") {
    const auto plan = plan_of({.texts = {{"web.sh", "new"}}, .names = {"web.sh"}});

    CHECK(plan.the_same == std::vector<std::string>{"web.sh"});
    CHECK(plan.files == std::vector<NewFile>{two_files()[1]});
    CHECK(plan.retired.empty());
}

TEST_CASE("a file that cannot be read as a text steps aside all the same", "[create_conf]") {
    const auto plan = plan_of({.names = {"web.ctys"}});

    CHECK(plan.retired ==
          std::vector<Retired>{{"web.ctys", "web.ctys.20261130115012", std::nullopt}});
}

TEST_CASE("an image that is there is kept, unless a new one is asked for", "[create_conf]") {
    const Found found{.names = {"hda.img"}, .image = true};

    const auto kept = plan_of(found);
    CHECK_FALSE(kept.image);
    CHECK(kept.notes == std::vector<std::string>{"/vm/web/hda.img is there and stays as it is; "
                                                 "--create-image makes a new one"});

    const auto anew = plan_of(found, {.image = Wishes::Image::Anew});
    CHECK(anew.image);
    CHECK(anew.image_kept_as == "/vm/web/hda.img.20261130115012");
}

TEST_CASE("no image is made where none is wanted, and a missing one is named", "[create_conf]") {
    const auto plan = plan_of({}, {.image = Wishes::Image::Never});

    CHECK_FALSE(plan.image);
    CHECK(plan.notes == std::vector<std::string>{
                            "/vm/web/hda.img is not there yet: sh web.sh --initmodeonly makes it"});
}

TEST_CASE("a device is never made anew", "[create_conf]") {
    const auto settings = settings_of("web", {{"HDDBOOTIMAGE", "/dev/vg/web"}});
    const auto plan = plan_files(settings,
                                 "/vm/web",
                                 {.image = Wishes::Image::Anew},
                                 {},
                                 {.image = true, .is_device = true},
                                 sample_stamp());

    CHECK(plan.error().message == "/dev/vg/web is no plain file, --create-image cannot make it");
    CHECK(plan.error().code == ErrorCode::Conflict);
}

TEST_CASE("an image without a balloon takes its room at once", "[create_conf]") {
    CHECK(plan_of({}, {}, {{"HDDBOOTIMAGE_INST_BALLOON", "n"}}).image->preallocated);
}

TEST_CASE("the wrapper of a new VM is the generic one", "[create_conf]") {
    CHECK(wrapper_text().starts_with("#!/bin/bash\n"));
    CHECK(wrapper_text().find("exec \"$CALL\" --config-file \"$CONFIG\"") !=
          std::string_view::npos);
    CHECK(wrapper_text().ends_with("\"${MEDIA[@]}\"\n"));
}
