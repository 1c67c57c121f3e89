// What LMDB alone makes durable: the records of a broker's store, put again by hand. Each event is
// its journal record and the record of one instance; each batch also has one worker record and
// ends with a synchronous commit.
//
//     bench_bare_puts count SOURCE             transactions committed so far
//     bench_bare_puts put SOURCE TARGET EVENTS BATCH
#include <lmdb.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Row = std::pair<std::string, std::string>;

void check(int code) {
    if (code != 0) throw std::runtime_error(mdb_strerror(code));
}

MDB_env* open(const char* folder, unsigned flags) {
    MDB_env* env = nullptr;
    check(mdb_env_create(&env));
    check(mdb_env_set_maxdbs(env, 32));
    check(mdb_env_set_mapsize(env, std::size_t{16} << 30U));
    check(mdb_env_open(env, folder, flags, 0600));
    return env;
}

/// All rows of a table, or the `last` ones of one whose keys are numbers.
std::vector<Row> rows(MDB_env* env, const char* name, std::size_t last) {
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn));
    MDB_dbi table = 0;
    check(mdb_dbi_open(txn, name, 0, &table));
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(txn, table, &cursor));
    MDB_val key{};
    MDB_val value{};
    std::vector<Row> found;
    for (int code = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
         code == 0 && found.size() < last;
         code = mdb_cursor_get(cursor, &key, &value, MDB_PREV)) {
        found.emplace_back(std::string{static_cast<char*>(key.mv_data), key.mv_size},
                           std::string{static_cast<char*>(value.mv_data), value.mv_size});
    }
    std::reverse(found.begin(), found.end());
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return found;
}

MDB_val val(const std::string& text) {
    return {text.size(), const_cast<char*>(text.data())};
}

void put(MDB_txn* txn, MDB_dbi table, const Row& row, unsigned flags) {
    auto key = val(row.first);
    auto value = val(row.second);
    check(mdb_put(txn, table, &key, &value, flags));
}

double put_all(const char* source, const char* target, std::size_t count, std::size_t batch) {
    auto* theirs = open(source, MDB_RDONLY);
    const auto journal = rows(theirs, "journal", count);
    const auto instances = rows(theirs, "instance", SIZE_MAX);
    const auto workers = rows(theirs, "worker", 1);
    mdb_env_close(theirs);
    if (journal.size() != count) throw std::runtime_error("the journal is too short");
    auto* env = open(target, 0);
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env, nullptr, 0, &txn));
    std::array<MDB_dbi, 3> tables{};
    check(mdb_dbi_open(txn, "journal", MDB_CREATE, &tables[0]));
    check(mdb_dbi_open(txn, "instance", MDB_CREATE, &tables[1]));
    check(mdb_dbi_open(txn, "worker", MDB_CREATE, &tables[2]));
    for (const auto& row : instances) {
        put(txn, tables[1], row, 0);
    }
    check(mdb_txn_commit(txn));
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count;) {
        check(mdb_txn_begin(env, nullptr, 0, &txn));
        for (const auto end = std::min(count, i + batch); i < end; ++i) {
            put(txn, tables[0], journal[i], MDB_APPEND);
            // The order in which the pump changes its VMs is no order of keys.
            if (!instances.empty()) put(txn, tables[1], instances[i * 7919 % instances.size()], 0);
        }
        put(txn, tables[2], workers.front(), 0);
        check(mdb_txn_commit(txn));
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    mdb_env_close(env);
    return spent.count();
}

} // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 2 ? argv[1] : "";
    const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
    try {
        if (what == "count" && argc == 3) {
            auto* env = open(argv[2], MDB_RDONLY);
            MDB_envinfo info{};
            check(mdb_env_info(env, &info));
            std::printf("transactions %zu\n", info.me_last_txnid);
            mdb_env_close(env);
            return 0;
        }
        if (what == "put" && argc == 6) {
            std::printf("spent %.6f\n", put_all(argv[2], argv[3], number(4), number(5)));
            return 0;
        }
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "bench_bare_puts: %s\n", failure.what());
        return 1;
    }
    std::fputs("usage: bench_bare_puts count SOURCE | put SOURCE TARGET EVENTS BATCH\n", stderr);
    return 2;
}
