#include "mesh/qemu/option_text.h"

namespace ctys::qemu {

namespace {

// Reads one JSON object into dotted keys. libvirt writes -blockdev, -device and -object this way;
// only the facts of it are wanted, so numbers and words are kept as their text.
class JsonReader {
public:
    explicit JsonReader(std::string_view text) : rest_(text) {}

    std::optional<Properties> read() {
        if (!object("", 0)) return std::nullopt;
        skip_blanks();
        if (!rest_.empty()) return std::nullopt;
        return std::move(out_);
    }

private:
    static constexpr int max_depth = 16;
    static constexpr std::size_t max_values = 1024;

    void skip_blanks() {
        const auto first = rest_.find_first_not_of(" \t\r\n");
        rest_.remove_prefix(first == std::string_view::npos ? rest_.size() : first);
    }

    bool take(char expected) {
        skip_blanks();
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    bool object(const std::string& prefix, int depth) {
        if (depth > max_depth || !take('{')) return false;
        if (take('}')) return true;
        while (true) {
            std::string key;
            if (!string(key) || !take(':')) return false;
            if (!value(prefix.empty() ? key : prefix + "." + key, depth)) return false;
            if (take('}')) return true;
            if (!take(',')) return false;
        }
    }

    bool list(const std::string& prefix, int depth) {
        if (depth > max_depth || !take('[')) return false;
        if (take(']')) return true;
        for (std::size_t i = 0;; ++i) {
            if (!value(prefix + "." + std::to_string(i), depth)) return false;
            if (take(']')) return true;
            if (!take(',')) return false;
        }
    }

    bool value(const std::string& key, int depth) {
        skip_blanks();
        if (rest_.starts_with('{')) return object(key, depth + 1);
        if (rest_.starts_with('[')) return list(key, depth + 1);
        if (out_.size() == max_values) return false;
        std::string text;
        if (rest_.starts_with('"')) {
            if (!string(text)) return false;
        } else {
            const auto end = rest_.find_first_of(",}] \t\r\n");
            text = rest_.substr(0, end);
            if (text.empty()) return false;
            rest_.remove_prefix(text.size());
        }
        out_.push_back({key, std::move(text)});
        return true;
    }

    bool string(std::string& out) {
        if (!take('"')) return false;
        while (!rest_.empty()) {
            const char c = rest_[0];
            rest_.remove_prefix(1);
            if (c == '"') return true;
            if (c != '\\') {
                out += c;
            } else if (!escape(out)) {
                return false;
            }
        }
        return false;
    }

    bool escape(std::string& out) {
        if (rest_.empty()) return false;
        const char c = rest_[0];
        rest_.remove_prefix(1);
        switch (c) {
        case 'n':
            out += '\n';
            return true;
        case 't':
            out += '\t';
            return true;
        case 'u':
            return unicode(out);
        case '"':
        case '\\':
        case '/':
            out += c;
            return true;
        default:
            return false;
        }
    }

    // Only what fits one byte is needed in paths and ids; the rest is shown as '?'.
    bool unicode(std::string& out) {
        if (rest_.size() < 4) return false;
        unsigned code = 0;
        for (const char c : rest_.substr(0, 4)) {
            const auto digit = std::string_view{"0123456789abcdefABCDEF"}.find(c);
            if (digit == std::string_view::npos) return false;
            code = code * 16 + static_cast<unsigned>(digit < 16 ? digit : digit - 6);
        }
        rest_.remove_prefix(4);
        out += code < 0x80 ? static_cast<char>(code) : '?';
        return true;
    }

    std::string_view rest_;
    Properties out_;
};

} // namespace

std::optional<Properties> parse_json_properties(std::string_view text) {
    return JsonReader{text}.read();
}

} // namespace ctys::qemu
