#include "mesh/setup/directories.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::setup;

namespace {

DirectoryRequest user_request() {
    return {.home = "/home/u", .xdg_runtime_dir = "/run/user/1000", .user = 1000};
}

} // namespace

TEST_CASE("root keeps its state where services do", "[setup]") {
    DirectoryRequest request{
        .home = "/root", .xdg_state_home = "/root/x", .xdg_runtime_dir = "/run/user/0", .user = 0};
    CHECK(choose_directories(request).value() == Directories{"/var/lib/ctys", "/run/ctys"});
}

TEST_CASE("a user's directories follow the base directory specification", "[setup]") {
    auto request = user_request();
    CHECK(choose_directories(request).value() ==
          Directories{"/home/u/.local/state/ctys", "/run/user/1000/ctys"});

    request.xdg_state_home = "/data/state/";
    request.xdg_runtime_dir = "";
    CHECK(choose_directories(request).value() ==
          Directories{"/data/state/ctys", "/run/user/1000/ctys"});

    request.xdg_state_home = "relative";
    request.xdg_runtime_dir = "relative";
    CHECK(choose_directories(request).value() ==
          Directories{"/home/u/.local/state/ctys", "/run/user/1000/ctys"});
}

TEST_CASE("a home on a network file system holds no state", "[setup]") {
    auto request = user_request();
    request.home_is_remote = true;
    CHECK(choose_directories(request)->state == "/var/tmp/ctys-1000");
}

TEST_CASE("flags win over variables, and variables over defaults", "[setup]") {
    auto request = user_request();
    request.state_variable = "/v/state";
    request.runtime_variable = "/v/run/";
    CHECK(choose_directories(request)->state == "/v/state");

    request.state_flag = "/f/../f/state";
    CHECK(choose_directories(request)->state == "/f/state");
    CHECK(choose_directories(request)->runtime == "/v/run/");
}

TEST_CASE("a relative directory is a usage error that names where it was given", "[setup]") {
    auto request = user_request();
    request.runtime_variable = "run";

    const auto chosen = choose_directories(request);

    REQUIRE_FALSE(chosen);
    CHECK(chosen.error().code == ErrorCode::Usage);
    CHECK(chosen.error().message == "CTYS_RUNTIME_DIR is run, which is not an absolute path");
}

TEST_CASE("without a home the state directory must be given", "[setup]") {
    DirectoryRequest request{.user = 1000};
    CHECK(choose_directories(request).error().code == ErrorCode::Usage);
    request.state_flag = "/s";
    CHECK(choose_directories(request)->state == "/s");
}

TEST_CASE("a socket path has at most 107 bytes", "[setup]") {
    CHECK(check_socket_path("/" + std::string(106, 'x')));
    const auto checked = check_socket_path("/" + std::string(109, 'x'));
    REQUIRE_FALSE(checked);
    CHECK_THAT(checked.error().message,
               Catch::Contains("3 bytes too long") && Catch::Contains("--runtime-dir"));
}
