#pragma once

#include "mesh/core/id.h"
#include "mesh/core/time.h"

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <string_view>

namespace ctys::tools {

/// Appends JSON to a buffer; commas are put by themselves, nesting is the caller's to keep.
/// Control characters are escaped and malformed UTF-8 becomes U+FFFD, so that hostile text neither
/// breaks a document nor reaches a terminal.
class JsonWriter {
public:
    explicit JsonWriter(fmt::memory_buffer& out) : out_(out) {}

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }
    /// `name` is written as it is: our own words only.
    void key(std::string_view name);
    /// A key that came from outside.
    void foreign_key(std::string_view name);

    void value(std::string_view text);
    void value(const char* text) { value(std::string_view{text}); }
    void value(bool flag) { raw(flag ? "true" : "false"); }
    void value(std::integral auto number) {
        const fmt::format_int text(number);
        raw({text.data(), text.size()});
    }
    void value(WallTime at); ///< RFC 3339, or null for none
    void value(const Uuid& uuid);
    void value(Duration span); ///< seconds with three decimals
    template <typename Tag>
    void value(const Id<Tag>& id) {
        id.is_none() ? null() : value(id.uuid);
    }
    void null() { raw("null"); }

    template <typename T>
    void member(std::string_view name, const T& content) {
        key(name);
        value(content);
    }
    /// Texts that are empty when there is nothing become null.
    void member_or_null(std::string_view name, std::string_view text);

private:
    void separate();
    void raw(std::string_view text);
    void open(char bracket);
    void close(char bracket);

    fmt::memory_buffer& out_;
    bool needs_comma_ = false;
};

} // namespace ctys::tools
