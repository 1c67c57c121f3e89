#include "tools/create_conf/board.h"

#include "mesh/core/near_word.h"
#include "mesh/core/text.h"
#include "mesh/qemu/command_line.h"

#include <algorithm>
#include <array>
#include <vector>

namespace ctys::conf {

namespace {

struct NamedBoard {
    std::string_view names; ///< lower case, separated by spaces
    Board board;
};

// Machines without PCI take neither virtio disks nor virtio cards: integratorcp has an SD slot and
// a card of its own, mcf5208evb a card and no disk at all.
constexpr auto boards = std::to_array<NamedBoard>({
    {"x86_64 amd64 x86-64", {.arch = "x86_64", .console = "ttyS0"}},
    {"i386 i486 i586 i686 x86", {.arch = "i386", .console = "ttyS0"}},
    {"arm926 arm926ej-s integratorcp",
     {.arch = "arm",
      .cpu = "arm926",
      .machine = "integratorcp",
      .image_interface = "sd",
      .nic = "board",
      .console = "ttyAMA0",
      .boots_kernel = true}},
    {"coldfire mcf5208 m68k",
     {.arch = "m68k",
      .cpu = "any",
      .machine = "mcf5208evb",
      .image_interface = "none",
      .nic = "board",
      .console = "ttyS0",
      .boots_kernel = true}},
    {"arm armhf armv7l",
     {.arch = "arm", .machine = "virt", .console = "ttyAMA0", .boots_kernel = true}},
    {"aarch64 arm64",
     {.arch = "aarch64",
      .cpu = "max",
      .machine = "virt",
      .console = "ttyAMA0",
      .boots_kernel = true}},
    {"mips",
     {.arch = "mips",
      .machine = "malta",
      .image_interface = "ide",
      .nic = "pcnet",
      .console = "ttyS0",
      .boots_kernel = true}},
    {"mipsel",
     {.arch = "mipsel",
      .machine = "malta",
      .image_interface = "ide",
      .nic = "pcnet",
      .console = "ttyS0",
      .boots_kernel = true}},
    {"ppc powerpc",
     {.arch = "ppc",
      .machine = "g3beige",
      .image_interface = "ide",
      .nic = "ne2k_pci",
      .console = "ttyPZ0"}},
    {"ppc64", {.arch = "ppc64", .machine = "pseries", .console = "hvc0"}},
    {"sparc spark",
     {.arch = "sparc",
      .machine = "SS-5",
      .image_interface = "scsi",
      .nic = "board",
      .console = "ttyS0"}},
    {"sparc64",
     {.arch = "sparc64",
      .machine = "sun4u",
      .image_interface = "ide",
      .nic = "board",
      .console = "ttyS0"}},
    {"sh4",
     {.arch = "sh4",
      .machine = "r2d",
      .image_interface = "ide",
      .nic = "rtl8139",
      .console = "ttySC1",
      .boots_kernel = true}},
    {"alpha",
     {.arch = "alpha",
      .machine = "clipper",
      .image_interface = "ide",
      .nic = "e1000",
      .console = "ttyS0",
      .boots_kernel = true}},
    {"s390x", {.arch = "s390x", .machine = "s390-ccw-virtio", .console = "ttysclp0"}},
    {"riscv64", {.arch = "riscv64", .machine = "virt", .console = "ttyS0", .boots_kernel = true}},
});

} // namespace

std::optional<Board> board_of(std::string_view arch) {
    const auto wanted = to_lower(arch);
    for (const auto& [names, board] : boards) {
        const auto words = split(names, ' ');
        if (std::find(words.begin(), words.end(), wanted) != words.end()) return board;
    }
    return std::nullopt;
}

std::string_view near_arch(std::string_view arch) {
    std::vector<std::string_view> known;
    for (const auto& [names, board] : boards) {
        for (const auto word : split(names, ' ')) {
            known.push_back(word);
        }
    }
    const auto near = near_word(arch, known);
    if (!near) return {};
    return *std::find(known.begin(), known.end(), *near);
}

std::string_view arch_of_starter(std::string_view path) {
    return qemu::arch_of_program(path);
}

} // namespace ctys::conf
