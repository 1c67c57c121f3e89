// Plays stories and compares what came of them with their golden logs.

#include "tests/support/simulation/story.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>

namespace {

std::string read(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// The first lines that differ: what follows is mostly their consequence.
void tell_difference(const std::string& expected, const std::string& found) {
    std::istringstream golden{expected};
    std::istringstream fresh{found};
    std::string a;
    std::string b;
    int shown = 0;
    for (int number = 1; shown < 8; ++number) {
        const bool more_a = static_cast<bool>(std::getline(golden, a));
        const bool more_b = static_cast<bool>(std::getline(fresh, b));
        if (!more_a && !more_b) return;
        if (!more_a) a.clear();
        if (!more_b) b.clear();
        if (a == b) continue;
        ++shown;
        fmt::print("line {}:\n  - {}\n  + {}\n", number, a, b);
    }
}

bool play(const std::string& path, bool update, bool verbose) {
    ctys::sim::Story story{read(path), verbose};
    const auto log = story.log();
    for (const auto& complaint : story.complaints()) {
        fmt::print("{}: {}\n", path, complaint);
    }
    const auto golden = path.substr(0, path.rfind('.')) + ".log";
    if (update) {
        std::ofstream{golden} << log;
        return story.complaints().empty();
    }
    const auto expected = read(golden);
    if (expected != log) {
        fmt::print("{} differs from {}:\n", path, golden);
        tell_difference(expected, log);
    }
    return story.complaints().empty() && expected == log;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Plays scripted lives of a mesh against their golden logs"};
    std::vector<std::string> stories;
    bool update = false;
    bool verbose = false;
    app.add_option("STORY", stories, "files *.story")->required();
    app.add_flag(
        "--update", update, "write the logs anew; read the difference before committing it");
    app.add_flag("--verbose", verbose, "tell what happens on the machines too");
    CLI11_PARSE(app, argc, argv);
    int failed = 0;
    for (const auto& story : stories) {
        if (!play(story, update, verbose)) ++failed;
    }
    fmt::print("{} stories, {} failed\n", stories.size(), failed);
    return failed == 0 ? 0 : 1;
}
