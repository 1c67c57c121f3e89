#include "mesh/qemu/boot_mode.h"

#include "mesh/core/masked_text.h"
#include "mesh/core/near_word.h"
#include "mesh/core/text.h"

#include <algorithm>
#include <array>
#include <span>

namespace ctys::qemu {

namespace {

struct MediumRow {
    std::string_view name;
    Medium medium;
};

constexpr auto media = std::to_array<MediumRow>({{"CD", Medium::Cd},
                                                 {"DVD", Medium::Dvd},
                                                 {"FDD", Medium::Fdd},
                                                 {"HDD", Medium::Hdd},
                                                 {"VHDD", Medium::Vhdd},
                                                 {"USB", Medium::Usb},
                                                 {"PXE", Medium::Pxe},
                                                 {"INSTALL", Medium::Install}});

using Spellings = std::span<const std::string_view>;
constexpr auto boot_words =
    std::to_array<std::string_view>({"CD", "DVD", "FDD", "HDD", "VHDD", "USB", "PXE", "INSTALL"});
constexpr auto source_words =
    std::to_array<std::string_view>({"CD", "DVD", "FDD", "HDD", "VHDD", "USB", "PXE", "default"});
constexpr auto target_words =
    std::to_array<std::string_view>({"HDD", "VHDD", "USB", "FDD", "default"});
constexpr std::size_t max_stage = 64;

bool is_default(std::string_view part) {
    return equals_ignoring_case(part, "default");
}

bool is_stage_word(std::string_view part) {
    return part.size() <= max_stage && std::all_of(part.begin(), part.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
           });
}

std::string one_of(Spellings words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i != 0) out += i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

// The parts of one value, with what a message about one of them begins with.
class Parts {
public:
    Parts(std::string_view option, std::string_view text)
        : option_(option), pieces_(split_masked(text, '%')) {}

    static Result<Parts> cut(std::string_view option, std::string_view text) {
        if (auto fine = check_text(option, text, max_mode_bytes); !fine)
            return fail(ErrorCode::Usage, fine.error().message);
        const auto shown = printable(text, max_mode_bytes);
        if (shown != text) {
            const auto control =
                std::mismatch(text.begin(), text.end(), shown.begin(), shown.end());
            return fail(ErrorCode::Usage,
                        fmt::format("{}, column {}: a control character",
                                    option,
                                    control.first - text.begin() + 1));
        }
        return Parts{option, text};
    }

    std::size_t size() const { return pieces_.size(); }
    const std::string& operator[](std::size_t i) const { return pieces_[i].text; }
    bool left_out(std::size_t i) const { return i >= pieces_.size(); }

    tl::unexpected<Error> bad(std::size_t i, std::string_view part, std::string_view why) const {
        return fail(ErrorCode::Usage,
                    fmt::format("{}, column {}, {}: {}", option_, pieces_[i].column, part, why));
    }

    tl::unexpected<Error> unknown(std::size_t i, std::string_view part, Spellings words) const {
        const auto& text = pieces_[i].text;
        const auto near = near_word(text, words);
        // Whoever leaves a part empty has typed a mask: it swallows both signs.
        const bool masked = text.find('%') != std::string::npos;
        return bad(i,
                   part,
                   fmt::format("\"{}\" is not {}{}{}",
                               printable(text, 40),
                               one_of(words),
                               near ? "; the nearest is " + *near : "",
                               masked ? "; %% is a % inside of a part" : ""));
    }

    // Nothing for `default` and for a part that is left out.
    Result<std::optional<Medium>>
    medium(std::size_t i, std::string_view part, Spellings words) const {
        if (left_out(i) || is_default(pieces_[i].text)) return std::nullopt;
        for (const auto& row : media) {
            if (!equals_ignoring_case(row.name, pieces_[i].text)) continue;
            if (std::find(words.begin(), words.end(), row.name) != words.end()) return row.medium;
        }
        return unknown(i, part, words);
    }

    Result<std::string>
    path(std::size_t i, std::string_view part, std::string_view accepted) const {
        if (left_out(i) || is_default(pieces_[i].text)) return std::string{};
        if (pieces_[i].text.empty())
            return bad(i, part, fmt::format("it is empty; {} is accepted", accepted));
        return pieces_[i].text;
    }

    Status no_more_than(std::size_t most, std::string_view grammar) const {
        if (pieces_.size() <= most) return {};
        return bad(most,
                   fmt::format("part {}", most + 1),
                   fmt::format("there are {} parts; {} is accepted, and a % inside of a part is %%",
                               pieces_.size(),
                               grammar));
    }

private:
    std::string_view option_;
    std::vector<Piece> pieces_;
};

Status take_stage(InstallMode& mode, const Parts& parts) {
    if (parts.left_out(4) || is_default(parts[4]) || equals_ignoring_case(parts[4], "none"))
        return {};
    if (equals_ignoring_case(parts[4], "INIT")) {
        mode.stage = Stage::Init;
        return {};
    }
    // A slip in a word that decides about emptying is no stage of somebody's own.
    std::string near;
    for (const auto word : {"INIT", "default"}) {
        if (is_stage_word(parts[4]) && edit_distance(to_lower(parts[4]), to_lower(word)) == 1)
            near = fmt::format("; the nearest is {}", word);
    }
    if (parts[4].empty() || !is_stage_word(parts[4]) || !near.empty()) {
        return parts.bad(4,
                         "stage",
                         fmt::format("\"{}\" is not INIT, none, default or a word of your own "
                                     "(letters, digits, - and _, up to {}){}",
                                     printable(parts[4], 40),
                                     max_stage,
                                     near));
    }
    mode.stage = Stage::Custom;
    mode.custom = parts[4];
    return {};
}

} // namespace

std::string_view to_string(Medium medium) {
    switch (medium) {
    case Medium::Cd:
        return "CD";
    case Medium::Dvd:
        return "DVD";
    case Medium::Fdd:
        return "FDD";
    case Medium::Hdd:
        return "HDD";
    case Medium::Vhdd:
        return "VHDD";
    case Medium::Usb:
        return "USB";
    case Medium::Pxe:
        return "PXE";
    case Medium::Install:
        return "INSTALL";
    }
    return "HDD";
}

Result<BootMode> parse_boot_mode(std::string_view text) {
    const auto parts = Parts::cut("BOOTMODE", text);
    if (!parts) return tl::unexpected(parts.error());
    if (equals_ignoring_case((*parts)[0], "KERNEL"))
        return parts->bad(0, "mode", "a kernel is given by KERNEL, the wrapper's --kernelmode");
    if (is_default((*parts)[0])) return parts->unknown(0, "mode", boot_words);
    auto medium = parts->medium(0, "mode", boot_words);
    if (!medium) return tl::unexpected(medium.error());
    if (auto fine = parts->no_more_than(2, "<mode>[%<path>]"); !fine)
        return tl::unexpected(fine.error());
    auto path = parts->path(1, "path", "a path or default");
    if (!path) return tl::unexpected(path.error());
    return BootMode{.medium = **medium, .path = std::move(*path)};
}

Result<InstallMode> parse_install_mode(std::string_view text) {
    if (text.empty()) return InstallMode{};
    const auto parts = Parts::cut("INSTMODE", text);
    if (!parts) return tl::unexpected(parts.error());
    InstallMode mode;
    auto source = parts->medium(0, "source mode", source_words);
    if (!source) return tl::unexpected(source.error());
    mode.source = *source;
    auto path = parts->path(1, "source path", "a path, default or none");
    if (!path) return tl::unexpected(path.error());
    mode.boot_image = equals_ignoring_case(*path, "none");
    if (!mode.boot_image) mode.source_path = std::move(*path);
    auto target = parts->medium(2, "target mode", target_words);
    if (!target) return tl::unexpected(target.error());
    mode.target = *target;
    auto target_path = parts->path(3, "target path", "a path or default");
    if (!target_path) return tl::unexpected(target_path.error());
    mode.target_path = std::move(*target_path);
    if (auto fine = take_stage(mode, *parts); !fine) return tl::unexpected(fine.error());
    constexpr auto grammar = "<mode>%<path>%<target mode>%<target path>%<stage>";
    if (auto fine = parts->no_more_than(5, grammar); !fine) return tl::unexpected(fine.error());
    return mode;
}

Result<KernelMode> parse_kernel_mode(std::string_view text) {
    const auto parts = Parts::cut("KERNEL", text);
    if (!parts) return tl::unexpected(parts.error());
    KernelMode mode;
    auto kernel =
        text.empty() ? Result<std::string>{} : parts->path(0, "kernel", "a path or default");
    if (!kernel) return tl::unexpected(kernel.error());
    mode.kernel = std::move(*kernel);
    auto initrd = parts->path(1, "initrd", "a path or default");
    if (!initrd) return tl::unexpected(initrd.error());
    mode.initrd = std::move(*initrd);
    if (parts->size() == 3 && is_default((*parts)[2])) return mode;
    for (std::size_t i = 2; i < parts->size(); ++i) {
        if (i > 2) mode.append += ' ';
        mode.append += (*parts)[i];
    }
    return mode;
}

} // namespace ctys::qemu
