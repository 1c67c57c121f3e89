#include "agent/survey/survey_cache.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;

namespace {

constexpr WallTime noon{1'772'373'600'000'000};
constexpr WallTime later = {noon.us + 1'000'000};

FileKey key() {
    return {.path = "/opt/qemu/bin/qemu-system-arm",
            .device = 2049,
            .inode = 4711,
            .size = 18'000'000,
            .changed_ns = 1'700'000'000'123'456'789};
}

Description works() {
    return {.path = key().path, .arch = "arm", .version = "7.2.22", .machines = {"virt"}};
}

Description fails() {
    return {.path = key().path, .problem = "ended with status 1"};
}

const SurveyCache::Trials trials{{.name = "tcg", .usable = true, .why = "up"},
                                 {.name = "kvm", .usable = true, .why = "up, too"},
                                 {"/opt/q/bin/qemu-system-x86_64"},
                                 {"/usr/bin/qemu-system-x86_64"}};

/// As the next life reads it.
SurveyCache reread(const SurveyCache& cache) {
    return SurveyCache::parse(cache.to_text());
}

} // namespace

TEST_CASE("what was kept is found in the next life", "[survey]") {
    SurveyCache cache;
    cache.keep(key(), works(), noon);

    CHECK(reread(cache).find(key(), later) == works());
}

TEST_CASE("a file that changed in any part is another one", "[survey]") {
    SurveyCache cache;
    cache.keep(key(), works(), noon);
    auto other = key();
    SECTION("path") {
        other.path += "x";
    }
    SECTION("device") {
        ++other.device;
    }
    SECTION("inode") {
        ++other.inode;
    }
    SECTION("size") {
        ++other.size;
    }
    SECTION("time") {
        ++other.changed_ns;
    }

    CHECK_FALSE(reread(cache).find(other, later));
}

TEST_CASE("a failure is believed for an hour, a success for ever", "[survey]") {
    SurveyCache cache;
    cache.keep(key(), fails(), noon);
    CHECK(cache.find(key(), later));
    CHECK_FALSE(cache.find(key(), noon + SurveyCache::failure_life));
    CHECK_FALSE(cache.find(key(), noon - std::chrono::seconds{1})); // the clock was set back

    cache.keep(key(), works(), noon);
    CHECK(cache.find(key(), noon + 1000 * SurveyCache::failure_life));
}

TEST_CASE("what a whole survey did not meet is forgotten", "[survey]") {
    SurveyCache cache;
    cache.keep(key(), works(), noon);
    auto next = reread(cache);

    CHECK(next.to_text().empty());
    static_cast<void>(next.find(key(), later));
    CHECK(next.to_text() == cache.to_text());
}

TEST_CASE("trials that do not tell with which builds they were made are made again", "[survey]") {
    const auto cache =
        SurveyCache::parse("{\"at_us\":1772373600000000,\"circumstances\":\"here\","
                           "\"tcg\":{\"name\":\"tcg\",\"usable\":true,\"why\":\"\"},"
                           "\"kvm\":{\"name\":\"kvm\",\"usable\":true,\"why\":\"\"}}\n");

    CHECK_FALSE(cache.find_trials("here", later));
}

TEST_CASE("trials are found under the circumstances they were made in", "[survey]") {
    SurveyCache cache;
    cache.keep_trials("here", trials, noon);

    const auto next = reread(cache);
    CHECK(next.find_trials("here", later) == trials);
    CHECK_FALSE(next.find_trials("elsewhere", later));
    CHECK_FALSE(SurveyCache{}.find_trials("", later));
}

TEST_CASE("a KVM that failed is tried again after an hour", "[survey]") {
    auto failed = trials;
    failed.kvm.usable = false;
    SurveyCache cache;
    cache.keep_trials("here", failed, noon);

    CHECK(cache.find_trials("here", later) == failed);
    CHECK_FALSE(cache.find_trials("here", noon + SurveyCache::failure_life));
}

TEST_CASE("a damaged cache loses the damaged lines only", "[survey]") {
    SurveyCache cache;
    cache.keep(key(), works(), noon);
    const auto text = cache.to_text();

    auto damaged =
        SurveyCache::parse("\x00\xff\n[]\n{}\n{\"emulator\":{}}\n{\"circumstances\":1}\n" +
                           text.substr(0, text.size() / 2) + "\n" + text);
    CHECK(damaged.find(key(), later) == works());
    CHECK_FALSE(SurveyCache::parse(text.substr(0, text.size() / 2)).find(key(), later));
}
