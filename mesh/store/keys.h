#pragma once

#include "mesh/core/id.h"
#include "mesh/store/transaction.h"

#include <array>
#include <optional>
#include <string_view>

/// The keys of all tables. Integers are big-endian, UUIDs their 16 bytes, so that the order of keys
/// is the order of what they mean. `+` is concatenation; numbers in brackets are bytes.
///
///     table       key                                              value
///     meta        name of the row (text)                           see schema_meta.h
///     vm          vm [16]                                          VmRecord
///     path        vm [16] + worker [16] + config [8]               PathRecord
///     instance    vm [16] + boot [16] + pid [4] + start time [8]   InstanceRecord
///     lease       vm [16]                                          worker, token, action, state
///     journal     sequence [8]                                     see journal.h
///     jtime       minute since 1970 [8]                            first sequence [8]
///     quarantine  sequence [8]                                     damaged journal record, as
///     found worker      worker [16] + 0                                  WorkerRecord
///                 worker [16] + 1                                  mark of its stream
///     action      action [8]                                       ActionRecord
///     plan        action [8] that the plan carries out             PlanRecord
///                 action [8] + step [4]                            PlanStepRecord
///     pool        pool [16]                                        PoolRecord
///     by_label, by_mac, by_tcp, by_file
///                 text + 0 + vm [16]                               nothing
/// and in an agent's spool:
///     spool       sequence [8]                                     event
///     intent      action [8]                                       verb and instance
///     outcome     action [8]                                       outcome
///     mark        name of a broker (text)                          what it has acknowledged
///
/// `text` is in lower case (ASCII). A text of more than 400 bytes, or with a byte 0 or a first byte
/// 1, is replaced by 1 and its 16-byte digest: such a row is found by the whole text only, and
/// whoever finds it compares with the record. Integers in `decode_` come from a store that may be
/// damaged: each returns Malformed for a wrong length.
namespace ctys::store {

namespace table {
constexpr std::string_view meta = "meta";
constexpr std::string_view vm = "vm";
constexpr std::string_view path = "path";
constexpr std::string_view instance = "instance";
constexpr std::string_view lease = "lease";
constexpr std::string_view journal = "journal";
constexpr std::string_view jtime = "jtime";
constexpr std::string_view quarantine = "quarantine";
constexpr std::string_view worker = "worker";
constexpr std::string_view action = "action";
constexpr std::string_view plan = "plan";
constexpr std::string_view pool = "pool";
constexpr std::string_view by_label = "by_label";
constexpr std::string_view by_mac = "by_mac";
constexpr std::string_view by_tcp = "by_tcp";
constexpr std::string_view by_file = "by_file";
constexpr std::string_view spool = "spool";
constexpr std::string_view intent = "intent";
constexpr std::string_view outcome = "outcome";
constexpr std::string_view mark = "mark";
} // namespace table

/// LMDB allows 511 bytes; texts are cut earlier, so that a key with ids behind a text fits.
constexpr std::size_t max_key_text = 400;

/// An encoded key or prefix of one; a value without heap memory.
class Key {
public:
    Key& add(Bytes bytes);
    Key& add(const Uuid& uuid);
    Key& add_integer(std::uint64_t value, std::size_t size);
    Key& add_text(std::string_view text);

    [[nodiscard]] Bytes bytes() const { return {bytes_.data(), size_}; }
    // Keys are made to be passed to tables.
    operator Bytes() const { return bytes(); } // NOLINT(google-explicit-constructor)

private:
    std::array<std::byte, max_key_text + 40> bytes_{};
    std::size_t size_ = 0;
};

struct PathKey {
    VmId vm;
    WorkerId worker;
    std::uint64_t config = 0; ///< digest() of the absolute path of the configuration
    bool operator==(const PathKey&) const = default;
};

/// One process on one boot of one machine; `start_time` is field 22 of /proc/PID/stat.
struct InstanceKey {
    VmId vm;
    BootId boot;
    std::uint32_t pid = 0;
    std::uint64_t start_time = 0;
    bool operator==(const InstanceKey&) const = default;
};

enum class WorkerRow : std::uint8_t { Record = 0, Mark = 1 };

struct WorkerKey {
    WorkerId worker;
    WorkerRow row = WorkerRow::Record;
    bool operator==(const WorkerKey&) const = default;
};

struct TextKey {
    std::optional<std::string_view>
        text; ///< a view of the key; none where only the digest is known
    VmId vm;
};

/// Tables vm and lease; as a prefix, all rows of path and instance of this VM.
[[nodiscard]] Key vm_key(const VmId& vm);
[[nodiscard]] Result<VmId> decode_vm_key(Bytes key);

[[nodiscard]] Key path_key(const PathKey& path);
[[nodiscard]] Result<PathKey> decode_path_key(Bytes key);

[[nodiscard]] Key instance_key(const InstanceKey& instance);
[[nodiscard]] Result<InstanceKey> decode_instance_key(Bytes key);

[[nodiscard]] Key worker_key(const WorkerKey& worker);
[[nodiscard]] Result<WorkerKey> decode_worker_key(Bytes key);

/// Tables action, plan, intent and outcome.
[[nodiscard]] Key action_key(ActionId action);
[[nodiscard]] Result<ActionId> decode_action_key(Bytes key);

/// A row of table plan that is a step; action_key() is a prefix of all of one plan.
[[nodiscard]] Key plan_step_key(ActionId plan, std::uint32_t step);

[[nodiscard]] Key pool_key(const PoolId& pool);
[[nodiscard]] Result<PoolId> decode_pool_key(Bytes key);

/// Tables journal, quarantine and spool.
[[nodiscard]] Key sequence_key(std::uint64_t sequence);
[[nodiscard]] Result<std::uint64_t> decode_sequence_key(Bytes key);

/// Table jtime; minutes before 1970 count as 0.
[[nodiscard]] Key minute_key(std::int64_t minute);
[[nodiscard]] Result<std::int64_t> decode_minute_key(Bytes key);

/// Tables meta and mark; the name is one of ours: 1 to 400 bytes.
[[nodiscard]] Key name_key(std::string_view name);

/// Tables by_*.
[[nodiscard]] Key text_key(std::string_view text, const VmId& vm);
/// As a prefix: exactly this text, any VM.
[[nodiscard]] Key text_prefix(std::string_view text);
/// As a prefix: all texts that begin with `text`, of at most 400 bytes.
[[nodiscard]] Key text_start(std::string_view text);
[[nodiscard]] Result<TextKey> decode_text_key(Bytes key);

} // namespace ctys::store
