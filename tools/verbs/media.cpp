#include "tools/output/drive_rows.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/order.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

namespace {

// The looks at drives and image, the change, and a monitor that goes meanwhile, with some to spare.
constexpr Duration media_patience = std::chrono::seconds{120};

class Media final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "media"; }
    [[nodiscard]] std::string_view summary() const override {
        return "media in the drives of a running VM: list, eject, change";
    }
    [[nodiscard]] std::string_view examples() const override {
        return R"(  ctys media list web01
  ctys media eject web01                        its only drive
  ctys media change web01 ide2-cd0 /iso/debian-12.iso
  ctys media change web01 drivers.iso           beside its configuration, into its only drive
  ctys media eject web01 ide2-cd0 --force       past a guest that keeps the tray locked
The image is a path on the worker of the VM, read as raw by the account that the VM runs as; one
that is no plain name beside the configuration needs the permission to administer.
A guest that has locked the tray is asked to open it, for 10 s.)";
    }
    [[nodiscard]] std::string subject() const override {
        return fmt::format("{} {}", what_, target_);
    }
    void declare(Arguments& arguments) override {
        arguments.positional("list|eject|change", what_, Arguments::Need::Required, "what to do");
        arguments.positional("VM", target_, Arguments::Need::Required, "label or address");
        arguments.positional(
            "DEVICE", device_, Arguments::Need::Optional, "the drive; else its only one");
        arguments.positional("IMAGE", image_, Arguments::Need::Optional, "of change: what goes in");
        arguments.flag("--force", force_, "open the tray though the guest keeps it locked");
        arguments.flag("--no-wait", no_wait_, "print the id of the action and leave");
        arguments.text("--reason", reason_, "TEXT", "kept in the journal");
    }

    [[nodiscard]] Status run(Session& session) override {
        if (what_ == "list") return list(session);
        auto order = order_in_group(session, name(), what_, "list|eject|change", target_);
        if (!order) return tl::unexpected(order.error());
        auto& action = order->action;
        action.force = force_;
        action.reason = reason_;
        name_parts(action);
        if (auto named = check_arguments(action); !named) return named;
        return carry_out(session,
                         {std::move(*order)},
                         no_wait_ ? Waiting::None : Waiting::Outcome,
                         media_patience);
    }

private:
    /// Where there is one drive only, the image may stand alone.
    void name_parts(Action& action) const {
        const bool is_alone = action.verb == Verb::ChangeMedium && image_.empty();
        action.device = is_alone ? std::string{} : device_;
        action.image = is_alone ? device_ : image_;
    }

    [[nodiscard]] Status list(Session& session) const {
        if (!device_.empty() || force_)
            return fail(ErrorCode::Usage, "it lists every drive of the VM", "ctys media list VM");
        const auto detail = session.vm_at(target_);
        if (!detail) return tl::unexpected(detail.error());
        const auto rows = drive_rows(*detail);
        if (!rows) return tl::unexpected(rows.error());
        return session.print_rows(*rows, drive_listing());
    }

    std::string what_;
    std::string target_;
    std::string device_;
    std::string image_;
    std::string reason_;
    bool force_ = false;
    bool no_wait_ = false;
};

} // namespace

std::unique_ptr<Subcommand> make_media() {
    return std::make_unique<Media>();
}

} // namespace ctys::tools
