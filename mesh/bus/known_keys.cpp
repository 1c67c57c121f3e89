#include "mesh/bus/known_keys.h"

#include "mesh/bus/curve_keys.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sys/stat.h>

namespace ctys::bus {

namespace {

constexpr std::string_view suffix = ".pub";
constexpr std::size_t max_key_file_bytes = 4096;
/// Bound of what is kept (P8); a mesh has one key per worker and per person.
constexpr std::size_t max_keys = 100'000;

struct Line {
    std::string_view word;
    std::string_view value;
};

std::optional<Line> parse_line(std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto value = trim(line.substr(equals + 1));
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::nullopt;
    return Line{trim(line.substr(0, equals)), value.substr(1, value.size() - 2)};
}

Status apply(const Line& line, KeyHolder& holder) {
    if (line.word == "key") {
        if (!is_z85_key(line.value))
            return fail(ErrorCode::Malformed, "not a key of 40 characters");
        holder.key = line.value;
        return {};
    }
    if (line.word == "role") {
        holder.role = role_from_text(line.value).value_or(Role::None);
        if (holder.role != Role::None) return {};
        return fail(ErrorCode::Malformed,
                    fmt::format("role \"{}\" is not viewer, operator, admin or agent",
                                printable(line.value, 40)));
    }
    if (line.word == "worker") {
        if (!is_label(line.value)) return fail(ErrorCode::Malformed, "not a name of a worker");
        holder.worker = line.value;
        return {};
    }
    return fail(ErrorCode::Malformed,
                fmt::format("\"{}\" is not key, role or worker", printable(line.word, 40)));
}

Result<std::string> read_file(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) {
        return fail(ErrorCode::Malformed, fmt::format("{}: not a regular file", path));
    }
    if ((found.st_mode & 022) != 0) {
        return fail(ErrorCode::Refused,
                    fmt::format("{}: group or others may write it, so it proves nothing", path),
                    fmt::format("chmod go-w {}", path));
    }
    std::ifstream in(path, std::ios::binary);
    std::string text(max_key_file_bytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || !in.is_open()) {
        return fail(ErrorCode::Storage, fmt::format("{}: cannot be read", path));
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > max_key_file_bytes) {
        return fail(ErrorCode::Malformed, fmt::format("{}: too large for a key", path));
    }
    return text;
}

Status load_file(const std::filesystem::path& path, KnownKeys& keys) {
    const auto text = read_file(path);
    if (!text) return tl::unexpected(text.error());
    auto holder = KnownKeys::parse(path.stem().string(), path.string(), *text);
    if (!holder) return tl::unexpected(holder.error());
    if (auto added = keys.add(std::move(*holder)); !added) {
        return wrap(path.string(), std::move(added.error()));
    }
    return {};
}

} // namespace

Result<KeyHolder>
KnownKeys::parse(std::string_view name, std::string_view file, std::string_view text) {
    if (!is_label(name)) {
        return fail(ErrorCode::Malformed, fmt::format("{}:1: the file name is no label", file));
    }
    KeyHolder holder{.name = std::string(name), .key = {}};
    std::size_t number = 0;
    for (auto line : split(text, '\n')) {
        ++number;
        line = trim(line);
        if (line.empty() || line.starts_with('#')) continue;
        const auto parsed = parse_line(line);
        if (!parsed) {
            return fail(ErrorCode::Malformed,
                        fmt::format("{}:{}: WORD = \"VALUE\" is expected", file, number));
        }
        if (auto applied = apply(*parsed, holder); !applied) {
            return wrap(fmt::format("{}:{}", file, number), std::move(applied.error()));
        }
    }
    if (holder.key.empty() || holder.role == Role::None) {
        return fail(ErrorCode::Malformed,
                    fmt::format("{}:{}: the line with {} is missing",
                                file,
                                number,
                                holder.key.empty() ? "key" : "role"));
    }
    return holder;
}

std::string KnownKeys::to_text(const KeyHolder& holder) {
    auto text = fmt::format("key = \"{}\"\nrole = \"{}\"\n", holder.key, to_string(holder.role));
    if (!holder.worker.empty()) text += fmt::format("worker = \"{}\"\n", holder.worker);
    return text;
}

Status KnownKeys::add(KeyHolder holder) {
    if (by_key_.size() >= max_keys) return fail(ErrorCode::Overloaded, "there are too many keys");
    if (const auto* other = find_key(holder.key)) {
        return fail(ErrorCode::Conflict,
                    fmt::format("{} and {} have the same key", other->name, holder.name));
    }
    if (!key_of_name_.emplace(holder.name, holder.key).second) {
        return fail(ErrorCode::Conflict, fmt::format("{} has a key already", holder.name));
    }
    auto key = holder.key;
    by_key_.emplace(std::move(key), std::move(holder));
    return {};
}

const KeyHolder* KnownKeys::find_key(std::string_view public_key) const {
    const auto found = by_key_.find(std::string(public_key));
    return found == by_key_.end() ? nullptr : &found->second;
}

const KeyHolder* KnownKeys::find_name(std::string_view name) const {
    const auto found = key_of_name_.find(std::string(name));
    return found == key_of_name_.end() ? nullptr : find_key(found->second);
}

std::vector<KeyHolder> KnownKeys::all() const {
    std::vector<KeyHolder> holders;
    holders.reserve(by_key_.size());
    for (const auto& [key, holder] : by_key_) {
        holders.push_back(holder);
    }
    std::sort(holders.begin(), holders.end(), [](const auto& a, const auto& b) {
        return a.name < b.name;
    });
    return holders;
}

Result<KnownKeys::Load> KnownKeys::load(const std::string& directory) {
    Load load;
    std::error_code error;
    std::vector<std::filesystem::path> files;
    std::filesystem::directory_iterator entries(directory, error);
    if (error == std::errc::no_such_file_or_directory) return load;
    for (const std::filesystem::directory_iterator end; !error && entries != end;
         entries.increment(error)) {
        if (entries->path().extension() == suffix) files.push_back(entries->path());
    }
    if (error) {
        return fail(ErrorCode::Storage, fmt::format("keys in {}: {}", directory, error.message()));
    }
    // In order of name, so that of two files with one key always the same one wins.
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        if (auto loaded = load_file(file, load.keys); !loaded) {
            load.problems.push_back(std::move(loaded.error()));
        }
    }
    return load;
}

} // namespace ctys::bus
