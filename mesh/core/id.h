#pragma once

#include "mesh/core/uuid.h"

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace ctys {

/// A UUID that names one kind of thing and cannot be mixed up with another kind.
template <typename Tag>
struct Id {
    Uuid uuid;

    [[nodiscard]] static Result<Id> parse(std::string_view text) {
        return Uuid::parse(text).map([](const Uuid& parsed) { return Id{parsed}; });
    }
    [[nodiscard]] std::string to_string() const { return uuid.to_string(); }
    [[nodiscard]] bool is_none() const { return uuid.is_zero(); }
    auto operator<=>(const Id&) const = default;
};

using VmId = Id<struct VmTag>;
using WorkerId = Id<struct WorkerTag>;
using StreamId = Id<struct StreamTag>; ///< one spool of one agent, made with the spool
using PoolId = Id<struct PoolTag>;     ///< content of a pool marker file
using BootId = Id<struct BootTag>;     ///< /proc/sys/kernel/random/boot_id
using NonceId = Id<struct NonceTag>;   ///< one life of one process

/// Names an action for ever; made by whoever asks, so that asking twice changes nothing.
/// Text form: "a-" and 16 hexadecimal digits; people may type any unique prefix of it.
struct ActionId {
    std::uint64_t value = 0;

    [[nodiscard]] static Result<ActionId> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] bool is_none() const { return value == 0; }
    auto operator<=>(const ActionId&) const = default;
};

/// Place of an event in the broker's journal. Text form: "<epoch>-<sequence>", both decimal.
/// The epoch is the Unix time in seconds at which the journal began, raised where needed so that
/// it never repeats; sequences start at 1. Cursor{} is before everything.
struct Cursor {
    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;

    [[nodiscard]] static Result<Cursor> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    auto operator<=>(const Cursor&) const = default;
};

} // namespace ctys

template <typename Tag>
struct std::hash<ctys::Id<Tag>> {
    std::size_t operator()(const ctys::Id<Tag>& id) const noexcept {
        std::size_t out = 14695981039346656037ULL;
        for (const auto byte : id.uuid.bytes) {
            out = (out ^ byte) * 1099511628211ULL;
        }
        return out;
    }
};

template <>
struct std::hash<ctys::ActionId> {
    std::size_t operator()(const ctys::ActionId& id) const noexcept { return id.value; }
};

template <typename Tag>
struct fmt::formatter<ctys::Id<Tag>> : fmt::formatter<std::string_view> {
    auto format(const ctys::Id<Tag>& id, format_context& context) const {
        return formatter<std::string_view>::format(id.to_string(), context);
    }
};

template <>
struct fmt::formatter<ctys::Uuid> : fmt::formatter<std::string_view> {
    auto format(const ctys::Uuid& uuid, format_context& context) const {
        return formatter<std::string_view>::format(uuid.to_string(), context);
    }
};

template <>
struct fmt::formatter<ctys::ActionId> : fmt::formatter<std::string_view> {
    auto format(const ctys::ActionId& id, format_context& context) const {
        return formatter<std::string_view>::format(id.to_string(), context);
    }
};

template <>
struct fmt::formatter<ctys::Cursor> : fmt::formatter<std::string_view> {
    auto format(const ctys::Cursor& cursor, format_context& context) const {
        return formatter<std::string_view>::format(cursor.to_string(), context);
    }
};
