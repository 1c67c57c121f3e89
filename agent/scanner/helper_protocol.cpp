// The fields of each message are named once, in their order; writing and reading are two ways to
// walk them.

#include "agent/scanner/helper_protocol.h"

#include "agent/scanner/frame.h"

#include <algorithm>
#include <concepts>
#include <type_traits>

namespace ctys::agent {

namespace {

constexpr std::size_t max_word_bytes = 4096;

/// Writes what it is shown.
class Put {
public:
    explicit Put(FrameWriter& out) : out_(out) {}

    void number(std::integral auto value) { out_.put(value); }
    void flag(bool value) { out_.put(value); }
    void word(const std::string& text) { out_.put(text); }
    void below(const std::string& path) { out_.put(path); }
    void raw(const std::string& bytes) { out_.put(bytes); }
    void raw(const std::string& bytes, std::size_t /*most*/) { out_.put(bytes); }
    void id(const Uuid& uuid) {
        const auto* bytes = reinterpret_cast<const char*>(uuid.bytes.data());
        out_.put(std::string_view(bytes, uuid.bytes.size()));
    }
    template <typename E>
    void kind(E value, E /*last*/) {
        out_.put(static_cast<std::uint8_t>(value));
    }
    template <typename T>
    void list(const std::vector<T>& items, std::size_t /*most*/) {
        out_.put(static_cast<std::uint8_t>(items.size()));
        for (const auto& item : items) {
            fields(*this, item);
        }
    }
    void expect(bool /*holds*/, std::string_view /*otherwise*/) {}

private:
    FrameWriter& out_;
};

/// Fills what it is shown, from a body of unknown origin.
class Take {
public:
    explicit Take(FrameReader& in) : in_(in) {}

    void number(std::uint16_t& value) { value = in_.u16(); }
    void number(std::uint32_t& value) { value = in_.u32(); }
    void number(std::uint64_t& value) { value = in_.u64(); }
    void number(std::int64_t& value) { value = static_cast<std::int64_t>(in_.u64()); }
    void flag(bool& value) { value = in_.flag(); }
    void word(std::string& text) { text = in_.text(max_word_bytes); }
    void raw(std::string& bytes) { bytes = in_.bytes(max_config_bytes); }
    void raw(std::string& bytes, std::size_t most) { bytes = in_.bytes(most); }
    /// Relative, without empty, "." and ".." parts: nothing that leads out of the pool.
    void below(std::string& path) {
        path = in_.text(max_path_bytes);
        std::string_view rest = path;
        while (!rest.empty()) {
            const auto slash = std::min(rest.find('/'), rest.size());
            const auto part = rest.substr(0, slash);
            const bool ends_with_slash = slash + 1 == rest.size();
            if (part.empty() || part == "." || part == ".." || ends_with_slash) {
                path.clear();
                return in_.reject("a path leads out of its pool");
            }
            rest.remove_prefix(std::min(slash + 1, rest.size()));
        }
    }
    void id(Uuid& uuid) {
        const auto bytes = in_.bytes(uuid.bytes.size());
        if (bytes.size() != uuid.bytes.size()) return in_.reject("an id is not 16 bytes long");
        std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
    }
    template <typename E>
    void kind(E& value, E last) {
        const auto number = in_.u8();
        if (number == 0 || number > static_cast<std::uint8_t>(last)) in_.reject("an unknown kind");
        value = static_cast<E>(number);
    }
    template <typename T>
    void list(std::vector<T>& items, std::size_t most) {
        const std::size_t count = in_.u8();
        if (count > most) in_.reject("too many entries of a list");
        for (std::size_t i = 0; i < count && !in_.is_failed(); ++i) {
            fields(*this, items.emplace_back());
        }
    }
    void expect(bool holds, std::string_view otherwise) {
        if (!holds) in_.reject(otherwise);
    }

private:
    FrameReader& in_;
};

template <typename T, typename Wanted>
concept Is = std::same_as<std::remove_const_t<T>, Wanted>;

// --- pieces ---------------------------------------------------------------------------------

void fields(auto& io, Is<ScanScope> auto& scope) {
    io.below(scope.below);
    io.flag(scope.recursive);
}
void fields(auto& io, Is<MarkerFacts> auto& marker) {
    io.id(marker.id.uuid);
    io.number(marker.written_inode);
    io.number(marker.inode);
    io.number(marker.born_us);
    io.number(marker.changed_us);
    io.number(marker.fsid);
}
void fields(auto& io, Is<MountFacts> auto& mount) {
    io.word(mount.filesystem);
    io.word(mount.source);
    io.word(mount.root);
    io.word(mount.super_options);
    io.flag(mount.network);
    io.flag(mount.read_only);
}
void fields(auto& io, Is<FoundWrapper> auto& wrapper) {
    io.below(wrapper.name);
    io.number(wrapper.mode);
    io.number(wrapper.uid);
    io.flag(wrapper.regular);
}
void fields(auto& io, Is<qemu::FurtherText> auto& further) {
    io.below(further.file.name);
    io.flag(further.file.sourced);
    io.raw(further.text, qemu::max_further_bytes);
}
void fields(auto& io, Is<StorageIdentity> auto& storage) {
    io.id(storage.pool.uuid);
    io.below(storage.below);
    io.number(storage.inode);
    io.word(storage.filesystem);
    io.word(storage.source);
}

// --- commands -------------------------------------------------------------------------------

void fields(auto& io, Is<ScanPool> auto& body) {
    io.flag(body.may_mark);
    io.flag(body.watch);
}
void fields(auto& io, Is<ScanDirectory> auto& body) {
    io.below(body.below);
}
void fields(auto& io, Is<Prove> auto& body) {
    io.kind(body.step, ProofStep::Remove);
    io.id(body.nonce.uuid);
}
void fields(auto& /*io*/, Is<Ping> auto& /*body*/) {}

// --- reports --------------------------------------------------------------------------------

void fields(auto& io, Is<HelperHello> auto& body) {
    io.number(body.version);
}
void fields(auto& io, Is<ScanBegun> auto& body) {
    fields(io, body.scope);
}
void fields(auto& io, Is<PoolFacts> auto& body) {
    fields(io, body.mount);
    fields(io, body.marker);
    io.word(body.marker_reason);
    io.number(body.root_inode);
}
void fields(auto& io, Is<NestedMarker> auto& body) {
    io.below(body.below);
    fields(io, body.marker);
    fields(io, body.mount);
}
void fields(auto& io, Is<FoundFile> auto& body) {
    io.below(body.below);
    io.expect(!body.below.empty(), "a file without a name");
    fields(io, body.storage);
    io.number(body.digest);
    io.number(body.size);
    io.number(body.uid);
    io.number(body.gid);
    io.number(body.mode);
    io.number(body.directory_mode);
    io.flag(body.ignored);
    io.word(body.problem);
    io.list(body.wrappers, max_wrappers);
    io.raw(body.text); // any bytes: the configuration reader judges them
    io.list(body.further, qemu::max_further_files);
}
void fields(auto& io, Is<ScanRemark> auto& body) {
    io.kind(body.kind, RemarkKind::TooMany);
    io.below(body.below);
    io.word(body.text);
}
void fields(auto& io, Is<Progress> auto& body) {
    io.number(body.directories);
}
void fields(auto& io, Is<ScanEnded> auto& body) {
    fields(io, body.scope);
    io.word(body.root_problem);
    io.number(body.directories);
    io.number(body.files);
    io.flag(body.watching);
    io.word(body.polling_reason);
}
void fields(auto& io, Is<CommandDone> auto& body) {
    io.number(body.id);
    io.flag(body.found);
    io.word(body.problem);
}

/// The alternative of that index, filled.
template <typename Variant, std::size_t I = 0>
Variant take_one(FrameReader& in, std::size_t index) {
    if constexpr (I == std::variant_size_v<Variant>) {
        in.reject("an unknown message");
        return {};
    } else {
        if (index != I) return take_one<Variant, I + 1>(in, index);
        std::variant_alternative_t<I, Variant> body;
        Take take(in);
        fields(take, body);
        return body;
    }
}

void put_one(FrameWriter& out, const auto& variant) {
    out.put(static_cast<std::uint8_t>(variant.index()));
    Put put(out);
    std::visit([&](const auto& body) { fields(put, body); }, variant);
}

} // namespace

std::string encode(const HelperCommand& command) {
    FrameWriter out;
    out.put(command.id);
    put_one(out, command.body);
    return std::move(out).take();
}

std::string encode(const HelperReport& report) {
    FrameWriter out;
    put_one(out, report);
    return std::move(out).take();
}

Result<HelperCommand> decode_command(std::string_view body) {
    FrameReader in(body);
    HelperCommand command;
    command.id = in.u32();
    command.body = take_one<decltype(command.body)>(in, in.u8());
    if (auto read = in.finish(); !read) return tl::unexpected(std::move(read.error()));
    return command;
}

Result<HelperReport> decode_report(std::string_view body) {
    FrameReader in(body);
    auto report = take_one<HelperReport>(in, in.u8());
    if (auto read = in.finish(); !read) return tl::unexpected(std::move(read.error()));
    return report;
}

} // namespace ctys::agent
