#include "mesh/store/environment.h"
#include "mesh/store/keys.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::store;

namespace {

constexpr EnvironmentOptions lazy{.durability = Durability::Lazy};

Status put_number(Environment& environment, Table table, std::uint64_t number, Bytes value = {}) {
    return environment.write([&](WriteTransaction& transaction) {
        return transaction.put(table, sequence_key(number), value);
    });
}

std::size_t count(const Environment& environment, Table table) {
    return environment
        .read([&](const ReadTransaction& transaction) -> Result<std::size_t> {
            return transaction.count(table);
        })
        .value();
}

/// Files of this process below a directory, with their close-on-exec flag.
std::set<std::pair<std::string, bool>> open_files_below(const std::string& directory) {
    std::set<std::pair<std::string, bool>> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
        if (gone || !target.starts_with(directory)) continue;
        const int flags = ::fcntl(std::stoi(entry.path().filename()), F_GETFD);
        found.emplace(target, (flags & FD_CLOEXEC) != 0);
    }
    return found;
}

/// Lowers the file size limit, as a full disk would; without the signal.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit lowered{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &lowered);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    void (*handler_)(int);
    rlimit before_{};
};

} // namespace

TEST_CASE("what was written is there after the store is opened again", "[store]") {
    const support::TemporaryDirectory directory;
    {
        auto environment = Environment::open(directory / "db").value();
        const auto table = environment.open_table("t").value();
        REQUIRE(put_number(environment, table, 7, bytes_of("seven")));
    }
    auto environment = Environment::open(directory / "db").value();
    const auto table = environment.open_table("t").value();

    const auto text =
        environment.read([&](const ReadTransaction& transaction) -> Result<std::string> {
            return std::string(text_of(*transaction.get(table, sequence_key(7))));
        });

    CHECK(text.value() == "seven");
}

TEST_CASE("a write that fails or throws changes nothing", "[store]") {
    const support::TemporaryDirectory directory;
    auto environment = Environment::open(directory / "db", lazy).value();
    const auto table = environment.open_table("t").value();

    const auto failed = environment.write([&](WriteTransaction& transaction) -> Status {
        if (auto put = transaction.put(table, sequence_key(1), {}); !put) return put;
        return fail(ErrorCode::Refused, "no");
    });
    CHECK(failed.error().code == ErrorCode::Refused);
    CHECK_THROWS_AS(environment.write([&](WriteTransaction& transaction) -> Status {
        if (auto put = transaction.put(table, sequence_key(2), {}); !put) return put;
        throw std::runtime_error("fault");
    }),
                    std::runtime_error);

    CHECK(count(environment, table) == 0);
    CHECK(put_number(environment, table, 3));
}

TEST_CASE("a full map is a storage error and leaves the environment usable", "[store]") {
    const support::TemporaryDirectory directory;
    auto environment =
        Environment::open(directory / "db", {.map_size = 1 << 20, .durability = Durability::Lazy})
            .value();
    const auto table = environment.open_table("t").value();
    REQUIRE(put_number(environment, table, 0));
    const std::string big(4000, 'z');

    const auto filled = environment.write([&](WriteTransaction& transaction) -> Status {
        for (std::uint64_t i = 1; i < 10'000; ++i) {
            auto put = transaction.put(table, sequence_key(i), bytes_of(big));
            if (!put) break; // even when the callable forgets the error, write() does not
        }
        return {};
    });

    REQUIRE_FALSE(filled);
    CHECK(filled.error().code == ErrorCode::Storage);
    CHECK_THAT(filled.error().message, Catch::Contains("map size"));
    CHECK(count(environment, table) == 1);
    CHECK(put_number(environment, table, 1, bytes_of(big)));
    CHECK(count(environment, table) == 2);
}

TEST_CASE("a disk without room is a storage error until there is room again", "[store]") {
    const support::TemporaryDirectory directory;
    auto environment = Environment::open(directory / "db").value();
    const auto table = environment.open_table("t").value();
    REQUIRE(put_number(environment, table, 1));
    const std::string big(100'000, 'z');

    Status refused;
    {
        const FileSizeLimit limit(std::filesystem::file_size(directory / "db/data.mdb"));
        refused = put_number(environment, table, 2, bytes_of(big));
    }

    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Storage);
    CHECK(count(environment, table) == 1);
    CHECK(put_number(environment, table, 2, bytes_of(big)));
    CHECK(count(environment, table) == 2);
}

TEST_CASE("children inherit no file of the store", "[store]") {
    const support::TemporaryDirectory directory;
    auto environment = Environment::open(directory / "db").value();
    REQUIRE(environment.open_table("t"));

    const auto files = open_files_below(directory.path());

    CHECK(files.contains({directory / "db/data.mdb", true}));
    for (const auto& [name, closes_on_exec] : files) {
        CAPTURE(name);
        CHECK(closes_on_exec);
    }
}

TEST_CASE("a store has one owner, and readers beside it", "[store]") {
    const support::TemporaryDirectory directory;
    auto owner = Environment::open(directory / "db", lazy).value();
    const auto table = owner.open_table("t").value();
    REQUIRE(put_number(owner, table, 1));

    const auto second = Environment::open(directory / "db", lazy);

    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::Conflict);
    // LMDB forbids opening one environment twice in a process, so the reader is a child.
    const auto child = ::fork();
    if (child == 0) {
        auto reader = Environment::open(directory / "db", {.access = Access::Reader});
        if (!reader) ::_exit(1);
        auto opened = reader->open_table("t");
        ::_exit(opened && count(*reader, *opened) == 1 &&
                        reader->open_table("none").error().code == ErrorCode::NotFound
                    ? 0
                    : 2);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("reads may be nested and see one moment each", "[store]") {
    const support::TemporaryDirectory directory;
    auto environment = Environment::open(directory / "db", lazy).value();
    const auto table = environment.open_table("t").value();
    REQUIRE(put_number(environment, table, 1));

    REQUIRE(environment.read([&](const ReadTransaction& outer) -> Status {
        REQUIRE(put_number(environment, table, 2));
        int seen = 0;
        outer.scan(table, {}, [&](Bytes, Bytes) {
            outer.scan(table, {}, [&](Bytes, Bytes) { return ++seen > 0; });
            return true;
        });
        CHECK(seen == 1);
        CHECK(count(environment, table) == 2);
        return {};
    }));
    CHECK(count(environment, table) == 2);
}

TEST_CASE("appending out of order is a conflict that the transaction survives", "[store]") {
    const support::TemporaryDirectory directory;
    auto environment = Environment::open(directory / "db", lazy).value();
    const auto table = environment.open_table("t").value();

    REQUIRE(environment.write([&](WriteTransaction& transaction) -> Status {
        REQUIRE(transaction.put_append(table, sequence_key(5), bytes_of("a"), bytes_of("b")));
        CHECK(transaction.put_append(table, sequence_key(5), {}).error().code ==
              ErrorCode::Conflict);
        CHECK(transaction.put_append(table, sequence_key(4), {}).error().code ==
              ErrorCode::Conflict);
        CHECK(text_of(*transaction.get(table, sequence_key(5))) == "ab");
        return transaction.put_append(table, sequence_key(6), {});
    }));
    CHECK(count(environment, table) == 2);
}

TEST_CASE("a compact copy opens as a store of its own", "[store]") {
    const support::TemporaryDirectory directory;
    auto environment = Environment::open(directory / "db", lazy).value();
    const auto table = environment.open_table("t").value();
    for (std::uint64_t i = 0; i < 20; ++i) {
        REQUIRE(put_number(environment, table, i, bytes_of("value")));
    }

    REQUIRE(environment.copy_compact_to(directory / "copy"));
    const auto again = environment.copy_compact_to(directory / "copy");

    REQUIRE_FALSE(again);
    CHECK(again.error().code == ErrorCode::Conflict);
    auto copy = Environment::open(directory / "copy", lazy).value();
    CHECK(count(copy, copy.open_table("t").value()) == 20);
}

TEST_CASE("usage grows with the pages and is high from 70 percent on", "[store]") {
    const support::TemporaryDirectory directory;
    auto environment =
        Environment::open(directory / "db", {.map_size = 1 << 20, .durability = Durability::Lazy})
            .value();
    const auto table = environment.open_table("t").value();
    CHECK_FALSE(environment.usage().is_high());

    REQUIRE(put_number(environment, table, 1, bytes_of(std::string(750 << 10, 'x'))));

    CHECK(environment.usage().map_size == 1 << 20);
    CHECK(environment.usage().percent() >= 70);
    CHECK(environment.usage().is_high());
}

TEST_CASE("a writer that is killed loses nothing it has acknowledged", "[store]") {
    const support::TemporaryDirectory directory;
    int acknowledged[2] = {-1, -1};
    REQUIRE(::pipe(acknowledged) == 0);
    const auto child = ::fork();
    if (child == 0) {
        auto environment = Environment::open(directory / "db");
        auto table = environment->open_table("t");
        for (std::uint64_t i = 1;; ++i) {
            if (!put_number(*environment, *table, i, bytes_of(std::string(300, 'v')))) ::_exit(1);
            if (::write(acknowledged[1], &i, sizeof i) != sizeof i) ::_exit(1);
        }
    }
    ::close(acknowledged[1]);
    std::uint64_t last = 0;
    while (last < 40) {
        REQUIRE(::read(acknowledged[0], &last, sizeof last) == sizeof last);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    std::uint64_t more = 0;
    while (::read(acknowledged[0], &more, sizeof more) == sizeof more) {
        last = more;
    }
    ::close(acknowledged[0]);

    auto environment = Environment::open(directory / "db").value();
    const auto table = environment.open_table("t").value();
    const auto found = count(environment, table);
    CHECK(found >= last);
    CHECK(found <= last + 1); // committed, but killed before it could say so
    CHECK(put_number(environment, table, last + 10));
}
