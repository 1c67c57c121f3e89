#include "tools/create_conf/address_book.h"

#include <catch2/catch.hpp>

using namespace ctys::conf;

TEST_CASE("a macmap knows both addresses, in either order", "[create_conf]") {
    AddressBook book;
    book.add_macmap(
        "# site\n\ntst1;00:50:56:13:11:40;172.20.2.1;\ntst2;172.20.2.2;00:50:56:13:11:41\n;;\nx\n",
        "m");

    CHECK(book.find("tst1") == AddressEntry{"tst1", "00:50:56:13:11:40", "172.20.2.1", "m:3"});
    CHECK(book.find("TST2") == AddressEntry{"tst2", "00:50:56:13:11:41", "172.20.2.2", "m:4"});
    CHECK_FALSE(book.find("tst3"));
    CHECK_FALSE(book.find("x"));
}

TEST_CASE("ethers and hosts are joined by the name", "[create_conf]") {
    AddressBook book;
    book.add_ethers("00:50:56:13:11:40\ttst1.site  # first\nnonsense\n", "e");
    book.add_hosts("172.20.2.1 tst1.site tst1\n::1 localhost\n", "h");

    CHECK(book.find("tst1") == AddressEntry{"tst1.site", "00:50:56:13:11:40", "172.20.2.1", "e:1"});
}

TEST_CASE("ethers with addresses instead of names are joined by the MAC", "[create_conf]") {
    AddressBook book;
    book.add_ethers("00:50:56:13:11:40 tst1\n00:50:56:13:11:40 172.20.2.1\n", "e");

    CHECK(book.find("tst1") == AddressEntry{"tst1", "00:50:56:13:11:40", "172.20.2.1", "e:1"});
}

TEST_CASE("an address that is another's is named with that one", "[create_conf]") {
    AddressBook book;
    book.add_macmap("tst1;00:50:56:13:11:40;172.20.2.1;\n", "m");

    CHECK(book.contradictions("tst1", "00:50:56:13:11:40", "172.20.2.1").empty());
    CHECK(book.contradictions("tst2", "00:50:56:13:11:40", "172.20.2.1") ==
          std::vector<std::string>{"the MAC 00:50:56:13:11:40 is that of tst1 by m:1",
                                   "the address 172.20.2.1 is that of tst1 by m:1"});
}
