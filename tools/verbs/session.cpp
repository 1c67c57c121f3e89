#include "tools/verbs/session.h"

#include "mesh/bus/context.h"
#include "mesh/bus/curve_keys.h"
#include "mesh/core/near_word.h"
#include "mesh/core/text.h"
#include "mesh/loop/id_source.h"
#include "mesh/setup/config.h"
#include "tools/client/broker_choice.h"
#include "tools/client/terminal.h"
#include "tools/client/tool_settings.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::tools {

namespace {

/// What an answer proposes that knows no such VM.
constexpr std::string_view every_vm = "ctys list --all";

std::string first_of(std::string_view flag, const std::string& setting, std::string fallback) {
    if (!flag.empty()) return std::string{flag};
    return setting.empty() ? fallback : setting;
}

Result<bus::CurveClient> curve_client(const std::string& key, const std::string& broker_key) {
    auto keys = bus::CurveKeyPair::load(key);
    if (!keys) {
        auto error = keys.error();
        if (error.code == ErrorCode::NotFound) {
            error = Error{.code = ErrorCode::Usage,
                          .message = fmt::format("tcp needs a key, and there is no {}", key),
                          .try_next = "ctys keys generate"};
        }
        return tl::unexpected(std::move(error));
    }
    auto server = bus::public_key_from(broker_key);
    if (!server) return tl::unexpected(server.error());
    return bus::CurveClient{.keys = std::move(*keys), .server_key = std::move(*server)};
}

bool is_socket(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 && S_ISSOCK(facts.st_mode);
}

} // namespace

/// Loop, context and connection die in the reverse order of their making.
struct Session::Mesh {
    loop::EventLoop loop;
    std::unique_ptr<bus::Context> context;
    std::unique_ptr<Connection> connection;
};

Session::Session(Globals globals, Format format)
    : globals_(std::move(globals)), format_(format), mesh_(std::make_unique<Mesh>()) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::open(Globals globals,
                                               const std::vector<std::string_view>& formats) {
    const auto format = parse_format(globals.format);
    const bool is_default = globals.format == default_format;
    if (!format || (!is_default &&
                    std::find(formats.begin(), formats.end(), globals.format) == formats.end())) {
        return fail(ErrorCode::Usage,
                    fmt::format("-o {}: no such format; there are {}",
                                printable(globals.format, 40),
                                fmt::join(formats, ", ")));
    }
    return std::unique_ptr<Session>(new Session(std::move(globals), *format));
}

View Session::view() const {
    auto view = view_of(STDOUT_FILENO);
    view.header = !globals_.no_header;
    return view;
}

loop::EventLoop& Session::loop() {
    return mesh_->loop;
}

Result<setup::Directories> Session::directories() const {
    return setup::choose_directories(
        setup::directory_request(globals_.state_dir, globals_.runtime_dir));
}

Result<Connection*> Session::broker() {
    if (mesh_->connection) return mesh_->connection.get();
    auto settings = load_tool_settings();
    if (!settings) return tl::unexpected(settings.error());
    const auto own = directories();
    if (!own) return tl::unexpected(own.error());
    BrokerWish wish{.asked = first_of(globals_.broker, settings->text("broker"), {}),
                    .own_runtime = own->runtime};
    // Whoever names a runtime directory means that mesh, not the machine's.
    const bool named = !globals_.runtime_dir.empty() || std::getenv("CTYS_RUNTIME_DIR") != nullptr;
    if (named) wish.system_runtime.clear();
    auto endpoint = choose_broker(wish, is_socket);
    if (!endpoint) return tl::unexpected(endpoint.error());
    std::variant<std::monostate, bus::CurveServer, bus::CurveClient> security;
    if (endpoint->is_tcp()) {
        const auto home = setup::config_places().own();
        auto client = curve_client(
            first_of(globals_.key, settings->text("key"), home + "/key"),
            first_of(globals_.broker_key, settings->text("broker_key"), home + "/broker.pub"));
        if (!client) return tl::unexpected(client.error());
        security = std::move(*client);
    }
    if (!mesh_->context) mesh_->context = std::make_unique<bus::Context>(/*max_sockets=*/16);
    // A person with less patience than ours is told of a silent broker sooner.
    const auto patience = std::min(globals_.timeout.value_or(Connection::default_patience),
                                   Connection::default_patience);
    auto connection = Connection::open(*mesh_->context, mesh_->loop, *endpoint, security, patience);
    if (!connection) return tl::unexpected(connection.error());
    mesh_->connection = std::move(*connection);
    return mesh_->connection.get();
}

ActionId Session::new_action_id() {
    loop::SystemIdSource source;
    return ActionId{source.next_u64()};
}

Status Session::print(const fmt::memory_buffer& text) {
    return write_all(STDOUT_FILENO, {text.data(), text.size()});
}

Status Session::print(std::string_view text) {
    return write_all(STDOUT_FILENO, text);
}

void Session::remark(std::string_view text) {
    if (globals_.quiet) return;
    // Standard error that cannot be written leaves nobody to tell.
    static_cast<void>(write_all(STDERR_FILENO, fmt::format("{}\n", printable(text, 2000))));
}

Result<VmDetail> Session::vm_at(const std::string& address) {
    auto rows = rows_of<VmDetail>({.table = Table::Vm, .address = address});
    if (!rows) return tl::unexpected(with_near_label(address, rows.error()));
    if (rows->empty())
        return fail(ErrorCode::NotFound, "no VM matches this address", std::string{every_vm});
    return std::move(rows->front());
}

Error Session::with_near_label(const std::string& address, Error error) {
    const bool lacks_vm = error.code == ErrorCode::NotFound && error.try_next == every_vm;
    if (!lacks_vm || !is_label(address)) return error;
    const auto rows = rows_of<VmRow>({.table = Table::Vms, .all = true});
    if (!rows) return error;
    std::vector<std::string_view> labels;
    for (const auto& row : *rows)
        labels.push_back(row.label);
    const auto near = near_word(address, labels);
    if (!near) return error;
    for (const auto& row : *rows) {
        if (row.label != *near) continue;
        error.evidence.push_back(fmt::format("near: {} ({}{}{})",
                                             row.label,
                                             to_string(row.state),
                                             row.worker_name.empty() ? "" : " on ",
                                             row.worker_name));
        break;
    }
    return error;
}

} // namespace ctys::tools
