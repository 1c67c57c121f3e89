#pragma once

#include "mesh/store/transaction.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace ctys::store {

enum class Access {
    Owner,  ///< reads and writes; one per directory over all processes
    Reader, ///< reads only, beside an owner (backup, inspection)
};

enum class Durability {
    Durable, ///< write() returns when the data is on the disk
    Lazy,    ///< a crash of the machine may lose or damage the store; for tests and caches
};

struct EnvironmentOptions {
    std::size_t map_size = std::size_t{64} << 30; ///< bytes of address space, not of disk
    unsigned max_tables = 32;
    unsigned max_readers = 256;
    Access access = Access::Owner;
    Durability durability = Durability::Durable;
};

struct Usage {
    std::size_t page_bytes = 0;
    std::size_t pages_used = 0; ///< high-water mark: pages freed for reuse count as used
    std::size_t map_size = 0;   ///< bytes

    [[nodiscard]] unsigned percent() const;
    /// From 70 % of the map on an operator should be warned: a full map stops all writing.
    [[nodiscard]] bool is_high() const { return percent() >= 70; }
};

/// One LMDB environment: a directory with data.mdb and lock.mdb. Opened once per process, in main;
/// nothing of it survives fork(). read() may be called from any thread; write() blocks while
/// another thread writes, so a process has one writer thread. All descriptors are close-on-exec.
class Environment {
public:
    /// Creates the directory (0700; its parent exists) and an empty store where there is none;
    /// refuses network file systems; frees slots of dead readers.
    /// Errors: Conflict (already open as owner), Storage.
    [[nodiscard]] static Result<Environment> open(const std::string& directory,
                                                  const EnvironmentOptions& options = {});

    Environment(Environment&&) noexcept;
    Environment& operator=(Environment&&) noexcept;
    ~Environment();

    /// Opens tables, creating missing ones (an owner), in the order given. Called at start, before
    /// any other use. Errors: Storage, NotFound (a reader asks for a table that is not there).
    [[nodiscard]] Result<std::vector<Table>> open_tables(std::span<const std::string_view> names);
    [[nodiscard]] Result<Table> open_table(std::string_view name);

    /// Lends a snapshot to `use(const ReadTransaction&)`, which returns a Result and does not wait:
    /// while it runs, no page that it may see is used again. May be nested. Errors: those of `use`,
    /// Storage.
    template <typename Use>
    auto read(Use&& use) const -> std::invoke_result_t<Use, const ReadTransaction&> {
        auto slot = begin_read();
        if (!slot) return tl::unexpected(std::move(slot).error());
        ReadLoan loan{*this, std::move(*slot)};
        const ReadTransaction transaction(loan.slot->txn, loan.slot.get());
        auto result = std::forward<Use>(use)(transaction);
        if (transaction.failure_ != 0) return tl::unexpected(read_error(transaction.failure_));
        return result;
    }

    /// Lends the write transaction to `use(WriteTransaction&)`, which returns a Result, and commits
    /// when that is a success; else, and when it throws, nothing has changed. When this returns
    /// success and the environment is Durable, the changes are on the disk. Never nested.
    /// Errors: those of `use`, Storage (full map, full disk, input/output): nothing has changed
    /// then.
    template <typename Use>
    auto write(Use&& use) -> std::invoke_result_t<Use, WriteTransaction&> {
        auto txn = begin_write();
        if (!txn) return tl::unexpected(std::move(txn).error());
        WriteLoan loan{*this, *txn};
        WriteTransaction transaction(*txn);
        auto result = std::forward<Use>(use)(transaction);
        if (transaction.failure_ != 0) return tl::unexpected(write_error(transaction.failure_));
        if (!result) return result;
        loan.txn = nullptr;
        if (auto committed = commit(*txn); !committed) {
            return tl::unexpected(std::move(committed).error());
        }
        return result;
    }

    /// Writes a compacted copy to `directory`, which is created (0700) and must be empty, and syncs
    /// it. A long read: run it on a thread of its own. Errors: Conflict (not empty), Storage.
    [[nodiscard]] Status copy_compact_to(const std::string& directory) const;

    [[nodiscard]] Usage usage() const;
    /// Frees the slots of readers whose process has died; returns how many. Called at open; call it
    /// each minute where other processes read.
    [[nodiscard]] Result<int> check_readers();

private:
    struct State;
    struct ReadLoan {
        const Environment& environment;
        std::unique_ptr<ReadSlot> slot;
        ReadLoan(const Environment& lender, std::unique_ptr<ReadSlot> lent)
            : environment(lender), slot(std::move(lent)) {}
        ~ReadLoan() { environment.end_read(std::move(slot)); }
        ReadLoan(const ReadLoan&) = delete;
        ReadLoan& operator=(const ReadLoan&) = delete;
    };
    struct WriteLoan {
        Environment& environment;
        MDB_txn* txn; ///< null once committed
        ~WriteLoan() {
            if (txn != nullptr) environment.abort(txn);
        }
    };

    explicit Environment(std::unique_ptr<State> state);
    [[nodiscard]] Result<std::unique_ptr<ReadSlot>> begin_read() const;
    void end_read(std::unique_ptr<ReadSlot> slot) const;
    [[nodiscard]] Result<MDB_txn*> begin_write();
    [[nodiscard]] Status commit(MDB_txn* txn);
    void abort(MDB_txn* txn);
    [[nodiscard]] static Error read_error(int code);
    [[nodiscard]] static Error write_error(int code);

    std::unique_ptr<State> state_;
};

} // namespace ctys::store
