// Writes the bytes of every specimen that has no file yet into a folder: golden bytes of a protocol
// version, or a corpus for a fuzzer. A file that exists is never changed: old bytes must decode.
#include "tests/support/specimens.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>

int main(int count, char** arguments) {
    if (count < 2 || count > 3) {
        fmt::print(stderr, "usage: make_golden FOLDER [PREFIX]\n");
        return 2;
    }
    const std::filesystem::path folder{arguments[1]};
    const std::string_view prefix{count == 3 ? arguments[2] : ""};
    std::filesystem::create_directories(folder);
    for (const auto& specimen : ctys::samples::specimens()) {
        const auto path = folder / (specimen.name + ".bin");
        if (!specimen.name.starts_with(prefix) || std::filesystem::exists(path)) continue;
        std::ofstream file{path, std::ios::binary};
        file.write(reinterpret_cast<const char*>(specimen.bytes.data()),
                   static_cast<std::streamsize>(specimen.bytes.size()));
        if (!file.flush()) {
            fmt::print(stderr, "make_golden: cannot write {}\n", path.string());
            return 1;
        }
    }
    return 0;
}
