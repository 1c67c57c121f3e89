#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::qemu {

/// An argument as its pieces between single commas, each as it is written: `,,` stays `,,`.
class ArgumentPieces {
public:
    explicit ArgumentPieces(std::string_view argument);

    /// The first piece, without `type=`; empty when there is none.
    [[nodiscard]] std::string_view kind() const;
    /// Takes every piece `key` or `key=value` away; the value of the last, "on" for a bare key,
    /// nothing when there was none.
    [[nodiscard]] std::optional<std::string> take(std::string_view key);
    [[nodiscard]] std::string text() const;
    /// The text after the first piece: empty, or with a comma before it.
    [[nodiscard]] std::string rest() const;
    void add(std::string piece) { pieces_.push_back(std::move(piece)); }

private:
    std::vector<std::string> pieces_;
};

/// `[tcp|udp]:HOSTPORT:[GUEST]:GUESTPORT` of -redir as the value of hostfwd=.
[[nodiscard]] std::optional<std::string> hostfwd_of_redir(std::string_view argument);

/// True for `2006-06-17` and `2006-06-17T16:01:21`, the numbers themselves unchecked.
[[nodiscard]] bool is_start_date(std::string_view argument);

/// `BUS.ADDRESS` or `VENDOR:PRODUCT` (hexadecimal) of -usbdevice host: as properties of usb-host.
[[nodiscard]] std::optional<std::string> usb_host_properties(std::string_view argument);

/// `[format=FORMAT:]FILE` of -usbdevice disk: as properties of -drive; without a format that of its
/// name (image_path.h).
[[nodiscard]] std::optional<std::string> usb_disk_properties(std::string_view argument);

/// A name of a device or format: letters, digits, '-', '_'; not empty.
[[nodiscard]] bool is_plain_name(std::string_view text);

} // namespace ctys::qemu
