#include "tools/verbs/help_pages.h"

#include "tools/legacy/keys.h"

#include <fmt/format.h>

#include <map>

namespace ctys::tools {

namespace {

constexpr std::string_view address_page =
    "A bare word is the label of a VM. Other addresses are keys, joined by commas; all must hold:\n"
    "  l:LABEL  id:/path/to.ctys  u:UUID  m:MAC  t:IP  f:PART-OF-PATH  b:/below/this  w:WORKER\n"
    "w: of an order is for what runs there; of a start, for a path there.\n"
    "Labels match exactly. More than one match lists the candidates and ends with 4.\n"
    "  ctys start web01\n"
    "  ctys show m:00:50:56:16:11:0b\n"
    "  ctys shutdown l:web01,b:/srv/vms\n";

constexpr std::string_view legacy_page =
    "The original's language:\n"
    "  ctys [-t TYPE|-T LIST] -a ACTION[=SUBOPTIONS] [OPTIONS] [--] ['('OPTS')'] [[USER@]HOST...]\n"
    "  ctys -t QEMU -a create=l:tst253,reuse root@lab02\n"
    "  ctys -t QEMU -a cancel=l:tst253,poweroff:60 lab02      power is cut after 60 s\n"
    "  ctys -t QEMU -a cancel=l:tst253,poweroff:0,force       power is cut at once\n"
    "  ctys -a list\n"
    "  ctys -a enumerate=b:/mntn/vmpool\n"
    "  ctys -a info lab02\n"
    "A HOST is a worker: its name, or its host with or without domain. localhost is this machine.\n"
    "create and cancel print the action's id and return; with -b sync they wait for the end.\n"
    "poweroff always cuts the power at its time, 20 s when none is given.\n"
    "Separators , : % are masked by doubling them; keys ignore case. Keys: ctys help create,\n"
    "ctys help cancel, ctys help legacy-list, ctys help legacy-enumerate.\n";

std::string overview(const Subcommands& verbs) {
    std::string page = "ctys VERB [VM] [OPTIONS]       ctys VERB --help has examples\n\n";
    for (const auto& verb : verbs)
        page += fmt::format("  {:<9} {}\n", verb->name(), verb->summary());
    page +=
        "\n"
        "  -o table|wide|json|jsonl|csv|name   --timeout my patience   --deadline the VM's time\n"
        "  ctys help options | address | exit-status\n"
        "  ctys help legacy     the original's language: ctys -t QEMU -a ...\n";
    return page;
}

std::string exit_status_page() {
    std::map<int, std::string> meanings{{0, "done"}};
    for (const auto& row : error_table()) {
        auto& text = meanings[row.exit_status];
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", row.name, row.sentence);
    }
    std::string page;
    for (const auto& [status, text] : meanings)
        page += fmt::format("{:>4}  {}\n", status, text);
    page += "events --timeout ends with 0, or with 124 when --count was not met.\n";
    return page;
}

std::string keys_page(legacy::KeySet set) {
    std::string built;
    std::string elsewhere;
    std::string later;
    for (const auto name : legacy::key_names(set)) {
        const auto key = legacy::find_key(set, name);
        auto& list = key == legacy::Key::NotYet      ? later
                     : key == legacy::Key::Elsewhere ? elsewhere
                                                     : built;
        list += fmt::format("{}{}", list.empty() ? "" : " ", name);
    }
    std::string page = fmt::format("keys: {}\n", built);
    if (!elsewhere.empty())
        page += fmt::format("answered with what takes their place: {}\n", elsewhere);
    if (!later.empty()) page += fmt::format("not built yet: {}\n", later);
    return page;
}

} // namespace

std::optional<std::string> help_page(std::string_view topic, const Subcommands& verbs) {
    if (topic.empty()) return overview(verbs);
    if (topic == "exit-status") return exit_status_page();
    if (topic == "address") return std::string{address_page};
    if (topic == "legacy") return std::string{legacy_page};
    if (topic == "create") return keys_page(legacy::KeySet::Create);
    if (topic == "cancel") return keys_page(legacy::KeySet::Cancel);
    if (topic == "legacy-list") return keys_page(legacy::KeySet::List);
    if (topic == "legacy-enumerate") return keys_page(legacy::KeySet::Enumerate);
    return std::nullopt;
}

} // namespace ctys::tools
