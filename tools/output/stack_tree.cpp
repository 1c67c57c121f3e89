#include "tools/output/stack_tree.h"

#include "mesh/core/text.h"
#include "tools/output/table.h"
#include "tools/output/vm_rows.h"

#include <algorithm>

namespace ctys::tools {

namespace {

struct TreeLine {
    std::string name; ///< with the branches before it
    std::string state;
    std::string text;
    Tone tone = Tone::Plain;
};

std::string seen_text(const WorkerRecord& worker, WallTime now) {
    if (worker.state == WorkerState::Alive)
        return fmt::format("seen {}", to_short_text(now - worker.last_seen));
    return fmt::format("{} since {}",
                       state_word(worker),
                       to_short_text(std::max(Duration{}, now - worker.state_since)));
}

/// Walks what is shown, outer before inner, and tells it to a visitor with
/// `worker(record, last...)` and `vm(row, workers, last...)`.
class TreeLines {
public:
    TreeLines(const StackPicture& picture, const View& view) : picture_(picture), view_(view) {}

    void add_worker(const WorkerId& id, const std::string& branch, const std::string& below) {
        const auto* worker = picture_.graph.find_worker(id);
        std::string accelerator;
        for (const auto& each : worker->accelerators) {
            if (each.usable && accelerator.empty()) accelerator = each.name;
        }
        lines.push_back({branch + clean(worker->name),
                         "worker",
                         clean(fmt::format("{}{}{}",
                                           accelerator,
                                           accelerator.empty() ? "" : "   ",
                                           seen_text(*worker, view_.now))),
                         worker->state == WorkerState::Alive ? Tone::Plain : Tone::Warn});
        add_vms(picture_.graph.vms_on(id), below);
    }

    void add_vm(const VmId& id, const std::string& branch, const std::string& below) {
        const auto& row = picture_.rows.at(id);
        const auto& workers = picture_.graph.workers_in(id);
        std::vector<std::string> parts;
        for (const auto& each : workers) {
            const auto* worker = picture_.graph.find_worker(each);
            parts.push_back(fmt::format("VM and worker{}{}, {}",
                                        worker->name == row.label ? "" : " ",
                                        worker->name == row.label ? "" : worker->name,
                                        seen_text(*worker, view_.now)));
        }
        if (row.owner != Owner::Ctys) parts.emplace_back(to_string(row.owner));
        if (!row.accelerator.empty() && row.accelerator != "kvm") parts.push_back(row.accelerator);
        if (!row.note.empty()) parts.push_back(row.note);
        const auto up = row.started.is_none() || !is_live(row)
                            ? std::string{}
                            : " " + to_short_text(view_.now - row.started);
        lines.push_back({branch + clean(row.label),
                         state_text(row) + up,
                         clean(fmt::format("{}", fmt::join(parts, ", "))),
                         tone_of(row.state)});
        add_vms(picture_.graph.carried_by(id), below);
    }

    std::vector<TreeLine> lines;

private:
    /// Guests and agents choose their names and notes themselves.
    [[nodiscard]] std::string clean(std::string_view text) const {
        return view_.utf8 ? printable(text) : to_ascii(printable(text));
    }

    void add_vms(const std::vector<VmId>& vms, const std::string& before) {
        for (const auto& id : vms) {
            const bool last = id == vms.back();
            const std::string_view branch =
                view_.utf8 ? (last ? "└─ " : "├─ ") : (last ? "`- " : "|- ");
            const std::string_view below = last ? "   " : view_.utf8 ? "│  " : "|  ";
            add_vm(id, before + std::string{branch}, before + std::string{below});
        }
    }

    const StackPicture& picture_;
    const View& view_;
};

std::vector<std::string> names_of(const StackGraph& graph, const std::vector<WorkerId>& ids) {
    std::vector<std::string> names;
    names.reserve(ids.size());
    for (const auto& id : ids) {
        names.push_back(graph.find_worker(id)->name);
    }
    return names;
}

std::vector<WorkerId> shown_workers(const StackPicture& picture, const StackRoot& root) {
    if (!root.worker.is_none()) return {root.worker};
    return root.vm.is_none() ? picture.graph.outermost() : std::vector<WorkerId>{};
}

/// Carriers that do not run: on no worker, and the machines inside them are still known.
std::vector<VmId> resting_carriers(const StackPicture& picture, const StackRoot& root) {
    std::vector<VmId> found;
    if (!root.worker.is_none() || !root.vm.is_none()) return found;
    for (const auto& vm : picture.graph.resting()) {
        if (!picture.graph.workers_in(vm).empty()) found.push_back(vm);
    }
    return found;
}

void append_vm(JsonWriter& out, const StackPicture& picture, const VmId& id);

void append_worker(JsonWriter& out, const StackPicture& picture, const WorkerId& id) {
    const auto* worker = picture.graph.find_worker(id);
    out.begin_object();
    out.member("worker", worker->name);
    out.member("id", worker->id);
    out.member("state", to_string(worker->state));
    out.member("last_seen", worker->last_seen);
    out.key("vms");
    out.begin_array();
    for (const auto& vm : picture.graph.vms_on(id)) {
        append_vm(out, picture, vm);
    }
    out.end_array();
    out.end_object();
}

void append_vm(JsonWriter& out, const StackPicture& picture, const VmId& id) {
    const auto& row = picture.rows.at(id);
    out.begin_object();
    out.member("label", row.label);
    out.member("uuid", row.vm);
    out.member("state", to_string(row.state));
    out.member("owner", to_string(row.owner));
    out.member_or_null("accelerator", row.accelerator);
    out.member_or_null("note", row.note);
    out.key("workers");
    out.begin_array();
    for (const auto& worker : picture.graph.workers_in(id)) {
        append_worker(out, picture, worker);
    }
    out.end_array();
    out.end_object();
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : printable(text)) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

} // namespace

StackPicture picture_of(std::vector<VmRow> rows, const std::vector<WorkerRecord>& workers) {
    std::vector<StackVm> vms;
    vms.reserve(rows.size());
    StackPicture picture;
    for (auto& row : rows) {
        vms.push_back({.vm = row.vm,
                       .copy_of = row.copy_of,
                       .label = row.label,
                       .worker = is_live(row) ? row.worker : WorkerId{},
                       .state = row.state,
                       .conflict = row.conflict});
        picture.rows.emplace(row.vm, std::move(row));
    }
    picture.graph = StackGraph(std::move(vms), workers);
    return picture;
}

void render_stack(fmt::memory_buffer& out,
                  const StackPicture& picture,
                  const StackRoot& root,
                  const View& view) {
    TreeLines tree(picture, view);
    for (const auto& worker : shown_workers(picture, root)) {
        tree.add_worker(worker, "", "");
    }
    for (const auto& vm : resting_carriers(picture, root)) {
        tree.add_vm(vm, "", "");
    }
    if (!root.vm.is_none()) tree.add_vm(root.vm, "", "");
    std::size_t name_width = 0;
    std::size_t state_width = 0;
    for (const auto& line : tree.lines) {
        name_width = std::max(name_width, display_width(line.name));
        state_width = std::max(state_width, display_width(line.state));
    }
    for (const auto& line : tree.lines) {
        auto text = line.name + std::string(name_width - display_width(line.name) + 2, ' ') +
                    toned(line.state, line.tone, view);
        if (!line.text.empty())
            text += std::string(state_width - display_width(line.state) + 2, ' ') + line.text;
        fmt::format_to(std::back_inserter(out), "{}\n", text);
    }
    for (const auto& problem : picture.graph.problems()) {
        fmt::format_to(
            std::back_inserter(out), "not taken for a stack: {}\n", printable(problem.text));
    }
}

void append_stack_json(JsonWriter& out, const StackPicture& picture, const StackRoot& root) {
    out.begin_object();
    out.key("workers");
    out.begin_array();
    for (const auto& worker : shown_workers(picture, root)) {
        append_worker(out, picture, worker);
    }
    out.end_array();
    if (!root.vm.is_none()) {
        out.key("vm");
        append_vm(out, picture, root.vm);
    }
    if (root.worker.is_none() && root.vm.is_none()) {
        out.key("resting");
        out.begin_array();
        for (const auto& vm : resting_carriers(picture, root)) {
            append_vm(out, picture, vm);
        }
        out.end_array();
    }
    out.key("problems");
    out.begin_array();
    for (const auto& problem : picture.graph.problems()) {
        out.begin_object();
        out.member("kind", to_string(problem.kind));
        out.key("workers");
        out.begin_array();
        for (const auto& name : names_of(picture.graph, problem.workers)) {
            out.value(name);
        }
        out.end_array();
        out.member("text", problem.text);
        out.end_object();
    }
    out.end_array();
    out.end_object();
}

void render_stack_dot(fmt::memory_buffer& out, const StackPicture& picture, const StackRoot& root) {
    const auto& graph = picture.graph;
    auto to = std::back_inserter(out);
    fmt::format_to(to, "digraph stacks {{\n  rankdir=LR;\n");
    std::vector<VmId> vms;
    for (const auto& id : shown_workers(picture, root)) {
        fmt::format_to(to,
                       "  \"w:{}\" [shape=box, label={}];\n",
                       id.uuid,
                       quoted(graph.find_worker(id)->name));
        for (const auto& vm : graph.vms_on(id)) {
            fmt::format_to(to, "  \"w:{}\" -> \"u:{}\";\n", id, vm);
            vms.push_back(vm);
        }
    }
    const auto resting = resting_carriers(picture, root);
    vms.insert(vms.end(), resting.begin(), resting.end());
    if (!root.vm.is_none()) vms.push_back(root.vm);
    for (std::size_t i = 0; i < vms.size(); ++i) {
        const auto id = vms[i];
        const auto names = names_of(graph, graph.workers_in(id));
        const auto& row = picture.rows.at(id);
        auto label = row.label;
        if (!names.empty() && names.front() != label)
            label += fmt::format(" ({})", fmt::join(names, ", "));
        if (!is_live(row)) label += fmt::format(": {}", to_string(row.state));
        fmt::format_to(to, "  \"u:{}\" [label={}];\n", id, quoted(label));
        for (const auto& inner : graph.carried_by(id)) {
            fmt::format_to(to, "  \"u:{}\" -> \"u:{}\";\n", id, inner);
            vms.push_back(inner);
        }
    }
    fmt::format_to(to, "}}\n");
}

} // namespace ctys::tools
