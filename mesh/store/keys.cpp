#include "mesh/store/keys.h"

#include "mesh/core/digest.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::store {

namespace {

constexpr std::size_t uuid_bytes = 16;
constexpr std::size_t digest_bytes = 16;
constexpr auto digest_sign = std::byte{1}; // before the digest of a text

tl::unexpected<Error> malformed(std::string_view what, Bytes key) {
    return fail(ErrorCode::Malformed, fmt::format("{} key of {} bytes", what, key.size()));
}

Uuid uuid_at(Bytes key, std::size_t offset) {
    Uuid uuid;
    std::transform(key.begin() + static_cast<std::ptrdiff_t>(offset),
                   key.begin() + static_cast<std::ptrdiff_t>(offset + uuid.bytes.size()),
                   uuid.bytes.begin(),
                   [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
    return uuid;
}

template <typename Id>
Result<Id> decode_uuid_key(std::string_view what, Bytes key) {
    if (key.size() != uuid_bytes) return malformed(what, key);
    return Id{uuid_at(key, 0)};
}

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool is_plain(std::string_view text) {
    return text.size() <= max_key_text && text.find('\0') == std::string_view::npos &&
           !text.starts_with(static_cast<char>(digest_sign));
}

void add_lower(Key& key, std::string_view text) {
    for (const char letter : text) {
        key.add_integer(static_cast<unsigned char>(lower(letter)), 1);
    }
}

} // namespace

Key& Key::add(Bytes bytes) {
    CTYS_ASSERT(bytes.size() <= bytes_.size() - size_);
    std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += bytes.size();
    return *this;
}

Key& Key::add(const Uuid& uuid) {
    return add(std::as_bytes(std::span(uuid.bytes)));
}

Key& Key::add_integer(std::uint64_t value, std::size_t size) {
    CTYS_ASSERT(size <= sizeof(value) && size <= bytes_.size() - size_);
    write_big_endian(bytes_.data() + size_, value, size);
    size_ += size;
    return *this;
}

Key& Key::add_text(std::string_view text) {
    return add(bytes_of(text));
}

Key vm_key(const VmId& vm) {
    return Key{}.add(vm.uuid);
}

Result<VmId> decode_vm_key(Bytes key) {
    return decode_uuid_key<VmId>("vm", key);
}

Key path_key(const PathKey& path) {
    return Key{}.add(path.vm.uuid).add(path.worker.uuid).add_integer(path.config, 8);
}

Result<PathKey> decode_path_key(Bytes key) {
    if (key.size() != 2 * uuid_bytes + 8) return malformed("path", key);
    return PathKey{VmId{uuid_at(key, 0)},
                   WorkerId{uuid_at(key, uuid_bytes)},
                   read_big_endian(key.subspan(2 * uuid_bytes))};
}

Key instance_key(const InstanceKey& instance) {
    return Key{}
        .add(instance.vm.uuid)
        .add(instance.boot.uuid)
        .add_integer(instance.pid, 4)
        .add_integer(instance.start_time, 8);
}

Result<InstanceKey> decode_instance_key(Bytes key) {
    if (key.size() != 2 * uuid_bytes + 12) return malformed("instance", key);
    return InstanceKey{
        .vm = VmId{uuid_at(key, 0)},
        .boot = BootId{uuid_at(key, uuid_bytes)},
        .pid = static_cast<std::uint32_t>(read_big_endian(key.subspan(2 * uuid_bytes, 4))),
        .start_time = read_big_endian(key.subspan(2 * uuid_bytes + 4))};
}

Key worker_key(const WorkerKey& worker) {
    return Key{}.add(worker.worker.uuid).add_integer(static_cast<std::uint64_t>(worker.row), 1);
}

Result<WorkerKey> decode_worker_key(Bytes key) {
    if (key.size() != uuid_bytes + 1) return malformed("worker", key);
    const auto row = std::to_integer<std::uint8_t>(key.back());
    if (row > static_cast<std::uint8_t>(WorkerRow::Mark)) return malformed("worker", key);
    return WorkerKey{WorkerId{uuid_at(key, 0)}, static_cast<WorkerRow>(row)};
}

Key action_key(ActionId action) {
    return sequence_key(action.value);
}

Key plan_step_key(ActionId plan, std::uint32_t step) {
    return action_key(plan).add_integer(step, 4);
}

Result<ActionId> decode_action_key(Bytes key) {
    if (key.size() != 8) return malformed("action", key);
    return ActionId{read_big_endian(key)};
}

Key pool_key(const PoolId& pool) {
    return Key{}.add(pool.uuid);
}

Result<PoolId> decode_pool_key(Bytes key) {
    return decode_uuid_key<PoolId>("pool", key);
}

Key sequence_key(std::uint64_t sequence) {
    return Key{}.add_integer(sequence, 8);
}

Result<std::uint64_t> decode_sequence_key(Bytes key) {
    if (key.size() != 8) return malformed("sequence", key);
    return read_big_endian(key);
}

Key minute_key(std::int64_t minute) {
    return sequence_key(static_cast<std::uint64_t>(std::max<std::int64_t>(minute, 0)));
}

Result<std::int64_t> decode_minute_key(Bytes key) {
    if (key.size() != 8) return malformed("minute", key);
    return static_cast<std::int64_t>(read_big_endian(key));
}

Key name_key(std::string_view name) {
    CTYS_ASSERT(!name.empty() && name.size() <= max_key_text);
    return Key{}.add_text(name);
}

Key text_prefix(std::string_view text) {
    Key key;
    if (is_plain(text)) {
        add_lower(key, text);
    } else {
        const auto whole = to_lower(text);
        key.add_integer(std::to_integer<std::uint64_t>(digest_sign), 1)
            .add_integer(digest(whole, 1), 8)
            .add_integer(digest(whole, 2), 8);
    }
    return key.add_integer(0, 1);
}

Key text_key(std::string_view text, const VmId& vm) {
    return text_prefix(text).add(vm.uuid);
}

Key text_start(std::string_view text) {
    Key key;
    add_lower(key, text.substr(0, max_key_text));
    return key;
}

Result<TextKey> decode_text_key(Bytes key) {
    // The zero is found from the end: a digest may hold zeroes of its own.
    if (key.size() < uuid_bytes + 1) return malformed("text", key);
    const auto text = key.first(key.size() - uuid_bytes - 1);
    if (key[text.size()] != std::byte{0}) return malformed("text", key);
    const VmId vm{uuid_at(key, text.size() + 1)};
    if (text.empty() || text.front() != digest_sign) return TextKey{text_of(text), vm};
    if (text.size() != digest_bytes + 1) return malformed("text", key);
    return TextKey{std::nullopt, vm};
}

} // namespace ctys::store
