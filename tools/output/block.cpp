#include "tools/output/block.h"

#include "mesh/core/text.h"
#include "tools/output/table.h"

#include <algorithm>
#include <iterator>

namespace ctys::tools {

namespace {

constexpr std::size_t page_width = 100;
constexpr std::size_t longest_line = 2000;

} // namespace

void Blocks::append(std::string_view text) {
    const auto clean = printable(text, longest_line);
    out_.append(view_.utf8 ? clean : to_ascii(clean));
    out_.push_back('\n');
}

void Blocks::headline(std::string_view text, std::string_view right) {
    const auto width = view_.width == 0 ? page_width : view_.width;
    const auto used = display_width(text) + display_width(right);
    const auto room = width > used ? width - used : 0;
    append(fmt::format("{}{}{}", text, std::string(std::max<std::size_t>(room, 3), ' '), right));
}

void Blocks::line(std::string_view title, std::string_view text) {
    const bool same = title_ == title;
    title_ = title;
    const auto end = text.find_last_not_of(' ');
    const auto trimmed = text.substr(0, end == std::string_view::npos ? 0 : end + 1);
    append(fmt::format(" {:<9} {}", same ? std::string_view{} : title, trimmed));
}

} // namespace ctys::tools
