#pragma once

#include "mesh/core/error.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ctys::qmp {

/// Bounds of one parsed message. QMP answers nest 10 deep; query-qmp-schema has about 20,000
/// values, and 10 MiB of "[]," would otherwise become a gigabyte.
constexpr std::size_t max_value_depth = 48;
constexpr std::size_t max_value_count = 200'000;

/// A JSON value as QMP uses it, so that nobody else sees a JSON library.
class Value {
public:
    Value() = default; ///< null
    Value(bool value) : content_(value) {}
    Value(std::int64_t value) : content_(value) {}
    Value(int value) : content_(std::int64_t{value}) {}
    Value(double value) : content_(value) {}
    Value(std::string value) : content_(std::move(value)) {}
    Value(std::string_view value) : content_(std::string(value)) {}
    Value(const char* value) : content_(std::string(value)) {}
    [[nodiscard]] static Value object();
    [[nodiscard]] static Value object(std::initializer_list<std::pair<const char*, Value>> members);
    [[nodiscard]] static Value list(std::vector<Value> items = {});

    /// Errors: Malformed: no JSON, not UTF-8, or beyond the bounds above.
    [[nodiscard]] static Result<Value> parse(std::string_view json);
    /// One line of JSON. Text that is not UTF-8 becomes U+FFFD.
    [[nodiscard]] std::string to_json() const;

    /// What lies at "a.b.c" below this object; nothing where a step is missing or no object. An
    /// empty path is the value itself. Of repeated keys the first counts.
    [[nodiscard]] const Value* find(std::string_view path) const;
    /// Typed access along a path; nothing where the type is another one.
    [[nodiscard]] std::optional<std::string> text(std::string_view path = {}) const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view path = {}) const;
    [[nodiscard]] std::optional<double> number(std::string_view path = {}) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view path = {}) const;
    /// Elements of a list; none where it is no list.
    [[nodiscard]] std::span<const Value> items(std::string_view path = {}) const;

    [[nodiscard]] bool is_null() const;
    [[nodiscard]] bool is_object() const;
    [[nodiscard]] bool is_list() const;

    /// Adds to an object or a list. Calling them on another type is a bug.
    void set(std::string key, Value value);
    void append(Value value);

    bool operator==(const Value&) const;

private:
    struct List {
        std::vector<Value> items;
    };
    struct Object {
        std::vector<std::string> keys;
        std::vector<Value> values; ///< as many as keys
    };
    void write(std::string& out) const;
    [[nodiscard]] const Value* member(std::string_view key) const;

    /// Unsigned numbers above the range of int64 are kept as double.
    std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Object> content_;
};

} // namespace ctys::qmp
