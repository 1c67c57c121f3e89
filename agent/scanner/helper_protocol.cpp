#include "agent/scanner/helper_protocol.h"

#include "agent/scanner/frame.h"

#include <algorithm>

namespace ctys::agent {

namespace {

constexpr std::size_t max_word_bytes = 4096;

void put(FrameWriter& out, const Uuid& uuid) {
    out.put(std::string_view(reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size()));
}

Uuid read_uuid(FrameReader& in) {
    const auto bytes = in.bytes(16);
    Uuid uuid;
    if (bytes.size() != uuid.bytes.size()) {
        in.reject("an id is not 16 bytes long");
        return uuid;
    }
    std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
    return uuid;
}

// Relative, without empty, "." and ".." parts: nothing that leads out of the pool.
std::string read_below(FrameReader& in) {
    auto below = in.text(max_path_bytes);
    std::string_view rest = below;
    while (!rest.empty()) {
        const auto slash = std::min(rest.find('/'), rest.size());
        const auto part = rest.substr(0, slash);
        const bool ends_with_slash = slash + 1 == rest.size();
        if (part.empty() || part == "." || part == ".." || ends_with_slash) {
            in.reject("a path leads out of its pool");
            return {};
        }
        rest.remove_prefix(std::min(slash + 1, rest.size()));
    }
    return below;
}

template <typename E>
E read_enum(FrameReader& in, E last) {
    const auto value = in.u8();
    if (value == 0 || value > static_cast<std::uint8_t>(last)) in.reject("an unknown kind");
    return static_cast<E>(value);
}

// --- pieces ---------------------------------------------------------------------------------

void put(FrameWriter& out, const ScanScope& scope) {
    out.put(scope.below);
    out.put(scope.recursive);
}

ScanScope read_scope(FrameReader& in) {
    ScanScope scope;
    scope.below = read_below(in);
    scope.recursive = in.flag();
    return scope;
}

void put(FrameWriter& out, const MarkerFacts& marker) {
    put(out, marker.id.uuid);
    out.put(marker.written_inode);
    out.put(marker.inode);
    out.put(marker.born_us);
    out.put(marker.changed_us);
    out.put(marker.fsid);
}

MarkerFacts read_marker(FrameReader& in) {
    MarkerFacts marker;
    marker.id.uuid = read_uuid(in);
    marker.written_inode = in.u64();
    marker.inode = in.u64();
    marker.born_us = static_cast<std::int64_t>(in.u64());
    marker.changed_us = static_cast<std::int64_t>(in.u64());
    marker.fsid = in.u64();
    return marker;
}

void put(FrameWriter& out, const MountFacts& mount) {
    out.put(mount.filesystem);
    out.put(mount.source);
    out.put(mount.root);
    out.put(mount.super_options);
    out.put(mount.network);
    out.put(mount.read_only);
}

MountFacts read_mount(FrameReader& in) {
    MountFacts mount;
    mount.filesystem = in.text(max_word_bytes);
    mount.source = in.text(max_word_bytes);
    mount.root = in.text(max_word_bytes);
    mount.super_options = in.text(max_word_bytes);
    mount.network = in.flag();
    mount.read_only = in.flag();
    return mount;
}

void put(FrameWriter& out, const FoundWrapper& wrapper) {
    out.put(wrapper.name);
    out.put(wrapper.mode);
    out.put(wrapper.uid);
    out.put(wrapper.regular);
}

FoundWrapper read_wrapper(FrameReader& in) {
    FoundWrapper wrapper;
    wrapper.name = read_below(in);
    wrapper.mode = in.u32();
    wrapper.uid = in.u32();
    wrapper.regular = in.flag();
    return wrapper;
}

void put(FrameWriter& out, const StorageIdentity& storage) {
    put(out, storage.pool.uuid);
    out.put(storage.below);
    out.put(storage.inode);
    out.put(storage.filesystem);
    out.put(storage.source);
}

StorageIdentity read_storage(FrameReader& in) {
    StorageIdentity storage;
    storage.pool.uuid = read_uuid(in);
    storage.below = read_below(in);
    storage.inode = in.u64();
    storage.filesystem = in.text(max_word_bytes);
    storage.source = in.text(max_word_bytes);
    return storage;
}

// --- commands -------------------------------------------------------------------------------

void put(FrameWriter& out, const ScanPool& body) {
    out.put(body.may_mark);
    out.put(body.watch);
}
void put(FrameWriter& out, const ScanDirectory& body) {
    out.put(body.below);
}
void put(FrameWriter& out, const Prove& body) {
    out.put(static_cast<std::uint8_t>(body.step));
    put(out, body.nonce.uuid);
}
void put(FrameWriter& /*out*/, const Ping& /*body*/) {}

// --- reports --------------------------------------------------------------------------------

void put(FrameWriter& out, const HelperHello& body) {
    out.put(body.version);
}
void put(FrameWriter& out, const ScanBegun& body) {
    put(out, body.scope);
}
void put(FrameWriter& out, const PoolFacts& body) {
    put(out, body.mount);
    put(out, body.marker);
    out.put(body.marker_reason);
    out.put(body.root_inode);
}
void put(FrameWriter& out, const NestedMarker& body) {
    out.put(body.below);
    put(out, body.marker);
    put(out, body.mount);
}
void put(FrameWriter& out, const FoundFile& body) {
    out.put(body.below);
    put(out, body.storage);
    out.put(body.digest);
    out.put(body.size);
    out.put(body.uid);
    out.put(body.gid);
    out.put(body.mode);
    out.put(body.directory_mode);
    out.put(body.ignored);
    out.put(body.problem);
    out.put(static_cast<std::uint8_t>(body.wrappers.size()));
    for (const auto& wrapper : body.wrappers) {
        put(out, wrapper);
    }
    out.put(body.text);
}
void put(FrameWriter& out, const ScanRemark& body) {
    out.put(static_cast<std::uint8_t>(body.kind));
    out.put(body.below);
    out.put(body.text);
}
void put(FrameWriter& out, const Progress& body) {
    out.put(body.directories);
}
void put(FrameWriter& out, const ScanEnded& body) {
    put(out, body.scope);
    out.put(body.root_problem);
    out.put(body.directories);
    out.put(body.files);
    out.put(body.watching);
    out.put(body.polling_reason);
}
void put(FrameWriter& out, const CommandDone& body) {
    out.put(body.id);
    out.put(body.found);
    out.put(body.problem);
}

PoolFacts read_pool_facts(FrameReader& in) {
    PoolFacts body;
    body.mount = read_mount(in);
    body.marker = read_marker(in);
    body.marker_reason = in.text(max_word_bytes);
    body.root_inode = in.u64();
    return body;
}

NestedMarker read_nested_marker(FrameReader& in) {
    NestedMarker body;
    body.below = read_below(in);
    body.marker = read_marker(in);
    body.mount = read_mount(in);
    return body;
}

FoundFile read_found_file(FrameReader& in) {
    FoundFile body;
    body.below = read_below(in);
    body.storage = read_storage(in);
    body.digest = in.u64();
    body.size = in.u64();
    body.uid = in.u32();
    body.gid = in.u32();
    body.mode = in.u32();
    body.directory_mode = in.u32();
    body.ignored = in.flag();
    body.problem = in.text(max_word_bytes);
    const auto wrappers = in.u8();
    if (wrappers > max_wrappers) in.reject("too many wrappers");
    for (std::uint8_t i = 0; i < wrappers && !in.is_failed(); ++i) {
        body.wrappers.push_back(read_wrapper(in));
    }
    // Any bytes: the configuration reader judges them.
    body.text = in.bytes(max_config_bytes);
    if (body.below.empty()) in.reject("a file without a name");
    return body;
}

ScanRemark read_remark(FrameReader& in) {
    ScanRemark body;
    body.kind = read_enum(in, RemarkKind::TooMany);
    body.below = read_below(in);
    body.text = in.text(max_word_bytes);
    return body;
}

ScanEnded read_scan_ended(FrameReader& in) {
    ScanEnded body;
    body.scope = read_scope(in);
    body.root_problem = in.text(max_word_bytes);
    body.directories = in.u64();
    body.files = in.u64();
    body.watching = in.flag();
    body.polling_reason = in.text(max_word_bytes);
    return body;
}

CommandDone read_command_done(FrameReader& in) {
    CommandDone body;
    body.id = in.u32();
    body.found = in.flag();
    body.problem = in.text(max_word_bytes);
    return body;
}

Prove read_prove(FrameReader& in) {
    Prove body;
    body.step = read_enum(in, ProofStep::Remove);
    body.nonce.uuid = read_uuid(in);
    return body;
}

HelperReport read_report(FrameReader& in) {
    switch (in.u8()) {
    case 0:
        return HelperHello{in.u16()};
    case 1:
        return ScanBegun{read_scope(in)};
    case 2:
        return read_pool_facts(in);
    case 3:
        return read_nested_marker(in);
    case 4:
        return read_found_file(in);
    case 5:
        return read_remark(in);
    case 6:
        return Progress{in.u64()};
    case 7:
        return read_scan_ended(in);
    case 8:
        return read_command_done(in);
    }
    in.reject("an unknown report");
    return Progress{};
}

HelperCommand read_command(FrameReader& in) {
    HelperCommand command;
    command.id = in.u32();
    switch (in.u8()) {
    case 0: {
        const bool may_mark = in.flag();
        command.body = ScanPool{may_mark, in.flag()};
        return command;
    }
    case 1:
        command.body = ScanDirectory{read_below(in)};
        return command;
    case 2:
        command.body = read_prove(in);
        return command;
    case 3:
        command.body = Ping{};
        return command;
    }
    in.reject("an unknown command");
    return command;
}

} // namespace

std::string encode(const HelperCommand& command) {
    FrameWriter out;
    out.put(command.id);
    out.put(static_cast<std::uint8_t>(command.body.index()));
    std::visit([&](const auto& body) { put(out, body); }, command.body);
    return std::move(out).take();
}

std::string encode(const HelperReport& report) {
    FrameWriter out;
    out.put(static_cast<std::uint8_t>(report.index()));
    std::visit([&](const auto& body) { put(out, body); }, report);
    return std::move(out).take();
}

Result<HelperCommand> decode_command(std::string_view body) {
    FrameReader in(body);
    auto command = read_command(in);
    if (auto read = in.finish(); !read) return tl::unexpected(std::move(read.error()));
    return command;
}

Result<HelperReport> decode_report(std::string_view body) {
    FrameReader in(body);
    auto report = read_report(in);
    if (auto read = in.finish(); !read) return tl::unexpected(std::move(read.error()));
    return report;
}

} // namespace ctys::agent
