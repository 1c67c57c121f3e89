#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::conf {

/// What files of the site say of one machine; what they do not say is empty.
struct AddressEntry {
    std::string name;
    std::string mac; ///< lower case with colons
    std::string ip;
    std::string source; ///< "macmap.fdb:12"

    bool operator==(const AddressEntry&) const = default;
};

/// Names, MAC and IP addresses of a site, by which those of a new VM are known (S-147, S-278).
class AddressBook {
public:
    /// `name;MAC;IP;` per line (CTYS-REFERENCE 4.4); the two addresses in either order.
    void add_macmap(std::string_view text, std::string_view source);
    /// `MAC name` or `MAC IP` per line (ethers(5)).
    void add_ethers(std::string_view text, std::string_view source);
    /// `IP name...` per line (hosts(5)).
    void add_hosts(std::string_view text, std::string_view source);

    /// All that is known of a name (also of its first part before a dot), or of a MAC; the first
    /// file that says something wins. Nothing where nobody says anything.
    [[nodiscard]] std::optional<AddressEntry> find(std::string_view name_or_mac) const;
    /// Sentences about addresses that belong to another name or do not match each other.
    [[nodiscard]] std::vector<std::string>
    contradictions(std::string_view name, std::string_view mac, std::string_view ip) const;

private:
    void add(AddressEntry entry);

    std::vector<AddressEntry> entries_;
};

constexpr std::size_t max_address_entries = 100'000;

} // namespace ctys::conf
