// Looking up a VM by its label in a broker's store (which no broker may have open), and getting the
// same two rows with mdb_get: microseconds each, in alternation.
#include "broker/storage/broker_store.h"
#include "mesh/store/keys.h"

#include <fmt/format.h>
#include <lmdb.h>

#include <chrono>
#include <random>

namespace {

using namespace ctys;
using Clock = std::chrono::steady_clock;

void check(int code) {
    if (code != 0) throw std::runtime_error(mdb_strerror(code));
}

double us_since(Clock::time_point begin, std::size_t count) {
    const std::chrono::duration<double, std::micro> spent = Clock::now() - begin;
    return spent.count() / static_cast<double>(count);
}

struct Wanted {
    std::string label;
    VmId vm;
};

double ours(const broker::BrokerStore& store, const std::vector<Wanted>& all) {
    std::vector<Address> addresses;
    addresses.reserve(all.size());
    for (const auto& each : all) {
        addresses.push_back(Address::parse("l:" + each.label).value());
    }
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto found = broker::find_vms(store, addresses[i], std::nullopt, 2);
        if (found.size() != 1 || found.front()->id != all[i].vm)
            throw std::runtime_error("not found: " + all[i].label);
    }
    return us_since(begin, all.size());
}

double bare(MDB_env* env, MDB_dbi by_label, MDB_dbi vms, const std::vector<Wanted>& all) {
    std::vector<std::pair<store::Key, store::Key>> keys;
    keys.reserve(all.size());
    for (const auto& each : all) {
        keys.emplace_back(store::text_key(each.label, each.vm), store::vm_key(each.vm));
    }
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn));
    mdb_txn_reset(txn);
    const auto begin = Clock::now();
    for (const auto& [label, vm] : keys) {
        check(mdb_txn_renew(txn));
        MDB_val value{};
        for (const auto& [table, bytes] : {std::pair{by_label, label.bytes()}, {vms, vm.bytes()}}) {
            MDB_val key{bytes.size(), const_cast<std::byte*>(bytes.data())};
            check(mdb_get(txn, table, &key, &value));
        }
        mdb_txn_reset(txn);
    }
    const auto spent = us_since(begin, all.size());
    mdb_txn_abort(txn);
    return spent;
}

std::vector<Wanted> choose(const broker::BrokerStore& store, std::size_t count) {
    std::vector<Wanted> every;
    store.each_vm(VmId{}, [&](const VmRecord& vm) {
        every.push_back({vm.label, vm.id});
        return true;
    });
    std::mt19937_64 random{1};
    std::vector<Wanted> chosen;
    for (std::size_t i = 0; i < count; ++i) {
        chosen.push_back(every.at(random() % every.size()));
    }
    return chosen;
}

std::pair<double, double> measure(const std::string& state, std::size_t count) {
    std::vector<Wanted> all;
    double own = 0;
    {
        auto store = broker::BrokerStore::open(state, {}, {.access = store::Access::Reader});
        if (!store) throw std::runtime_error(store.error().message);
        all = choose(**store, count);
        own = ours(**store, all);
    } // LMDB must not be open twice in one process
    MDB_env* env = nullptr;
    check(mdb_env_create(&env));
    check(mdb_env_set_maxdbs(env, 32));
    check(mdb_env_set_mapsize(env, std::size_t{64} << 30U));
    check(mdb_env_open(env, (state + "/db").c_str(), MDB_RDONLY | MDB_NOTLS, 0600));
    MDB_txn* txn = nullptr;
    MDB_dbi by_label = 0;
    MDB_dbi vms = 0;
    check(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn));
    check(mdb_dbi_open(txn, "by_label", 0, &by_label));
    check(mdb_dbi_open(txn, "vm", 0, &vms));
    check(mdb_txn_commit(txn));
    static_cast<void>(bare(env, by_label, vms, all)); // both find warm caches
    const auto theirs = bare(env, by_label, vms, all);
    mdb_env_close(env);
    return {own, theirs};
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: bench_lookup STATE_OF_BROKER COUNT\n", stderr);
        return 2;
    }
    try {
        const auto [own, theirs] = measure(argv[1], std::stoull(argv[2]));
        fmt::print("lookup {:.4f} {:.4f}\n", own, theirs);
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "bench_lookup: %s\n", failure.what());
        return 1;
    }
}
