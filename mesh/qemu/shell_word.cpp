#include "mesh/qemu/shell_word.h"

namespace ctys::qemu {

namespace {

constexpr std::size_t max_value = std::size_t{16} * 1024;

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class WordReader {
public:
    WordReader(std::string_view text, const Variables& known) : rest_(text), known_(known) {}

    ShellWord read() {
        if (rest_.starts_with('(')) return {.followed = false}; // an array
        while (!rest_.empty() && !ends_word(rest_[0])) {
            piece();
        }
        return finish();
    }

private:
    static bool ends_word(char c) {
        return std::string_view{" \t\r;&|<>()"}.find(c) != std::string_view::npos;
    }

    char take() {
        const char c = rest_[0];
        rest_.remove_prefix(1);
        return c;
    }

    void piece() {
        const char c = take();
        switch (c) {
        case '\'':
            return single_quoted();
        case '"':
            return double_quoted();
        case '\\':
            if (rest_.empty()) constant_ = false; // continued on the next line
            if (!rest_.empty()) add(take());
            return;
        case '$':
            return variable();
        case '`':
            return give_up();
        default:
            add(c);
        }
    }

    // What a command's output or bash's own state decides; where such a word ends needs a whole
    // shell.
    void give_up() {
        constant_ = false;
        gave_up_ = true;
        rest_ = {};
    }

    void add(char c) { value_ += c; }

    void single_quoted() {
        while (!rest_.empty()) {
            const char c = take();
            if (c == '\'') return;
            add(c);
        }
        open_quote_ = '\'';
    }

    void double_quoted() {
        while (!rest_.empty()) {
            const char c = take();
            if (c == '"') return;
            if (c == '\\' && !rest_.empty()) {
                const char next = take();
                if (std::string_view{"$`\"\\"}.find(next) == std::string_view::npos) add('\\');
                add(next);
            } else if (c == '$') {
                variable();
            } else if (c == '`') {
                give_up();
            } else {
                add(c);
            }
        }
        if (!gave_up_) open_quote_ = '"';
    }

    std::string_view name() {
        std::size_t length = 0;
        while (length < rest_.size() && is_name_char(rest_[length])) {
            ++length;
        }
        const auto out = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return out;
    }

    void put(std::string_view variable, std::optional<std::string_view> otherwise) {
        const auto found = known_.find(variable);
        if (found != known_.end() && !(found->second.empty() && otherwise)) {
            value_ += found->second;
        } else if (otherwise) {
            value_ += *otherwise;
        } else {
            constant_ = false;
        }
        if (value_.size() > max_value) constant_ = false;
    }

    void variable() {
        if (!rest_.starts_with('{')) {
            const auto plain = name();
            if (plain.empty()) return give_up(); // $(...), $?
            return put(plain, std::nullopt);
        }
        rest_.remove_prefix(1);
        const auto braced = name();
        const auto close = rest_.find('}');
        const auto form = rest_.substr(0, close);
        if (close == std::string_view::npos || braced.empty()) {
            constant_ = false;
            return;
        }
        rest_.remove_prefix(close + 1);
        if (form.empty()) return put(braced, std::nullopt);
        const bool fallback =
            form.starts_with(":-") && form.find_first_of("$`\"'\\") == std::string_view::npos;
        if (fallback) return put(braced, form.substr(2));
        constant_ = false;
    }

    ShellWord finish() const {
        ShellWord out{.open_quote = open_quote_};
        if (constant_ && open_quote_ == 0 && value_.size() <= max_value) out.value = value_;
        const auto next = rest_.find_first_not_of(" \t\r");
        if (next == std::string_view::npos) return out;
        // "A=1;" and "A=1 # why" end here; "A=1 make" sets A for make only.
        out.followed = rest_[next] != ';' && !(rest_[next] == '#' && next > 0);
        return out;
    }

    std::string_view rest_;
    const Variables& known_;
    std::string value_;
    bool constant_ = true;
    bool gave_up_ = false;
    char open_quote_ = 0;
};

} // namespace

ShellWord read_shell_word(std::string_view text, const Variables& known) {
    return WordReader{text, known}.read();
}

} // namespace ctys::qemu
