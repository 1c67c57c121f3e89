#include "tests/integration/agent/scanner/pool_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::agent;
using namespace ctys::support;

namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool has_remark(const PoolScan& pool, RemarkKind kind, const std::string& below) {
    return std::any_of(pool.remarks.begin(), pool.remarks.end(), [&](const auto& remark) {
        return remark.kind == kind && remark.below == below;
    });
}

} // namespace

TEST_CASE("a scan finds configurations with the magic and nothing else", "[scanner]") {
    PoolFixture f;
    f.write_vm("web", "#@#UUID = \"91d24b1a-0b2c-4d3e-8f90-0123456789ab\"\n");
    f.write("deep/er/db/db.conf", "#@#MAGICID-QEMU\n");
    f.write("other/other.ctys", "#@#MAGICID-XEN\n");
    f.write("other/notes.txt", "#@#MAGICID-QEMU\n");
    f.write("old/old.ctys", "#@#MAGICID-IGNORE\n#@#MAGICID-QEMU\n");
    f.write("far/far.ctys", fmt::format("{:#<70000}\n#@#MAGICID-QEMU\n", ""));

    f.start_and_scan();

    REQUIRE(f.found.size() == 3);
    CHECK(f.found.at("web/web.ctys").vm.id.to_string() == "91d24b1a-0b2c-4d3e-8f90-0123456789ab");
    CHECK(f.found.at("deep/er/db/db.conf").vm.uuid_derived);
    CHECK(f.found.at("old/old.ctys").ignored);
    CHECK(f.pool.pool.vms == 2);
    CHECK(f.pool.watching);
}

TEST_CASE("the first scan writes a marker, and the next ones keep it", "[scanner]") {
    PoolFixture f;
    f.write_vm("web");

    f.start_and_scan();

    const auto marker = parse_marker(text_of(f.at(".ctys-pool")));
    REQUIRE(marker);
    CHECK(f.pool.pool.id == marker->id);
    CHECK(f.pool.pool.health == PoolHealth::Good);
    CHECK(f.pool.marker.inode == marker->inode);
    const auto& storage = f.found.at("web/web.ctys").path.storage;
    CHECK(storage.pool == marker->id);
    CHECK(storage.below == "web");
    struct stat facts {};
    REQUIRE(::stat(f.at("web").c_str(), &facts) == 0);
    CHECK(storage.inode == facts.st_ino);
    bool done = false;
    f.scanner->scan(f.root(), [&](const Status& status) { done = status.has_value(); });
    f.run_until([&] { return done; });
    CHECK(parse_marker(text_of(f.at(".ctys-pool")))->id == marker->id);
    CHECK(f.pool.pool.id == marker->id);
}

TEST_CASE("the innermost marker names the storage", "[scanner]") {
    PoolFixture f;
    const auto inner = PoolId::parse("11111111-2222-4333-8444-555555555555").value();
    f.write("sub/.ctys-pool", to_text({inner, 0}));
    f.write_vm("sub/x/web");
    f.write("sub/x/web/web.ctys", "#@#MAGICID-QEMU\n");

    f.start_and_scan();

    const auto& storage = f.found.at("sub/x/web/web.ctys").path.storage;
    CHECK(storage.pool == inner);
    CHECK(storage.below == "x/web");
    REQUIRE(f.pool.nested.size() == 1);
    CHECK(f.pool.nested.front().below == "sub");
}

TEST_CASE("a copied marker is told from the one that was written", "[scanner]") {
    PoolFixture f;
    const auto id = PoolId::parse("11111111-2222-4333-8444-555555555555").value();
    f.write(".ctys-pool", to_text({id, 1}));

    f.start_and_scan();

    CHECK(f.pool.pool.id == id);
    CHECK(f.pool.marker.written_inode == 1);
    CHECK(f.pool.pool.health == PoolHealth::Copied);
}

TEST_CASE("a pool that may not be written is scanned without a marker", "[scanner]") {
    if (::geteuid() != 0) return;
    PoolFixture f;
    f.write_vm("web");
    PoolSettings as_nobody;
    as_nobody.uid = 65534;
    as_nobody.gid = 65534;
    std::filesystem::permissions(f.dir.path(), std::filesystem::perms{0755});

    f.start_and_scan(PoolFixture::settings(), as_nobody);

    CHECK(f.pool.pool.id.is_none());
    CHECK(f.pool.pool.health == PoolHealth::ReadOnly);
    CHECK(f.pool.pool.reason.starts_with("no marker"));
    CHECK(f.has("web/web.ctys"));
    CHECK_FALSE(std::filesystem::exists(f.at(".ctys-pool")));
}

TEST_CASE("what may not be read is remarked and the rest is found", "[scanner]") {
    if (::geteuid() != 0) return;
    PoolFixture f;
    f.write_vm("web");
    f.write_vm("secret");
    f.write_vm("closed");
    std::filesystem::permissions(f.at("secret/secret.ctys"), std::filesystem::perms{0600});
    std::filesystem::permissions(f.at("closed"), std::filesystem::perms{0700});
    std::filesystem::permissions(f.dir.path(), std::filesystem::perms{0755});
    PoolSettings as_nobody;
    as_nobody.uid = 65534;
    as_nobody.gid = 65534;

    f.start_and_scan(PoolFixture::settings(), as_nobody);

    CHECK(f.found.size() == 2);
    const auto& secret = f.found.at("secret/secret.ctys");
    CHECK(secret.path.health == PathHealth::Unreadable);
    CHECK(secret.path.health_reason == "secret.ctys: open: Permission denied");
    CHECK_FALSE(secret.path.runnable);
    CHECK(has_remark(f.pool, RemarkKind::Unreadable, "closed"));
}

TEST_CASE("links are never followed and loops are remarked", "[scanner]") {
    PoolFixture f;
    f.write_vm("web");
    std::filesystem::create_directory(f.dir / "outside");
    std::ofstream(f.dir / "outside/x.ctys") << "#@#MAGICID-QEMU\n";
    std::filesystem::create_symlink("..", f.at("web/loop"));
    std::filesystem::create_symlink(f.root(), f.at("web/loop2"));
    std::filesystem::create_symlink(f.dir / "outside", f.at("escape"));
    std::filesystem::create_symlink(f.dir / "outside/x.ctys", f.at("web/x.ctys"));

    f.start_and_scan();

    CHECK(f.found.size() == 1);
    CHECK(has_remark(f.pool, RemarkKind::LinkLoop, "web/loop"));
    CHECK(has_remark(f.pool, RemarkKind::LinkLoop, "web/loop2"));
    CHECK(has_remark(f.pool, RemarkKind::LinkSkipped, "web/x.ctys"));
}

TEST_CASE("a configuration that is a link in a circle is found and not readable", "[scanner]") {
    PoolFixture f;
    f.write_vm("web");
    std::filesystem::create_symlink("loop.ctys", f.at("web/loop.ctys"));
    std::filesystem::create_symlink("web.ctys", f.at("web/straight.ctys"));

    f.start_and_scan();

    CHECK(f.found.size() == 2);
    const auto& path = f.found.at("web/loop.ctys").path;
    CHECK(path.health == PathHealth::Unreadable);
    CHECK(path.health_reason == "loop.ctys: its link leads in a circle");
}

TEST_CASE("a root that had a marker once gets none while it is empty", "[scanner]") {
    PoolFixture f;
    agent::PoolSettings known;
    known.was_marked = true;

    f.start_and_scan(PoolFixture::settings(), known);

    CHECK(f.pool.pool.health == PoolHealth::Missing);
    CHECK_FALSE(std::filesystem::exists(f.at(".ctys-pool")));
}

TEST_CASE("two pools with copies of one marker are both told, until one is removed", "[scanner]") {
    PoolFixture f;
    // Without the inode it was written as, a copy is known by comparison only.
    const auto* marker = "id=11111111-2222-4333-8444-555555555555\ninode=0\n";
    f.write(".ctys-pool", marker);
    f.write("../second/.ctys-pool", marker);
    f.start();
    const auto second = f.dir / "second";
    REQUIRE(f.scanner->add_pool({.root = second}, {}));

    f.run_until([&] {
        return f.pools[second].pool.health == PoolHealth::Copied &&
               f.pools[f.root()].pool.health == PoolHealth::Copied;
    });
    CHECK(f.pools[second].pool.reason.find(f.root()) != std::string::npos);

    std::filesystem::remove(second + "/.ctys-pool");
    f.scanner->scan(second, [](const Status&) {});
    f.run_until([&] {
        return f.pools[second].pool.health == PoolHealth::Good &&
               f.pools[f.root()].pool.health == PoolHealth::Good;
    });
    CHECK(f.pools[second].pool.id != f.pools[f.root()].pool.id);
}

TEST_CASE("directories deeper than the limit are left out with a remark", "[scanner]") {
    PoolFixture f;
    std::string below = "d";
    for (int depth = 1; depth < 40; ++depth) {
        below += "/d";
    }
    f.write(below + "/x.ctys", "#@#MAGICID-QEMU\n");
    f.write_vm("web");

    f.start_and_scan();

    CHECK(f.found.size() == 1);
    REQUIRE(f.pool.remarks.size() == 1);
    CHECK(f.pool.remarks.front().kind == RemarkKind::TooDeep);
    CHECK(f.pool.pool.reason.starts_with("left out d/"));
}

TEST_CASE("huge and binary configurations are found with their problem", "[scanner]") {
    PoolFixture f;
    f.write("big/big.ctys", "#@#MAGICID-QEMU\n" + std::string(10'000'000, 'x'));
    f.write("nul/nul.ctys", std::string("#@#MAGICID-QEMU\n\0\n", 18));
    f.write("nuls/nuls.ctys", std::string(100'000, '\0'));
    f.write("nuls/other.conf", std::string(100'000, '\0'));
    f.write("bad\xff/bad.ctys", "#@#MAGICID-QEMU\n");
    f.write("fifo/keep.txt", "");
    REQUIRE(::mkfifo(f.at("fifo/fifo.ctys").c_str(), 0600) == 0);

    f.start_and_scan();

    REQUIRE(f.found.size() == 3);
    CHECK(f.found.at("nuls/nuls.ctys").path.health == PathHealth::Unreadable);
    CHECK_FALSE(f.found.at("big/big.ctys").path.runnable);
    CHECK(f.found.at("big/big.ctys").warnings.size() == 1);
    CHECK(f.found.at("nul/nul.ctys").path.why_not == "nul.ctys contains NUL bytes");
    CHECK(has_remark(f.pool, RemarkKind::BadName, ""));
}

TEST_CASE("a wrapper that others can write is found and not runnable", "[scanner]") {
    PoolFixture f;
    f.write_vm("web");
    f.write("web/web.sh", "#!/bin/bash\n");
    std::filesystem::permissions(f.at("web/web.sh"), std::filesystem::perms{0775});

    f.start_and_scan();

    CHECK(f.found.at("web/web.ctys").path.wrapper == f.at("web/web.sh"));
    CHECK_FALSE(f.found.at("web/web.ctys").path.runnable);
}

TEST_CASE("one storage is proven by a nonce that is written, read and removed", "[scanner]") {
    PoolFixture f;
    f.start_and_scan();
    const auto nonce = NonceId::parse("11111111-2222-4333-8444-555555555555").value();
    std::vector<bool> answers;
    const auto step = [&](ProofStep what) {
        f.scanner->prove(f.root(), {what, nonce}, [&](const Result<bool>& found) {
            answers.push_back(found.value());
        });
    };

    step(ProofStep::Read);
    step(ProofStep::Write);
    step(ProofStep::Read);
    step(ProofStep::Remove);
    step(ProofStep::Read);
    f.run_until([&] { return answers.size() == 5; });

    CHECK(answers == std::vector<bool>{false, true, true, true, false});
    CHECK_FALSE(std::filesystem::exists(f.at(".ctys-probe")));
}
