// What a story says there is, and how its log is written. What happens is in story_steps.cpp.

#include "tests/support/simulation/story.h"

#include "mesh/core/text.h"
#include "schema/codec.h"
#include "tests/support/simulation/story_words.h"

namespace ctys::sim {

namespace {

void replace_all(std::string& text, const std::string& what, const std::string& with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
        text.replace(at, what.size(), with);
    }
}

} // namespace

Story::Story(std::string_view text, bool tells) : mesh_(1, tells) {
    mesh_.ground.random.set_steady();
    mesh_.broker.on_recorded = [this](const broker::Append& append) { on_recorded(append); };
    std::istringstream lines{std::string{text}};
    for (std::string each; std::getline(lines, each);) {
        std::istringstream in{each.substr(0, each.find('#'))};
        Words words;
        for (std::string word; in >> word;) {
            words.push_back(word);
        }
        if (!words.empty()) line(std::move(words));
    }
}

void Story::line(Words words) {
    const auto all = fmt::format("{}", fmt::join(words, " "));
    const auto before = complaints_.size();
    if (std::isdigit(static_cast<unsigned char>(words.front().front())) != 0) {
        const auto at = Duration{static_cast<std::int64_t>(std::stod(next(words)) * 1e6)};
        return mesh_.ground.schedule.at(Instant{at}, [this, words] { step(words); });
    }
    const auto what = next(words);
    if (what == "storage") {
        declare_storage(words);
    } else if (what == "vm") {
        declare_vm(words);
    } else if (what == "vms") {
        declare_vms(words);
    } else if (what == "shows") {
        shown_.assign(words.begin(), words.end());
    } else if (what == "machine") {
        declare_machine(words);
    } else if (what == "agent") {
        declare_agent(words);
    } else if (what == "twin") {
        declare_twin(words);
    } else if (what == "tool") {
        const auto name = next(words);
        const auto role = role_from_text(next(words)).value_or(Role::None);
        auto& tool = mesh_.add_tool(name, role);
        tool.on_line = [this, name](const std::string& text) {
            write(fmt::format("{} is told: {}", name, text));
        };
        if (next(words) == "on") tool.machine = mesh_.estate().find_machine(next(words));
    } else if (what == "expect") {
        expectations_.push_back(words);
    } else if (what == "end" || what == "stop") {
        end_ = Instant{Duration{static_cast<std::int64_t>(std::stod(next(words)) * 1e6)}};
        at_rest_ = what == "end";
    } else {
        complain("not understood");
    }
    if (complaints_.size() > before)
        complaints_.back() = fmt::format("{}: {}", complaints_.back(), all);
}

void Story::declare_storage(Words& words) {
    auto marker = mesh_.ground.random.id<PoolId>();
    const auto name = next(words);
    bool locks = true;
    while (!words.empty()) {
        const auto word = next(words);
        if (word == "nolocks") locks = false;
        if (word == "like") {
            const auto* other = mesh_.estate().find_storage(next(words));
            if (other == nullptr) return complain("no such storage");
            marker = other->marker;
        }
    }
    mesh_.estate().add_storage(name, marker).has_locks = locks;
}

void Story::declare_vm(Words& words) {
    auto* storage = mesh_.estate().find_storage(next(words));
    if (storage == nullptr) return complain("no such storage");
    const auto label = next(words);
    Directory directory{.uuid = mesh_.ground.random.id<VmId>(), .label = label, .grace = {}};
    Guest guest = mesh_.estate().guest_of(label);
    while (!words.empty()) {
        const auto word = next(words);
        if (word == "like") {
            const auto* other = mesh_.estate().find_storage(next(words));
            if (other == nullptr) return complain("no such storage");
            directory.uuid = other->directories.at(label).uuid;
        }
        if (word == "grace") directory.grace = span(next(words));
        if (word == "obeys") guest.takes = span(next(words));
        if (word == "ignores") guest.obeys = false;
        if (word == "hangs") guest.obeys = false, guest.survives_quit = true;
        if (word == "undying") guest.obeys = false, guest.survives_kill = true;
        if (word == "after") directory.start_after.push_back(next(words));
        if (word == "broken") directory.wrapper_works = false;
        if (word == "raw") directory.format = "raw";
        if (word == "noteless") directory.takes_notes = false;
        if (word == "unloadable") directory.loads = false;
        if (word == "saves") guest.saves = span(next(words));
        if (word == "cd") guest.cd = next(words);
        if (word == "unsavable") guest.fails_to_save = true;
        if (word == "inside") {
            const auto how = next(words);
            guest.inside = how == "works"    ? Guest::Inside::Works
                           : how == "silent" ? Guest::Inside::Silent
                                             : Guest::Inside::Refuses;
        }
        if (word == "onstop") directory.on_stop = on_stop_from_text(next(words)).value();
    }
    storage->directories[label] = directory;
    mesh_.estate().set_guest(label, guest);
}

void Story::declare_vms(Words& words) {
    const auto storage = next(words);
    const auto prefix = next(words);
    const auto count = std::stoul(next(words));
    for (std::size_t i = 0; i < count; ++i) {
        auto one = words;
        one.push_front(fmt::format("{}{}", prefix, i));
        one.push_front(storage);
        declare_vm(one);
    }
}

void Story::declare_machine(Words& words) {
    const auto name = next(words);
    if (words.empty()) {
        mesh_.estate().add_machine(mesh_.promises, name);
        return;
    }
    next(words);
    const auto label = next(words);
    next(words);
    const auto boots = words.empty() ? Duration{std::chrono::seconds{4}} : span(next(words));
    for (const auto& [unused, storage] : mesh_.estate().storages()) {
        const auto found = storage->directories.find(label);
        if (found == storage->directories.end()) continue;
        mesh_.add_inside(name, found->second.uuid, boots);
        return;
    }
    complain("no such VM");
}

void Story::declare_agent(Words& words) {
    const auto name = next(words);
    if (next(words) != "on") return complain("'on' is missing");
    auto* machine = mesh_.estate().find_machine(next(words));
    if (machine == nullptr) return complain("no such machine");
    std::vector<Mount> mounts;
    if (next(words) != "mounts") return complain("'mounts' is missing");
    const bool is_root = std::erase(words, "rootless") == 0;
    for (const auto& word : words) {
        auto* storage = mesh_.estate().find_storage(word);
        if (storage == nullptr) return complain("no such storage");
        mounts.push_back({"/p/" + word, storage});
    }
    mesh_.add_agent(*machine, name, std::move(mounts)).plan().is_root = is_root;
}

void Story::declare_twin(Words& words) {
    const auto name = next(words);
    next(words);
    const auto* of = mesh_.find_agent(next(words));
    next(words);
    auto* machine = mesh_.estate().find_machine(next(words));
    if (of == nullptr || machine == nullptr) return complain("no such agent or machine");
    auto plan = of->plan();
    plan.name = name;
    twins_.push_back(std::make_unique<SimAgent>(
        mesh_.ground, mesh_.network, mesh_.promises, *machine, std::move(plan)));
}

std::string Story::log() {
    mesh_.ground.schedule.run_until(end_);
    if (at_rest_) check_rest(mesh_);
    for (auto& words : expectations_) {
        expect(words);
    }
    for (const auto& violation : mesh_.ground.violations()) {
        complain(violation);
    }
    return log_;
}

void Story::write(const std::string& text) {
    const auto at_s = static_cast<double>(mesh_.ground.schedule.now().since_start.count()) / 1e6;
    const auto named = with_names(text);
    const bool is_shown = shown_.empty() || text.starts_with("-- ") ||
                          std::any_of(shown_.begin(), shown_.end(), [&](const auto& word) {
                              return named.find(word) != std::string::npos;
                          });
    if (is_shown) log_ += fmt::format("{:9.3f} {}\n", at_s, named);
}

/// Ids are as random as a seed makes them: people read names.
std::string Story::with_names(std::string text) const {
    for (const auto& [name, id] : names_) {
        replace_all(text, id.to_string(), name);
    }
    for (const auto& agent : mesh_.agents) {
        replace_all(text, agent->plan().id.to_string(), agent->name());
    }
    return text;
}

void Story::on_recorded(const broker::Append& append) {
    const auto event = schema::decode_event(view(append.bytes));
    if (!event) return write("an event that cannot be read");
    std::string subject = event->label;
    if (family(event->kind) == EventFamily::Worker) subject = event->worker_name;
    if (family(event->kind) == EventFamily::Audit) subject = "audit";
    if (family(event->kind) == EventFamily::Path) subject += " on " + event->worker_name;
    auto text = fmt::format("#{} {} {}", append.sequence, subject, to_string(event->kind));
    if (!event->action.is_none()) text += fmt::format(" [{}]", event->action);
    if (!event->by.empty()) text += " by " + event->by;
    if (!event->evidence.empty() && event->evidence != "none") text += " (" + event->evidence + ")";
    for (const auto& [key, value] : event->data) {
        if (key == "code") text += " (" + value + ")";
        if (key == "inner") text += " inner=" + value;
    }
    if (!event->text.empty()) text += ": " + event->text;
    write(text);
}

void Story::expect(Words& words) {
    const auto all = fmt::format("{}", fmt::join(words, " "));
    const auto subject = next(words);
    const auto wanted = next(words);
    std::string found;
    if (subject == "gaps") {
        const auto* tool = mesh_.find_tool(wanted);
        found = tool == nullptr ? "no such tool" : std::to_string(tool->gaps());
        if (found == next(words)) return;
    } else if (const auto named = names_.find(subject); named != names_.end()) {
        found = "nothing";
        for (const auto& tool : mesh_.tools) {
            for (const auto& [correlation, told] : tool->told()) {
                if (told.action == named->second && told.refused)
                    found = to_string(told.refused->code);
            }
        }
        const auto& actions = mesh_.broker.store().actions();
        if (const auto record = actions.find(named->second); record != actions.end()) {
            const auto& outcome = record->second.outcome;
            found = !outcome        ? std::string{to_string(record->second.state)}
                    : outcome->ok() ? std::string{"ok"}
                                    : std::string{to_string(outcome->error->code)};
        }
        if (found == wanted) return;
    } else if (subject == "all") {
        // All VMs whose label begins so.
        std::size_t count = 0;
        for (const auto& row : mesh_.broker.store().all_instances()) {
            if (row.label.starts_with(wanted) && is_live(row.state)) ++count;
        }
        const auto how = next(words);
        const auto right = how == "ended" ? 0 : std::stoul(next(words));
        if (count == right) return;
        found = fmt::format("{} instances", count);
    } else {
        std::size_t count = 0;
        for (const auto& row : mesh_.broker.store().all_instances()) {
            if (row.label == subject && is_live(row.state)) ++count;
        }
        const auto number = next(words);
        const auto right = wanted == "ended" ? 0 : number.empty() ? 1 : std::stoul(number);
        if (count == right) return;
        found = fmt::format("{} instances", count);
    }
    complain(fmt::format("expected {}, found {}", all, found));
}

} // namespace ctys::sim
