#include "mesh/core/masked_text.h"

namespace ctys {

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

} // namespace ctys
