#include "mesh/store/keys.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::store;

namespace {

template <typename Id>
Id id_of(std::uint8_t first, std::uint8_t last) {
    Id id;
    id.uuid.bytes.front() = first;
    id.uuid.bytes.back() = last;
    return id;
}

std::string text(const Key& key) {
    return std::string(text_of(key.bytes()));
}

} // namespace

TEST_CASE("every key survives encoding and decoding", "[store]") {
    const auto vm = id_of<VmId>(1, 2);
    const auto worker = id_of<WorkerId>(3, 255);
    const PathKey path{vm, worker, 77};
    const InstanceKey instance{vm, id_of<BootId>(9, 8), 4'194'304, 0x1122334455667788};
    const WorkerKey mark{worker, WorkerRow::Mark};

    CHECK(decode_vm_key(vm_key(vm)).value() == vm);
    CHECK(decode_path_key(path_key(path)).value() == path);
    CHECK(decode_instance_key(instance_key(instance)).value() == instance);
    CHECK(decode_worker_key(worker_key(mark)).value() == mark);
    CHECK(decode_action_key(action_key(ActionId{77})).value() == ActionId{77});
    CHECK(decode_pool_key(pool_key(id_of<PoolId>(4, 4))).value() == id_of<PoolId>(4, 4));
    CHECK(decode_sequence_key(sequence_key(UINT64_MAX)).value() == UINT64_MAX);
    CHECK(decode_minute_key(minute_key(29'000'000)).value() == 29'000'000);
    CHECK(decode_minute_key(minute_key(-5)).value() == 0);
}

TEST_CASE("a key of a wrong length is malformed for every decoder", "[store]") {
    const std::vector<std::byte> bytes(600, std::byte{2});
    const auto size = GENERATE(0U, 1U, 7U, 9U, 15U, 18U, 31U, 33U, 43U, 45U, 511U, 600U);
    const auto key = Bytes(bytes).first(size);

    CHECK_FALSE(decode_vm_key(key));
    CHECK_FALSE(decode_path_key(key));
    CHECK_FALSE(decode_instance_key(key));
    CHECK_FALSE(decode_worker_key(key));
    CHECK_FALSE(decode_action_key(key));
    CHECK_FALSE(decode_pool_key(key));
    CHECK_FALSE(decode_sequence_key(key));
    CHECK_FALSE(decode_minute_key(key));
    CHECK_FALSE(decode_text_key(key));
}

TEST_CASE("a worker key with an unknown row is malformed", "[store]") {
    auto key = Key{}.add(Uuid{}).add_integer(2, 1);
    CHECK_FALSE(decode_worker_key(key));
}

TEST_CASE("the order of keys is the order of numbers", "[store]") {
    CHECK(text(sequence_key(255)) < text(sequence_key(256)));
    CHECK(text(sequence_key(0xFFFFFFFF)) < text(sequence_key(0x100000000)));
    CHECK(text(worker_key({id_of<WorkerId>(1, 1), WorkerRow::Record})) <
          text(worker_key({id_of<WorkerId>(1, 1), WorkerRow::Mark})));
}

TEST_CASE("the key of a VM is the prefix of its paths and instances", "[store]") {
    const auto vm = id_of<VmId>(1, 2);
    CHECK(text(path_key({vm, id_of<WorkerId>(3, 4), 5})).starts_with(text(vm_key(vm))));
    CHECK(text(instance_key({vm, {}, 1, 1})).starts_with(text(vm_key(vm))));
}

TEST_CASE("text keys ignore case and end the text before the id", "[store]") {
    const auto vm = id_of<VmId>(0, 7);

    const auto key = text_key("TST253", vm);
    const auto decoded = decode_text_key(key);

    REQUIRE(decoded);
    CHECK(decoded->text == "tst253");
    CHECK(decoded->vm == vm);
    CHECK(text(key).starts_with(text(text_prefix("tst253"))));
    CHECK(text(key).starts_with(text(text_start("TST"))));
    CHECK_FALSE(text(key).starts_with(text(text_prefix("tst25"))));
}

TEST_CASE("texts that do not fit are found by their digest", "[store]") {
    const auto odd = GENERATE(std::string(401, 'X'),
                              std::string(4096, 'y'),
                              std::string("a\0b", 3),
                              std::string("\x01") + "digest like");
    const auto vm = id_of<VmId>(5, 6);

    const auto key = text_key(odd, vm);
    const auto decoded = decode_text_key(key);

    CHECK(key.bytes().size() <= max_key_bytes);
    REQUIRE(decoded);
    CHECK_FALSE(decoded->text);
    CHECK(decoded->vm == vm);
    CHECK(text(key) != text(text_key(odd + "z", vm)));
}

TEST_CASE("a text of 400 bytes is kept as it is", "[store]") {
    const std::string longest(400, 'p');
    const auto key = text_key(longest, VmId{});
    CHECK(decode_text_key(key)->text == longest);
}
