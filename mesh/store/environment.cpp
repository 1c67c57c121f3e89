// Happy path
// - open: directory, file system, owner's lock, LMDB, close-on-exec, dead readers
// - read: an idle read transaction is renewed, lent, reset and kept for the next one
// - write: begin, lend, commit with two flushes
// Failure modes
// - the map or the disk is full: the transaction is given up, the store is as before, writing works
//   again as soon as there is room
// - a commit fails in its last step: LMDB refuses all further writes (MDB_PANIC) until a restart
// - a writer is killed: its lock is robust, the next write begins as if nothing had been
// - a reader is killed: its slot holds back the reuse of pages until check_readers
#include "mesh/store/environment.h"

#include "mesh/store/descriptor.h"
#include "mesh/store/file_system.h"
#include "mesh/store/lmdb_error.h"

#include <fmt/format.h>
#include <lmdb.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace ctys::store {

namespace {

// Idle read transactions that are kept; more readers at once are served, but not remembered.
constexpr std::size_t max_idle_slots = 16;

Error system_error(const std::string& doing, int code) {
    return Error{.code = ErrorCode::Storage,
                 .message = fmt::format("{}: {}", doing, std::strerror(code))};
}

Status make_directory(const std::string& directory) {
    if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return tl::unexpected(system_error("create " + directory, errno));
}

/// Two owners silently overwrite each other's records, also within one process: a lock on the
/// directory's own open file keeps both out.
Result<Descriptor> lock_directory(const std::string& directory) {
    Descriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (lock.fd() < 0) return tl::unexpected(system_error("open " + directory, errno));
    if (::flock(lock.fd(), LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return tl::unexpected(system_error("lock " + directory, errno));
    return fail(ErrorCode::Conflict,
                fmt::format("the store {} is already open in another process", directory));
}

Status sync_path(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd() < 0 || ::fsync(file.fd()) != 0) {
        return tl::unexpected(system_error("sync " + path, errno));
    }
    return {};
}

struct CloseEnvironment {
    void operator()(MDB_env* env) const { ::mdb_env_close(env); }
};

} // namespace

struct Environment::State {
    Descriptor owner_lock;
    std::unique_ptr<MDB_env, CloseEnvironment> env;
    Access access = Access::Owner;
    std::atomic<std::thread::id> writer{}; // for the assertion against nested writes only
    std::mutex mutex;                      // guards idle
    std::vector<std::unique_ptr<ReadSlot>> idle;
};

unsigned Usage::percent() const {
    if (map_size == 0) return 0;
    return static_cast<unsigned>(pages_used * page_bytes * 100 / map_size);
}

Environment::Environment(std::unique_ptr<State> state) : state_(std::move(state)) {}
Environment::Environment(Environment&&) noexcept = default;
Environment& Environment::operator=(Environment&&) noexcept = default;
Environment::~Environment() = default;

Result<Environment> Environment::open(const std::string& directory,
                                      const EnvironmentOptions& options) {
    auto state = std::make_unique<State>();
    state->access = options.access;
    const bool owner = options.access == Access::Owner;
    if (owner) {
        if (auto made = make_directory(directory); !made) return tl::unexpected(made.error());
    }
    if (auto local = check_file_system(directory); !local) return tl::unexpected(local.error());
    if (owner) {
        auto lock = lock_directory(directory);
        if (!lock) return tl::unexpected(lock.error());
        state->owner_lock = std::move(*lock);
    }

    MDB_env* env = nullptr;
    int code = ::mdb_env_create(&env);
    state->env.reset(env);
    if (code == 0) code = ::mdb_env_set_mapsize(env, options.map_size);
    if (code == 0) code = ::mdb_env_set_maxdbs(env, options.max_tables);
    if (code == 0) code = ::mdb_env_set_maxreaders(env, options.max_readers);
    // MDB_NOTLS: read transactions are objects that are passed on, not a property of a thread.
    unsigned flags = MDB_NOTLS;
    if (!owner) flags |= MDB_RDONLY;
    if (options.durability == Durability::Lazy) flags |= MDB_NOSYNC;
    if (code == 0) code = ::mdb_env_open(env, directory.c_str(), flags, 0600);
    // LMDB 0.9.24 leaks the data file into children otherwise.
    int data_fd = -1;
    if (code == 0) code = ::mdb_env_get_fd(env, &data_fd);
    if (code == 0 && ::fcntl(data_fd, F_SETFD, FD_CLOEXEC) != 0) code = errno;
    if (code != 0) return tl::unexpected(lmdb_error("open the store " + directory, code));

    Environment opened(std::move(state));
    if (auto checked = opened.check_readers(); !checked) return tl::unexpected(checked.error());
    return opened;
}

Result<std::vector<Table>> Environment::open_tables(std::span<const std::string_view> names) {
    const bool owner = state_->access == Access::Owner;
    MDB_txn* txn = nullptr;
    int code = ::mdb_txn_begin(state_->env.get(), nullptr, owner ? 0 : MDB_RDONLY, &txn);
    if (code != 0) return tl::unexpected(lmdb_error("open tables", code));
    std::vector<Table> tables;
    for (const auto name : names) {
        MDB_dbi handle = 0;
        code = ::mdb_dbi_open(txn, std::string(name).c_str(), owner ? MDB_CREATE : 0, &handle);
        if (code != 0) {
            ::mdb_txn_abort(txn);
            auto error = lmdb_error(fmt::format("open table {}", name), code);
            if (code == MDB_NOTFOUND) error.code = ErrorCode::NotFound;
            return tl::unexpected(std::move(error));
        }
        tables.emplace_back(handle);
    }
    // Also of a read transaction: an abort would close the handles again.
    code = ::mdb_txn_commit(txn);
    if (code != 0) return tl::unexpected(lmdb_error("open tables", code));
    return tables;
}

Result<Table> Environment::open_table(std::string_view name) {
    return open_tables(std::span(&name, 1)).map([](const auto& tables) { return tables.front(); });
}

Result<std::unique_ptr<ReadSlot>> Environment::begin_read() const {
    {
        const std::lock_guard guard(state_->mutex);
        if (!state_->idle.empty()) {
            auto slot = std::move(state_->idle.back());
            state_->idle.pop_back();
            const int code = ::mdb_txn_renew(slot->txn);
            if (code != 0) return tl::unexpected(read_error(code));
            return slot;
        }
    }
    MDB_txn* txn = nullptr;
    int code = ::mdb_txn_begin(state_->env.get(), nullptr, MDB_RDONLY, &txn);
    if (code == MDB_READERS_FULL) {
        // Slots of killed processes may be what is missing.
        int dead = 0;
        ::mdb_reader_check(state_->env.get(), &dead);
        if (dead > 0) code = ::mdb_txn_begin(state_->env.get(), nullptr, MDB_RDONLY, &txn);
    }
    if (code != 0) return tl::unexpected(read_error(code));
    return std::make_unique<ReadSlot>(txn);
}

void Environment::end_read(std::unique_ptr<ReadSlot> slot) const {
    ::mdb_txn_reset(slot->txn);
    const std::lock_guard guard(state_->mutex);
    if (state_->idle.size() < max_idle_slots) state_->idle.push_back(std::move(slot));
}

Result<MDB_txn*> Environment::begin_write() {
    CTYS_ASSERT(state_->access == Access::Owner);
    // LMDB's mutex is not recursive: a nested write would wait for itself for ever.
    CTYS_ASSERT(state_->writer.load() != std::this_thread::get_id());
    MDB_txn* txn = nullptr;
    const int code = ::mdb_txn_begin(state_->env.get(), nullptr, 0, &txn);
    if (code != 0) return tl::unexpected(write_error(code));
    state_->writer.store(std::this_thread::get_id());
    return txn;
}

Status Environment::commit(MDB_txn* txn) {
    // Before the lock is given back: after that another thread may have set its own id.
    state_->writer.store({});
    const int code = ::mdb_txn_commit(txn); // frees the transaction in any case
    if (code != 0) return tl::unexpected(write_error(code));
    return {};
}

void Environment::abort(MDB_txn* txn) {
    state_->writer.store({});
    ::mdb_txn_abort(txn);
}

Error Environment::read_error(int code) {
    return lmdb_error("read the store", code);
}

Error Environment::write_error(int code) {
    return lmdb_error("write the store", code);
}

Status Environment::copy_compact_to(const std::string& directory) const {
    if (auto made = make_directory(directory); !made) return made;
    std::error_code code;
    const bool empty = std::filesystem::is_empty(directory, code);
    if (code) return tl::unexpected(system_error("read " + directory, code.value()));
    if (!empty) {
        return fail(ErrorCode::Conflict, fmt::format("copy to {}: it is not empty", directory));
    }
    const int copied = ::mdb_env_copy2(state_->env.get(), directory.c_str(), MDB_CP_COMPACT);
    if (copied != 0) return tl::unexpected(lmdb_error("copy the store to " + directory, copied));
    if (auto synced = sync_path(directory + "/data.mdb"); !synced) return synced;
    return sync_path(directory);
}

Usage Environment::usage() const {
    MDB_envinfo info{};
    MDB_stat stat{};
    ::mdb_env_info(state_->env.get(), &info);
    ::mdb_env_stat(state_->env.get(), &stat);
    return {.page_bytes = stat.ms_psize,
            .pages_used = info.me_last_pgno + 1,
            .map_size = info.me_mapsize};
}

Result<int> Environment::check_readers() {
    int dead = 0;
    const int code = ::mdb_reader_check(state_->env.get(), &dead);
    if (code != 0) return tl::unexpected(lmdb_error("check the readers of the store", code));
    return dead;
}

} // namespace ctys::store
