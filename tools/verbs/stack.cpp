#include "tools/output/stack_tree.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

#include <algorithm>

namespace ctys::tools {

namespace {

constexpr std::string_view worker_prefix = "w:";

class Stack final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "stack"; }
    [[nodiscard]] std::string_view summary() const override {
        return "who carries whom, as a tree";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys stack\n"
               "  ctys stack lab02          the VM and all inside it\n"
               "  ctys stack w:rack1        the worker and all on it\n"
               "  ctys stack -o json | jq '.problems'\n"
               "  ctys stack -o dot | dot -Tsvg > stacks.svg\n"
               "Formats: tree, json, dot.\n"
               "A VM carries a worker when the worker's platform UUID is that of the VM. What\n"
               "cannot be told for certain is named at the end, and never acted on.\n";
    }
    [[nodiscard]] std::string subject() const override { return address_; }
    [[nodiscard]] std::vector<std::string_view> formats() const override {
        return {"tree", "json", "dot"};
    }
    void declare(Arguments& arguments) override {
        arguments.positional(
            "TARGET", address_, Arguments::Need::Optional, "a VM, or w:WORKER; else everything");
    }

    [[nodiscard]] Status run(Session& session) override {
        auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
        if (!workers) return tl::unexpected(workers.error());
        auto root = root_of(session, *workers);
        if (!root) return tl::unexpected(root.error());
        auto rows = session.rows_of<VmRow>({.table = Table::Vms, .all = true});
        if (!rows) return tl::unexpected(rows.error());
        const auto picture = picture_of(std::move(*rows), *workers);
        if (!root->vm.is_none() && !picture.rows.contains(root->vm))
            return fail(ErrorCode::NotFound, "no VM matches this address", "ctys list --all");
        return session.print(render(session, picture, *root));
    }

private:
    [[nodiscard]] Result<StackRoot> root_of(Session& session,
                                            const std::vector<WorkerRecord>& workers) const {
        if (address_.empty()) return StackRoot{};
        if (!address_.starts_with(worker_prefix)) {
            auto vm = session.vm_at(address_);
            if (!vm) return tl::unexpected(vm.error());
            return StackRoot{.worker = {}, .vm = vm->row.vm};
        }
        const auto name = std::string_view{address_}.substr(worker_prefix.size());
        const auto found = std::find_if(workers.begin(), workers.end(), [&](const auto& worker) {
            return worker.name == name;
        });
        if (found == workers.end())
            return fail(ErrorCode::NotFound, "no worker has this name", "ctys workers");
        return StackRoot{.worker = found->id, .vm = {}};
    }

    static fmt::memory_buffer
    render(Session& session, const StackPicture& picture, const StackRoot& root) {
        fmt::memory_buffer out;
        if (session.globals().format == "dot") {
            render_stack_dot(out, picture, root);
        } else if (session.format() == Format::Json) {
            JsonWriter json(out);
            append_stack_json(json, picture, root);
            out.push_back('\n');
        } else {
            render_stack(out, picture, root, session.view());
        }
        return out;
    }

    std::string address_;
};

} // namespace

std::unique_ptr<Subcommand> make_stack() {
    return std::make_unique<Stack>();
}

} // namespace ctys::tools
