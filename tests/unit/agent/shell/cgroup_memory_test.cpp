#include "agent/shell/cgroup_memory.h"

#include <catch2/catch.hpp>

using namespace ctys::agent;

TEST_CASE("the counter of killed processes lies in the group of a process", "[agent]") {
    CHECK(oom_counter_of("0::/system.slice/ctys-vm-7.scope\n", "/sys/fs/cgroup") ==
          "/sys/fs/cgroup/system.slice/ctys-vm-7.scope/memory.events");
    // Both versions beside each other: the memory is counted by version 1 there.
    CHECK(oom_counter_of("12:cpu,cpuacct:/a\n4:memory:/vm\n0::/\n", "/sys/fs/cgroup") ==
          "/sys/fs/cgroup/memory/vm/memory.oom_control");
    CHECK(oom_counter_of("1:name=systemd:/a\n", "/sys/fs/cgroup") == std::nullopt);
    CHECK(oom_counter_of("no group\n", "/sys/fs/cgroup") == std::nullopt);
}

TEST_CASE("the number of killed processes is read whole or not at all", "[agent]") {
    CHECK(parse_oom_kills("low 0\noom 3\noom_kill 2\noom_group_kill 1\n") == 2);
    CHECK(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 17\n") == 17);
    CHECK(parse_oom_kills("oom_kill x\n") == std::nullopt);
    CHECK(parse_oom_kills("oom_kill_disable 1\n") == std::nullopt);
    CHECK(parse_oom_kills("") == std::nullopt);
}
