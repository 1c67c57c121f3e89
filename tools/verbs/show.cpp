#include "tools/output/vm_detail.h"
#include "tools/output/vm_rows.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"
#include "tools/verbs/surroundings.h"

namespace ctys::tools {

namespace {

class Show final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "show"; }
    [[nodiscard]] std::string_view summary() const override { return "all about one VM"; }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys show web01\n"
               "  ctys show web01 -o wide        with every key of its configuration\n"
               "  ctys show m:00:50:56:16:11:0b -o json\n";
    }
    [[nodiscard]] std::string subject() const override { return address_; }
    void declare(Arguments& arguments) override {
        arguments.positional("VM", address_, Arguments::Need::Required, "label or address");
    }

    [[nodiscard]] Status run(Session& session) override {
        auto detail = session.vm_at(address_);
        if (!detail) return tl::unexpected(detail.error());
        if (session.format() == Format::Name || session.format() == Format::Csv)
            return session.print_rows(std::vector{detail->row}, vm_listing());
        auto surroundings = surroundings_of(session, *detail);
        if (!surroundings) return tl::unexpected(surroundings.error());
        fmt::memory_buffer out;
        if (is_for_people(session.format())) {
            const bool every_key = session.format() == Format::Wide;
            render_detail(out, *detail, *surroundings, every_key, session.view());
            return session.print(out);
        }
        JsonWriter json(out);
        append_detail_json(json, *detail, *surroundings);
        out.push_back('\n');
        return session.print(out);
    }

private:
    std::string address_;
};

} // namespace

std::unique_ptr<Subcommand> make_show() {
    return std::make_unique<Show>();
}

} // namespace ctys::tools
