#include "tools/legacy/masked_text.h"

namespace ctys::tools::legacy {

std::vector<Piece> split_masked(std::string_view text, char separator, std::size_t column) {
    std::vector<Piece> pieces{{.text = {}, .column = column}};
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool followed = i + 1 < text.size() && text[i + 1] == separator;
        if (followed && (text[i] == '\\' || text[i] == separator)) {
            pieces.back().text += separator;
            ++i;
        } else if (text[i] == separator) {
            pieces.push_back({.text = {}, .column = column + i + 1});
        } else {
            pieces.back().text += text[i];
        }
    }
    return pieces;
}

KeyValue split_key(std::string_view piece) {
    for (std::size_t i = 0; i < piece.size(); ++i) {
        if (piece[i] != ':') continue;
        return {.key = piece.substr(0, i), .value = piece.substr(i + 1), .has_value = true};
    }
    return {.key = piece};
}

} // namespace ctys::tools::legacy
