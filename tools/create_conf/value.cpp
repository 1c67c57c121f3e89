#include "tools/create_conf/value.h"

#include "mesh/core/near_word.h"
#include "mesh/core/text.h"
#include "mesh/core/uuid.h"
#include "mesh/qemu/option_text.h"
#include "tools/qemu_call/request.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <bit>

namespace ctys::conf {

namespace {

constexpr std::uint64_t most_cpus = 1024;
constexpr std::uint64_t most_blocks = 1'000'000;
constexpr std::size_t shown_bytes = 60;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool consists_of(std::string_view text, std::string_view more) {
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return is_letter_or_digit(c) || more.find(c) != std::string_view::npos;
    });
}

class ValueCheck {
public:
    ValueCheck(const Variable& variable, std::string_view text)
        : variable_(variable), text_(text) {}

    Result<std::string> run() const {
        if (text_.empty()) return std::string{};
        if (auto fine = bytes(); !fine) return tl::unexpected(fine.error());
        switch (variable_.kind) {
        case Kind::Label:
            return is_label(text_) ? taken()
                                   : not_a("label (letters, digits, _ . - and at most 63)");
        case Kind::Uuid:
            return uuid();
        case Kind::Mac:
            return mac();
        case Kind::Ip:
            return is_address() ? taken() : not_a("IP address");
        case Kind::Netmask:
            return is_netmask() ? taken() : not_a("netmask such as 255.255.0.0");
        case Kind::Number:
            return number();
        case Kind::Size:
            return size();
        case Kind::YesNo:
            return yes_or_no();
        case Kind::Choice:
            return choice();
        case Kind::Word:
            return consists_of(text_, "_.+:=-") ? taken() : not_a("single word");
        case Kind::Name:
            return consists_of(text_, "_.+:=@/()- ") ? taken() : not_a("name");
        case Kind::Path:
            return path();
        case Kind::Options:
            return options();
        }
        return taken();
    }

private:
    tl::unexpected<Error> refuse(std::string_view why) const {
        return fail(ErrorCode::Usage, fmt::format("{}: {}", variable_.name, why));
    }
    Result<std::string> taken() const { return std::string{text_}; }
    tl::unexpected<Error> not_a(std::string_view what) const {
        return refuse(fmt::format("\"{}\" is not a {}", printable(text_, shown_bytes), what));
    }

    // What no value of any kind may hold.
    Status bytes() const {
        if (text_.size() > max_value_bytes) {
            return refuse(fmt::format(
                "a value of {} bytes; at most {} are taken", text_.size(), max_value_bytes));
        }
        const auto control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; };
        if (std::any_of(text_.begin(), text_.end(), control))
            return refuse("a value is one line, without control characters");
        if (!is_utf8(text_)) return refuse("the value is not UTF-8");
        // A configuration is bash, and the scan reads quoted texts of it.
        const bool options = variable_.kind == Kind::Options;
        const auto at = text_.find_first_of(options ? "$`" : "$`\"'\\");
        if (at == std::string_view::npos) return {};
        return refuse(fmt::format("\"{}\" holds a {}, which means something to bash",
                                  printable(text_, shown_bytes),
                                  text_[at]));
    }

    Result<std::string> uuid() const {
        const auto parsed = Uuid::parse(text_);
        if (!parsed) return not_a("UUID (32 hexadecimal digits)");
        if (!parsed->identifies()) return refuse("this UUID stands for none");
        return parsed->to_string();
    }

    Result<std::string> mac() const {
        const auto parsed = qemu::parse_mac(text_);
        if (!parsed) return not_a("MAC address such as 00:50:56:16:11:0b");
        // The lowest bit of the first byte: an address of many, which no card may have.
        if (std::string_view{"13579bdf"}.find((*parsed)[1]) != std::string_view::npos)
            return refuse(fmt::format("{} is a multicast address, no card has it", *parsed));
        return *parsed;
    }

    bool is_address() const {
        std::array<unsigned char, 16> out{};
        const std::string text{text_};
        return ::inet_pton(AF_INET, text.c_str(), out.data()) == 1 ||
               ::inet_pton(AF_INET6, text.c_str(), out.data()) == 1;
    }

    bool is_netmask() const {
        in_addr out{};
        if (::inet_pton(AF_INET, std::string{text_}.c_str(), &out) != 1) return false;
        const std::uint32_t mask = ntohl(out.s_addr);
        return mask != 0 && std::countl_one(mask) + std::countr_zero(mask) == 32;
    }

    Result<std::string> number() const {
        const auto most = variable_.name == "SMP" ? most_cpus : most_blocks;
        const auto count = qemu::parse_number(text_);
        if (!count || *count < 1 || *count > most)
            return not_a(fmt::format("number from 1 to {}", most));
        return fmt::to_string(*count);
    }

    Result<std::string> size() const {
        const auto bytes = qemu::parse_size(text_, qemu::mebibyte);
        if (!bytes || *bytes < qemu::mebibyte) return not_a("size such as 512 (MB), 2G or 1T");
        // The wrapper takes a bare size of an image for bytes.
        const bool image = variable_.name.starts_with("HDDBOOTIMAGE") && qemu::parse_number(text_);
        return image ? fmt::format("{}M", text_) : taken();
    }

    Result<std::string> yes_or_no() const {
        const auto lower = to_lower(text_);
        if (lower == "y" || lower == "yes" || lower == "1" || lower == "on")
            return std::string{"y"};
        if (lower == "n" || lower == "no" || lower == "0" || lower == "off")
            return std::string{"n"};
        return not_a("y or n");
    }

    Result<std::string> choice() const {
        const auto words = split(variable_.choices, ' ');
        for (const auto word : words) {
            if (equals_ignoring_case(word, text_)) return std::string{word};
        }
        const auto near = near_word(text_, words);
        return refuse(fmt::format("\"{}\" is none of {}{}",
                                  printable(text_, shown_bytes),
                                  variable_.choices,
                                  near ? fmt::format("; {}?", *near) : ""));
    }

    Result<std::string> path() const {
        if (text_.ends_with('/')) return not_a("file: it ends with a /");
        if (text_ == "." || text_ == "..") return not_a("file");
        return taken();
    }

    Result<std::string> options() const {
        const auto words = call::split_words(text_);
        if (!words) return refuse(words.error().message);
        return taken();
    }

    const Variable& variable_;
    std::string_view text_;
};

} // namespace

Result<std::string> checked_value(const Variable& variable, std::string_view text) {
    const bool free = variable.kind == Kind::Options; // " -nographic " of the original
    return ValueCheck{variable, free ? trim(text) : text}.run();
}

} // namespace ctys::conf
