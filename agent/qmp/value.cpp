#include "agent/qmp/value.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <cmath>

namespace ctys::qmp {
namespace {

void write_text(std::string& out, std::string_view text) {
    const bool well_formed = is_utf8(text);
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else if (byte >= 0x80 && !well_formed) {
            out += "\\ufffd";
        } else {
            out += c;
        }
    }
    out += '"';
}

} // namespace

Value Value::object() {
    Value out;
    out.content_ = Object{};
    return out;
}

Value Value::object(std::initializer_list<std::pair<const char*, Value>> members) {
    auto out = object();
    for (const auto& [key, value] : members) {
        out.set(key, value);
    }
    return out;
}

Value Value::list(std::vector<Value> items) {
    Value out;
    out.content_ = List{std::move(items)};
    return out;
}

const Value* Value::member(std::string_view key) const {
    const auto* object = std::get_if<Object>(&content_);
    if (object == nullptr) return nullptr;
    for (std::size_t i = 0; i < object->keys.size(); ++i) {
        if (object->keys[i] == key) return &object->values[i];
    }
    return nullptr;
}

const Value* Value::find(std::string_view path) const {
    const auto* at = this;
    while (!path.empty() && at != nullptr) {
        const auto dot = path.find('.');
        at = at->member(path.substr(0, dot));
        path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
    }
    return at;
}

std::optional<std::string> Value::text(std::string_view path) const {
    const auto* at = find(path);
    if (at == nullptr) return {};
    const auto* text = std::get_if<std::string>(&at->content_);
    return text == nullptr ? std::nullopt : std::optional(*text);
}

std::optional<std::int64_t> Value::integer(std::string_view path) const {
    const auto* at = find(path);
    if (at == nullptr) return {};
    const auto* integer = std::get_if<std::int64_t>(&at->content_);
    return integer == nullptr ? std::nullopt : std::optional(*integer);
}

std::optional<double> Value::number(std::string_view path) const {
    if (const auto whole = integer(path)) return static_cast<double>(*whole);
    const auto* at = find(path);
    if (at == nullptr) return {};
    const auto* number = std::get_if<double>(&at->content_);
    return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<bool> Value::boolean(std::string_view path) const {
    const auto* at = find(path);
    if (at == nullptr) return {};
    const auto* boolean = std::get_if<bool>(&at->content_);
    return boolean == nullptr ? std::nullopt : std::optional(*boolean);
}

std::span<const Value> Value::items(std::string_view path) const {
    const auto* at = find(path);
    if (at == nullptr) return {};
    const auto* list = std::get_if<List>(&at->content_);
    return list == nullptr ? std::span<const Value>{} : std::span<const Value>{list->items};
}

bool Value::is_null() const {
    return std::holds_alternative<std::monostate>(content_);
}
bool Value::is_object() const {
    return std::holds_alternative<Object>(content_);
}
bool Value::is_list() const {
    return std::holds_alternative<List>(content_);
}

void Value::set(std::string key, Value value) {
    auto* object = std::get_if<Object>(&content_);
    CTYS_ASSERT(object != nullptr);
    object->keys.push_back(std::move(key));
    object->values.push_back(std::move(value));
}

void Value::append(Value value) {
    auto* list = std::get_if<List>(&content_);
    CTYS_ASSERT(list != nullptr);
    list->items.push_back(std::move(value));
}

bool Value::operator==(const Value& other) const {
    if (content_.index() != other.content_.index()) return false;
    if (const auto* list = std::get_if<List>(&content_)) {
        return list->items == std::get<List>(other.content_).items;
    }
    if (const auto* object = std::get_if<Object>(&content_)) {
        const auto& second = std::get<Object>(other.content_);
        return object->keys == second.keys && object->values == second.values;
    }
    if (const auto* text = std::get_if<std::string>(&content_)) {
        return *text == std::get<std::string>(other.content_);
    }
    if (const auto* number = std::get_if<double>(&content_)) {
        return *number == std::get<double>(other.content_);
    }
    if (const auto* integer = std::get_if<std::int64_t>(&content_)) {
        return *integer == std::get<std::int64_t>(other.content_);
    }
    if (const auto* boolean = std::get_if<bool>(&content_)) {
        return *boolean == std::get<bool>(other.content_);
    }
    return true;
}

std::string Value::to_json() const {
    std::string out;
    write(out);
    return out;
}

void Value::write(std::string& out) const {
    if (const auto* list = std::get_if<List>(&content_)) {
        out += '[';
        for (std::size_t i = 0; i < list->items.size(); ++i) {
            if (i > 0) out += ',';
            list->items[i].write(out);
        }
        out += ']';
    } else if (const auto* object = std::get_if<Object>(&content_)) {
        out += '{';
        for (std::size_t i = 0; i < object->keys.size(); ++i) {
            if (i > 0) out += ',';
            write_text(out, object->keys[i]);
            out += ':';
            object->values[i].write(out);
        }
        out += '}';
    } else if (const auto* text = std::get_if<std::string>(&content_)) {
        write_text(out, *text);
    } else if (const auto* number = std::get_if<double>(&content_)) {
        // JSON has no infinities.
        out += std::isfinite(*number) ? fmt::format("{}", *number) : "null";
    } else if (const auto* integer = std::get_if<std::int64_t>(&content_)) {
        out += fmt::format("{}", *integer);
    } else if (const auto* boolean = std::get_if<bool>(&content_)) {
        out += *boolean ? "true" : "false";
    } else {
        out += "null";
    }
}

} // namespace ctys::qmp
