#include "tools/legacy/hosts.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools::legacy;

namespace {

const BootId here{Uuid{{1}}};
const BootId there{Uuid{{2}}};

WorkerRecord worker(unsigned char id, std::string name, std::string host, BootId boot = there) {
    WorkerRecord record;
    record.id = WorkerId{Uuid{{id}}};
    record.name = std::move(name);
    record.host = std::move(host);
    record.boot = boot;
    return record;
}

/// Name of the worker, else the exit status.
std::string named(const std::vector<WorkerRecord>& workers, std::string_view host) {
    const OwnMachine own{.boot = here, .host = "lab09.example.org"};
    const auto found = require_host(workers, host, own);
    return found ? (*found)->name : std::to_string(traits(found.error().code).exit_status);
}

} // namespace

TEST_CASE("a host is its worker's name, else its host with or without domain", "[tools][legacy]") {
    const std::vector<WorkerRecord> workers = {worker(1, "lab02", "lab02.example.org"),
                                               worker(2, "w3", "lab03"),
                                               worker(3, "lab04", "lab02"),
                                               worker(4, "w5", "10.0.0.5")};

    CHECK(named(workers, "lab02") == "lab02");
    CHECK(named(workers, "lab02.example.org") == "lab02");
    CHECK(named(workers, "lab03.example.org") == "w3");
    CHECK(named(workers, "w3") == "w3");
    CHECK(named(workers, "10.0.0.5") == "w5");
    CHECK(named(workers, workers[1].id.to_string()) == "w3");
    CHECK(named({worker(1, "w1", "lab02.example.org")}, "lab02") == "w1");
}

TEST_CASE("a host that no worker is on is not found", "[tools][legacy]") {
    const std::vector<WorkerRecord> workers = {worker(1, "lab02", "lab02.example.org"),
                                               worker(2, "w10", "10")};

    CHECK(named(workers, "lab99") == "3");
    CHECK(named(workers, "lab02.elsewhere.org") == "3");
    CHECK(named(workers, "lab0") == "3");
    CHECK(named(workers, "10.0.0.5") == "3");
    CHECK(named({}, "lab02") == "3");
    CHECK(named(workers, "localhost") == "3");
}

TEST_CASE("a host with several workers lists them", "[tools][legacy]") {
    const std::vector<WorkerRecord> workers = {worker(1, "a", "lab02"), worker(2, "b", "lab02")};
    const auto found = require_host(workers, "lab02", {});

    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == ErrorCode::Ambiguous);
    CHECK(found.error().evidence.size() == 2);
}

TEST_CASE("localhost is the worker on this machine, whatever it is called", "[tools][legacy]") {
    const auto host = GENERATE("localhost", "127.0.0.1", "::1");
    const auto other = worker(1, "lab09", "lab09.example.org");

    CHECK(named({other, worker(2, "w1", "x", here)}, host) == "w1");
    CHECK(named({worker(2, "w1", "lab09.example.org", here), worker(3, "box", "box", here)},
                host) == "w1");
    CHECK(named({worker(2, "w1", "lab09.example.org", here),
                 worker(3, "lab09", "lab09.example.org", here)},
                host) == "lab09");
    CHECK(named({worker(2, "w1", "lab09.example.org", here),
                 worker(3, "w2", "lab09.example.org", here)},
                host) == "4");
}

TEST_CASE("a worker is named to the broker by its id where its name is not its own",
          "[tools][legacy]") {
    const std::vector<WorkerRecord> workers = {
        worker(1, "a", "x"), worker(2, "a", "y"), worker(3, "b", "z")};

    CHECK(handle_of(workers[2], workers) == "b");
    CHECK(handle_of(workers[0], workers) == workers[0].id.to_string());
}
