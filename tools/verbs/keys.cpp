#include "mesh/bus/curve_keys.h"
#include "mesh/bus/known_keys.h"
#include "mesh/core/text.h"
#include "mesh/setup/config.h"
#include "mesh/setup/directories.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

#include <cstdlib>

namespace ctys::tools {

namespace {

std::vector<Column> columns(bool /*wide*/) {
    return {{"NAME"}, {"ROLE"}, {"WORKER"}, {"KEY"}};
}

std::vector<Cell> cells(const bus::KeyHolder& holder, bool /*wide*/, const View& /*view*/) {
    return {Cell{holder.name},
            Cell{std::string{to_string(holder.role)}},
            Cell{holder.worker},
            Cell{holder.key}};
}

void json(JsonWriter& out, const bus::KeyHolder& holder) {
    out.begin_object();
    out.member("name", holder.name);
    out.member("role", to_string(holder.role));
    out.member_or_null("worker", holder.worker);
    out.member("key", holder.key);
    out.end_object();
}

std::vector<std::string> names(const std::vector<bus::KeyHolder>& holders) {
    std::vector<std::string> out;
    out.reserve(holders.size());
    for (const auto& holder : holders)
        out.push_back(holder.name);
    return out;
}

constexpr Listing<bus::KeyHolder> listing{columns, cells, json, names};

Status check_name(std::string_view option, const std::string& name) {
    if (is_label(name)) return {};
    return fail(ErrorCode::Usage,
                fmt::format("{} {}: letters, digits, - _ and . only, 63 at most",
                            option,
                            printable(name, 80)),
                "ctys keys generate --name NAME");
}

class Keys final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "keys"; }
    [[nodiscard]] std::string_view summary() const override {
        return "who may enter over tcp: generate, list";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys keys generate --role operator > me.pub\n"
               "      the secret half stays in ~/.config/ctys/key; an administrator puts me.pub\n"
               "      into the directory of known keys of the broker\n"
               "  ctys keys generate --file /etc/ctys/agent.key --name lab02 --role agent --worker "
               "lab02\n"
               "  ctys keys list\n";
    }
    [[nodiscard]] std::string subject() const override { return what_; }
    void declare(Arguments& arguments) override {
        arguments.positional("generate|list", what_, Arguments::Need::Required, "what to do");
        arguments.text("--file", file_, "FILE", "for the secret key; else ~/.config/ctys/key");
        arguments.text("--name", name_, "NAME", "of the holder; else the user");
        arguments.text("--role", role_, "ROLE", "viewer, operator, admin or agent");
        arguments.text("--worker", worker_, "NAME", "the only worker an agent key speaks for");
        arguments.text("--dir", directory_, "DIR", "known keys; else those of the broker here");
    }

    [[nodiscard]] Status run(Session& session) override {
        if (what_ == "generate") return generate(session);
        if (what_ == "list") return list(session);
        return fail(ErrorCode::Usage,
                    fmt::format("no such thing to do: {}", printable(what_, 40)),
                    "ctys keys generate|list");
    }

private:
    Status generate(Session& session) const {
        const auto role = role_from_text(role_);
        if (!role || *role == Role::None) {
            return fail(ErrorCode::Usage,
                        fmt::format("--role {}: no such role", printable(role_, 40)),
                        "--role viewer, operator, admin or agent");
        }
        const char* user = std::getenv("USER");
        const std::string name = !name_.empty() ? name_ : user != nullptr ? user : "me";
        // What cannot be loaded again is not written.
        if (auto fits = check_name("--name", name); !fits) return fits;
        if (auto fits = check_name("--worker", worker_); !fits && !worker_.empty()) return fits;
        auto file = file_;
        if (file.empty()) {
            const auto home = setup::config_places().own();
            if (home.empty()) return fail(ErrorCode::Usage, "there is no HOME", "--file FILE");
            if (auto made = setup::prepare_directory(home); !made) return made;
            file = home + "/key";
        }
        const auto keys = bus::CurveKeyPair::generate();
        if (auto saved = keys.save(file); !saved) return saved;
        const bus::KeyHolder holder{
            .name = name, .key = keys.public_key, .role = *role, .worker = worker_};
        session.remark(fmt::format(
            "the secret key is in {}; the broker needs this as {}.pub:", file, holder.name));
        return session.print(bus::KnownKeys::to_text(holder));
    }

    Status list(Session& session) const {
        auto folder = directory_;
        if (folder.empty()) {
            const auto own = session.directories();
            if (!own) return tl::unexpected(own.error());
            folder = own->state + "/broker/keys";
        }
        auto loaded = bus::KnownKeys::load(folder);
        if (!loaded) return tl::unexpected(loaded.error());
        for (const auto& problem : loaded->problems)
            session.remark(fmt::format("ctys: keys list: {}", problem.message));
        return session.print_rows(loaded->keys.all(), listing);
    }

    std::string what_;
    std::string file_;
    std::string name_;
    std::string role_ = "operator";
    std::string worker_;
    std::string directory_;
};

} // namespace

std::unique_ptr<Subcommand> make_keys() {
    return std::make_unique<Keys>();
}

} // namespace ctys::tools
