#include "tools/create_conf/fat_image.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace ctys::conf {

namespace {

// Geometry of a floppy of 1.44 MB; sources: Microsoft's FAT specification (fatgen103), mkfs.fat.
constexpr std::size_t sector = 512;
constexpr std::size_t fat_sectors = 9;
constexpr std::size_t root_entries = 224;
constexpr std::size_t entry_bytes = 32;
constexpr std::size_t first_fat = sector;
constexpr std::size_t first_root = first_fat + 2 * fat_sectors * sector;
constexpr std::size_t first_data = first_root + root_entries * entry_bytes;
constexpr std::size_t clusters = (fat_image_bytes - first_data) / sector;
constexpr std::size_t name_characters = 13; // of one entry of a long name
constexpr unsigned end_of_chain = 0xfff;

class FatWriter {
public:
    explicit FatWriter(std::string_view label) : image_(fat_image_bytes, '\0') {
        std::array<char, 11> padded{};
        padded.fill(' ');
        std::copy_n(label.begin(), std::min(label.size(), padded.size()), padded.begin());
        const std::string_view name{padded.data(), padded.size()};
        boot_sector(name);
        set_fat(0, 0xff0);
        set_fat(1, end_of_chain);
        text(entry_, name);
        byte(entry_ + 11, 0x08); // the label of the volume
        entry_ += entry_bytes;
    }

    Status add(const FatFile& file) {
        if (file.name.empty() || file.name.size() > name_characters || file.bytes.empty())
            return fail(ErrorCode::Usage,
                        fmt::format("{} does not fit a floppy", printable(file.name)));
        const auto needed = (file.bytes.size() + sector - 1) / sector;
        if (next_ + needed > clusters + 2 || entry_ + 2 * entry_bytes > first_data)
            return fail(ErrorCode::Usage,
                        fmt::format("{} does not fit a floppy", printable(file.name)));
        const auto short_name = fmt::format("CTYS{:04}   ", ++files_);
        long_name(file.name, short_name);
        text(entry_, short_name);
        byte(entry_ + 11, 0x20);
        number(entry_ + 24, date_of_nothing);
        number(entry_ + 26, next_);
        number(entry_ + 28, file.bytes.size() & 0xffff);
        number(entry_ + 30, file.bytes.size() >> 16);
        entry_ += entry_bytes;
        text(first_data + (next_ - 2) * sector, file.bytes);
        for (std::size_t i = 1; i <= needed; ++i, ++next_) {
            set_fat(next_, i == needed ? end_of_chain : static_cast<unsigned>(next_ + 1));
        }
        return {};
    }

    std::string take() { return std::move(image_); }

private:
    static constexpr std::size_t date_of_nothing = 0x0021; // 1980-01-01

    void byte(std::size_t at, unsigned value) { image_[at] = static_cast<char>(value & 0xff); }
    void number(std::size_t at, std::size_t value) {
        byte(at, static_cast<unsigned>(value));
        byte(at + 1, static_cast<unsigned>(value >> 8));
    }
    void text(std::size_t at, std::string_view bytes) {
        std::copy(bytes.begin(), bytes.end(), image_.begin() + static_cast<std::ptrdiff_t>(at));
    }

    void boot_sector(std::string_view label) {
        text(0,
             "\xeb\x3c\x90"
             "CTYS    ");
        number(11, sector);
        byte(13, 1);   // sectors of a cluster
        number(14, 1); // sectors before the first table
        byte(16, 2);   // tables
        number(17, root_entries);
        number(19, fat_image_bytes / sector);
        byte(21, 0xf0); // a floppy
        number(22, fat_sectors);
        number(24, 18);   // sectors of a track
        number(26, 2);    // heads
        byte(38, 0x29);   // the three fields behind it are there
        text(39, "CTYS"); // its serial number
        text(43, label);
        text(54, "FAT12   ");
        text(510, "\x55\xaa");
    }

    // Twelve bits for each cluster, in both tables.
    void set_fat(std::size_t cluster, unsigned value) {
        for (std::size_t table = 0; table < 2; ++table) {
            const auto at = first_fat + table * fat_sectors * sector + cluster * 3 / 2;
            const auto low = static_cast<unsigned char>(image_[at]);
            const auto high = static_cast<unsigned char>(image_[at + 1]);
            if (cluster % 2 == 0) {
                byte(at, value);
                byte(at + 1, (high & 0xf0U) | value >> 8);
            } else {
                byte(at, (low & 0x0fU) | value << 4);
                byte(at + 1, value >> 4);
            }
        }
    }

    void long_name(std::string_view name, std::string_view short_name) {
        constexpr auto places =
            std::to_array<std::size_t>({1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30});
        std::uint8_t sum = 0;
        for (const char c : short_name) {
            sum = static_cast<std::uint8_t>((sum >> 1) + (sum << 7) + static_cast<std::uint8_t>(c));
        }
        byte(entry_, 0x41); // the first one, and the last
        byte(entry_ + 11, 0x0f);
        byte(entry_ + 13, sum);
        for (std::size_t i = 0; i < places.size(); ++i) {
            const std::size_t beyond = i == name.size() ? 0 : 0xffff;
            number(entry_ + places[i],
                   i < name.size() ? static_cast<std::size_t>(name[i]) : beyond);
        }
        entry_ += entry_bytes;
    }

    std::string image_;
    std::size_t entry_ = first_root;
    std::size_t next_ = 2; // the first cluster of data
    int files_ = 0;
};

} // namespace

Result<std::string> fat_image(std::string_view label, const std::vector<FatFile>& files) {
    FatWriter writer{label};
    for (const auto& file : files) {
        if (auto added = writer.add(file); !added) return tl::unexpected(added.error());
    }
    return writer.take();
}

} // namespace ctys::conf
