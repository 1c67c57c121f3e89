// The only file of the agent that includes the JSON library. The library reports each token, and
// the tree is built here, so that depth and count are bounded before memory is spent.

#include "agent/qmp/value.h"
#include "mesh/core/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace ctys::qmp {
namespace {

class Builder {
public:
    using Json = nlohmann::json;

    bool null() { return add({}); }
    bool boolean(bool value) { return add(value); }
    bool number_integer(std::int64_t value) { return add(value); }
    bool number_unsigned(std::uint64_t value) {
        constexpr auto limit = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
        if (value > limit) return add(static_cast<double>(value));
        return add(static_cast<std::int64_t>(value));
    }
    bool number_float(double value, const std::string&) { return add(value); }
    bool string(std::string& value) { return add(std::move(value)); }
    bool binary(Json::binary_t&) { return refuse("a binary value"); }
    bool start_object(std::size_t) { return open(Value::object()); }
    bool start_array(std::size_t) { return open(Value::list()); }
    bool key(std::string& name) {
        open_.back().key = std::move(name);
        return true;
    }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool parse_error(std::size_t position, const std::string&, const Json::exception& what) {
        return refuse(fmt::format("byte {}: {}", position, printable(what.what(), 120)));
    }

    Value root;
    std::string problem;

private:
    struct Level {
        Value value;
        std::string key; ///< of the next member, if the value is an object
    };

    bool refuse(std::string why) {
        problem = std::move(why);
        return false;
    }
    bool count() {
        return ++count_ <= max_value_count || refuse(fmt::format("over {} values", count_ - 1));
    }
    bool add(Value value) {
        if (!count()) return false;
        place(std::move(value));
        return true;
    }
    void place(Value value) {
        if (open_.empty()) {
            root = std::move(value);
        } else if (open_.back().value.is_object()) {
            open_.back().value.set(std::move(open_.back().key), std::move(value));
        } else {
            open_.back().value.append(std::move(value));
        }
    }
    bool open(Value value) {
        if (!count()) return false;
        if (open_.size() >= max_value_depth) return refuse("nested too deep");
        open_.push_back({.value = std::move(value), .key = {}});
        return true;
    }
    bool close() {
        auto value = std::move(open_.back().value);
        open_.pop_back();
        place(std::move(value));
        return true;
    }

    std::vector<Level> open_;
    std::size_t count_ = 0;
};

} // namespace

Result<Value> Value::parse(std::string_view json) {
    Builder builder;
    if (!nlohmann::json::sax_parse(json.begin(), json.end(), &builder)) {
        return fail(ErrorCode::Malformed, fmt::format("no usable JSON: {}", builder.problem));
    }
    return std::move(builder.root);
}

} // namespace ctys::qmp
