#include "mesh/qemu/shell_statements.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ctys::qemu {

namespace {

constexpr int max_script_depth = 16;

constexpr auto leading_keywords = std::to_array<std::string_view>(
    {"if", "then", "elif", "else", "fi", "while", "until", "do", "done", "!", "{", "}", "esac"});

bool is_script_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

bool is_variable_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class ScriptReader {
public:
    ScriptReader(std::string_view text, std::uint32_t line, int depth, ShellStatements& out)
        : text_(text), line_(line), depth_(depth), out_(out) {}

    void read() {
        while (at_ < text_.size()) {
            if (expects_pattern_ && skip_pattern()) continue;
            step();
        }
        end_statement();
    }

    // The whole text as one word; blanks are part of it.
    ScriptWord read_as_word() {
        while (at_ < text_.size()) {
            piece();
        }
        return std::move(word_);
    }

private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }

    void step() {
        const char c = peek();
        if (c == '\n') return end_line();
        if (is_script_blank(c)) return advance_word();
        if (c == '#' && !in_word_) return skip_comment();
        if (c == '\\' && peek(1) == '\n' && !in_word_) {
            at_ += 2;
            ++line_;
            return;
        }
        if (c == ';') return semicolon();
        if (c == '&' || c == '|') {
            ++at_;
            return end_statement();
        }
        if (c == '<' || c == '>') return redirection();
        if (c == '(') return parenthesis();
        if (c == ')') {
            ++at_;
            return end_statement();
        }
        piece();
    }

    void advance_word() {
        ++at_;
        end_word();
    }

    void skip_comment() {
        const auto end = text_.find('\n', at_);
        at_ = end == std::string_view::npos ? text_.size() : end;
    }

    void end_line() {
        end_statement();
        ++at_;
        ++line_;
        for (const auto& delimiter : std::exchange(here_documents_, {})) {
            skip_here_document(delimiter);
        }
    }

    void skip_here_document(const std::string& delimiter) {
        while (at_ < text_.size()) {
            const auto end = std::min(text_.find('\n', at_), text_.size());
            const auto row = text_.substr(at_, end - at_);
            at_ = std::min(end + 1, text_.size());
            ++line_;
            if (trim(row) == delimiter) return;
        }
    }

    void semicolon() {
        const bool twice = peek(1) == ';';
        end_statement();
        at_ += twice ? 2 : 1;
        expects_pattern_ = twice;
    }

    // What stands before the ')' of an arm of `case`; false where an arm ends the whole.
    bool skip_pattern() {
        while (at_ < text_.size() && (is_script_blank(peek()) || peek() == '\n')) {
            if (text_[at_++] == '\n') ++line_;
        }
        if (peek() == '#') {
            skip_comment();
            return true;
        }
        expects_pattern_ = false;
        if (text_.substr(at_).starts_with("esac")) return false;
        char quote = 0;
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '\n') ++line_;
            if (quote != 0) {
                if (c == quote) quote = 0;
            } else if (c == '\'' || c == '"') {
                quote = c;
            } else if (c == ')') {
                ++at_;
                break;
            }
        }
        return true;
    }

    void redirection() {
        const bool here = peek() == '<' && peek(1) == '<' && peek(2) != '<';
        // A number before it names a descriptor.
        const bool number =
            in_word_ && word_.shape.find_first_not_of("0123456789") == std::string::npos;
        if (number) {
            word_ = {};
            in_word_ = false;
        }
        end_word();
        while (peek() == '<' || peek() == '>' || peek() == '&' || peek() == '-' ||
               is_script_blank(peek())) {
            ++at_;
        }
        target_ = here ? Target::HereDocument : Target::File;
    }

    void parenthesis() {
        ++at_;
        end_word();
        auto& words = statement_.words;
        // NAME () or function NAME ()
        auto close = at_;
        while (close < text_.size() && is_script_blank(text_[close])) {
            ++close;
        }
        if (words.empty() || close == text_.size() || text_[close] != ')') return end_statement();
        out_.functions.push_back(words.back().shape);
        words.clear();
        at_ = close + 1;
    }

    void begin_word() {
        if (!in_word_ && statement_.words.empty()) statement_.line = line_;
        in_word_ = true;
    }

    void end_word() {
        if (!std::exchange(in_word_, false)) return;
        auto word = std::exchange(word_, {});
        if (target_ != Target::None) {
            if (target_ == Target::HereDocument) here_documents_.push_back(word.shape);
            target_ = Target::None;
            return;
        }
        auto& words = statement_.words;
        const bool keyword = words.empty() && std::find(leading_keywords.begin(),
                                                        leading_keywords.end(),
                                                        word.shape) != leading_keywords.end();
        if (keyword) return;
        words.push_back(std::move(word));
        const auto& first = words.front().shape;
        if (first == "function" && words.size() == 2) {
            out_.functions.push_back(words[1].shape);
            words.clear();
            return;
        }
        if (first == "case" && words.size() == 3 && words[2].shape == "in") {
            words.clear();
            expects_pattern_ = true;
        }
    }

    void end_statement() {
        end_word();
        target_ = Target::None;
        auto statement = std::exchange(statement_, {});
        if (statement.words.empty()) return;
        const auto& first = statement.words.front().shape;
        if (first == "for" || first == "select") return;
        out_.statements.push_back(std::move(statement));
    }

    // One character, quoted text or expansion of a word.
    void piece() {
        begin_word();
        const char c = peek();
        if (c == '\\') {
            if (peek(1) == '\n') {
                ++line_;
            } else if (at_ + 1 < text_.size()) {
                word_.shape += peek(1);
            }
            at_ = std::min(at_ + 2, text_.size());
        } else if (c == '\'') {
            single_quoted();
        } else if (c == '"') {
            double_quoted();
        } else if (c == '$') {
            dollar();
        } else if (c == '`') {
            substitution('`');
        } else {
            if (c == '\n') ++line_;
            word_.shape += c;
            ++at_;
        }
    }

    void single_quoted() {
        const auto end = std::min(text_.find('\'', at_ + 1), text_.size());
        const auto inside = text_.substr(at_ + 1, end - at_ - 1);
        line_ += static_cast<std::uint32_t>(std::count(inside.begin(), inside.end(), '\n'));
        word_.shape += inside;
        at_ = std::min(end + 1, text_.size());
    }

    void double_quoted() {
        ++at_;
        while (at_ < text_.size() && peek() != '"') {
            if (peek() == '\'') {
                word_.shape += '\'';
                ++at_;
            } else {
                piece();
            }
        }
        at_ = std::min(at_ + 1, text_.size());
    }

    void dollar() {
        ++at_;
        if (peek() == '{') return braces();
        if (peek() == '(') return substitution(')');
        std::string name;
        if (is_variable_char(peek())) {
            while (is_variable_char(peek())) {
                name += text_[at_++];
            }
        } else if (std::string_view{"*@#?!$-"}.find(peek()) != std::string_view::npos &&
                   at_ < text_.size()) {
            name = text_[at_++];
        }
        expanded(std::move(name));
    }

    void expanded(std::string name) {
        if (word_.shape.empty() && word_.variable.empty()) word_.variable = std::move(name);
        word_.shape += ScriptWord::expansion;
    }

    // Behind the opening of the inner text; returns it, and leaves its end behind.
    std::string_view inner(char open, char close) {
        const auto begin = at_;
        int open_ones = 1;
        char quote = 0;
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '\\') {
                ++at_;
            } else if (quote != 0) {
                if (c == quote) quote = 0;
            } else if (c == '\'' || c == '"') {
                quote = c;
            } else if (c == close && --open_ones == 0) {
                break;
            } else if (c == open) {
                ++open_ones;
            }
        }
        at_ = std::min(at_, text_.size());
        const auto text = text_.substr(begin, at_ - begin);
        at_ = std::min(at_ + 1, text_.size());
        return text;
    }

    void count_lines(std::string_view text) {
        line_ += static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
    }

    void braces() {
        ++at_;
        const auto text = inner('{', '}');
        std::size_t size = 0;
        if (!text.empty() && !is_variable_char(text[0])) size = 1; // ${#NAME}, ${!NAME}, ${*}
        while (size < text.size() && is_variable_char(text[size])) {
            ++size;
        }
        auto operation = text.substr(size);
        std::string name{text.substr(0, size)};
        const bool colon = operation.starts_with(':');
        if (colon) operation.remove_prefix(1);
        const char kind = operation.empty() ? '\0' : operation[0];
        if (depth_ < max_script_depth && (kind == '-' || kind == '=' || kind == '+')) {
            const auto other =
                ScriptReader{operation.substr(1), line_, depth_ + 1, out_}.read_as_word();
            if (kind == '+') {
                word_.shape += other.shape;
                count_lines(text);
                return;
            }
            const bool constant = std::any_of(other.shape.begin(), other.shape.end(), [](char c) {
                return c != ScriptWord::expansion && !is_script_blank(c);
            });
            word_.has_constant_default =
                word_.has_constant_default || constant || other.has_constant_default;
        }
        count_lines(text);
        expanded(std::move(name));
    }

    void substitution(char close) {
        ++at_;
        const auto text = inner(close == ')' ? '(' : '\0', close);
        const bool arithmetic = close == ')' && text.starts_with('(');
        if (depth_ < max_script_depth && !arithmetic) {
            ScriptReader{text, line_, depth_ + 1, out_}.read();
        }
        count_lines(text);
        expanded({});
    }

    enum class Target { None, File, HereDocument };

    std::string_view text_;
    std::size_t at_ = 0;
    std::uint32_t line_;
    int depth_;
    ShellStatements& out_;
    ShellStatement statement_;
    ScriptWord word_;
    bool in_word_ = false;
    bool expects_pattern_ = false;
    Target target_ = Target::None;
    std::vector<std::string> here_documents_;
};

} // namespace

ShellStatements read_shell_statements(std::string_view script) {
    ShellStatements out;
    ScriptReader{script, 1, 0, out}.read();
    return out;
}

} // namespace ctys::qemu
