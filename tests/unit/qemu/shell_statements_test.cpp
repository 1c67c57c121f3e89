#include "mesh/qemu/shell_statements.h"

#include <catch2/catch.hpp>

using namespace ctys::qemu;

namespace {

// Each statement as its words with a '|' between them.
std::vector<std::string> shapes_of(std::string_view script) {
    std::vector<std::string> out;
    for (const auto& statement : read_shell_statements(script).statements) {
        std::string line;
        for (const auto& word : statement.words) {
            line += (line.empty() ? "" : "|") + word.shape;
        }
        out.push_back(line);
    }
    return out;
}

using Shapes = std::vector<std::string>;

} // namespace

TEST_CASE("a script is read as its simple commands", "[qemu]") {
    const auto& [script, expected] = GENERATE(table<std::string, Shapes>(
        {{"a b;c&&d||e|f & g", {"a|b", "c", "d", "e", "f", "g"}},
         {"# a\na # b\na#b 'c d' \"e f\" g\\ h", {"a", "a#b|c d|e f|g h"}},
         {"if [ -n \"$1\" ];then\n  a\nelse b;fi", {"[|-n|$|]", "a", "b"}},
         {"while ! a;do b;done >c 2>&1 <d", {"a", "b"}},
         {"for i in $x;do a \"$i\";done", {"a|$"}},
         {"case $x in\n# c\n 'a'|b*)\n c;;\n (d) e\n ;;\nesac\nf", {"c", "e", "f"}},
         {"case a in b) case c in d)e;;esac;; f)g;;esac;h", {"e", "g", "h"}},
         {"cat <<E >&2\na b\n E\nc", {"cat", "c"}},
         {"a \\\n b", {"a|b"}},
         {"x=${y}z a", {"x=$z|a"}},
         {"x=`a b`;y=$(c \"$(d)\") z=$((1+2))", {"a|b", "x=$", "d", "c|$", "y=$|z=$"}},
         {"x=${y:+ -L $z}", {"x= -L $"}},
         {"x=${y##*\\%} z=${#w}", {"x=$|z=$"}},
         {"a 'b\nc' d", {"a|b\nc|d"}},
         {"", {}},
         {"'", {""}},
         {"${", {"$"}},
         {"$(", {"$"}},
         {"case x in", {}}}));
    CAPTURE(script);

    CHECK(shapes_of(script) == expected);
}

TEST_CASE("statements know their lines", "[qemu]") {
    const auto script = read_shell_statements("a\n\nif b 'x\ny';then c\nfi;d `e\nf`");

    std::vector<std::uint32_t> lines;
    for (const auto& statement : script.statements) {
        lines.push_back(statement.line);
    }
    CHECK(lines == std::vector<std::uint32_t>{1, 3, 4, 5, 6, 5});
}

TEST_CASE("functions of a script are named, and what they do is read", "[qemu]") {
    const auto script =
        read_shell_statements("function a () {\n b\n}\nc() { d; }\nfunction e { f; }");

    CHECK(script.functions == Shapes{"a", "c", "e"});
    CHECK(shapes_of("function a () {\n b\n}\nc() { d; }\nfunction e { f; }") ==
          Shapes{"b", "d", "f"});
}

TEST_CASE("a word tells the variable it begins with and a default of its own", "[qemu]") {
    const auto words =
        read_shell_statements("${A:-$B} ${C:-d} $E/f ${G##h} \"${I:=${J:-k}}\"").statements.at(0);

    std::vector<std::pair<std::string, bool>> seen;
    for (const auto& word : words.words) {
        seen.emplace_back(word.variable, word.has_constant_default);
    }
    CHECK(seen == std::vector<std::pair<std::string, bool>>{
                      {"A", false}, {"C", true}, {"E", false}, {"G", false}, {"I", true}});
}

TEST_CASE("no depth and no rubbish ends the reading", "[qemu]") {
    std::string deep;
    for (int i = 0; i < 5000; ++i) {
        deep += "$(a ${x:-";
    }
    CHECK_FALSE(read_shell_statements(deep).statements.empty());
    for (const auto* piece : {"a(", "a $(", "case a in b)", "<<E\n", "\\\n", "function "}) {
        std::string many;
        for (int i = 0; i < 50'000; ++i) {
            many += piece;
        }
        CHECK_NOTHROW(read_shell_statements(many));
    }
    std::string bytes;
    for (int i = 0; i < 20000; ++i) {
        bytes += static_cast<char>((i * 7919 + i / 3) % 256);
    }
    CHECK_NOTHROW(read_shell_statements(bytes));
}
