#include "mesh/core/row_filter.h"
#include "mesh/core/text.h"
#include "tools/verbs/command_line.h"
#include "tools/verbs/filters.h"
#include "tools/verbs/help_pages.h"
#include "tools/verbs/local_scan.h"
#include "tools/words/reflex.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ctys;
using namespace ctys::tools;

namespace {

Error error_of(const std::vector<std::string>& args) {
    Globals globals;
    const auto verbs = all_subcommands();
    const auto parsed = parse_arguments(args, verbs, globals);
    REQUIRE_FALSE(parsed.has_value());
    return parsed.error();
}

std::string page_of(const std::vector<std::string>& args) {
    Globals globals;
    const auto verbs = all_subcommands();
    const auto parsed = parse_arguments(args, verbs, globals);
    REQUIRE(parsed.has_value());
    REQUIRE(std::holds_alternative<Page>(*parsed));
    return std::get<Page>(*parsed).text;
}

} // namespace

TEST_CASE("global options stand before or after the verb", "[tools][arguments]") {
    const auto verbs = all_subcommands();
    for (const auto& args :
         {std::vector<std::string>{"-o", "json", "--broker", "tcp://x:1", "list"},
          std::vector<std::string>{"list", "-o", "json", "--broker", "tcp://x:1"}}) {
        Globals globals;
        const auto fresh = all_subcommands();
        const auto parsed = parse_arguments(args, fresh, globals);
        REQUIRE(parsed.has_value());
        CHECK(std::get<Chosen>(*parsed).verb->name() == "list");
        CHECK(globals.format == "json");
        CHECK(globals.broker == "tcp://x:1");
    }
}

TEST_CASE("an option without its value says what it takes", "[tools][arguments]") {
    const auto [args, message] = GENERATE(table<std::vector<std::string>, std::string>({
        {{"start", "web", "--instmode"},
         "start: --instmode needs a value, MODES: install: SOURCE%FILE%TARGET%FILE%STAGE, or "
         "default"},
        {{"list", "--timeout"},
         "list: --timeout needs a value, TIME: my patience (status 124); actions go on"},
        {{"wait"}, "wait: VM is missing: label or address"},
        {{"start", "web", "--bootmode=CD", "--bootmode=HDD"},
         "start: --bootmode stands more than once"},
        {{"start", "web", "--force=maybe"}, "start: --force takes no value"},
    }));

    const auto error = error_of(args);

    CHECK(error.code == ErrorCode::Usage);
    CHECK(error.message == message);
}

TEST_CASE("a verb keeps what stands after it", "[tools][arguments]") {
    Globals globals;
    const auto verbs = all_subcommands();

    const auto parsed =
        parse_arguments({"shutdown", "web", "db", "--deadline", "3m", "-q"}, verbs, globals);

    REQUIRE(parsed.has_value());
    CHECK(std::get<Chosen>(*parsed).verb->subject() == "web db");
    CHECK(globals.quiet);
}

TEST_CASE("wrong words are answered with the right ones", "[tools][arguments]") {
    CHECK(error_of({"stop", "web"}).message ==
          "stop: say shutdown (asks the guest) or kill (cuts the power)");
    CHECK(error_of({"statr", "web"}).try_next == "ctys start");
    CHECK(error_of({"top", "web"}).code == ErrorCode::Unsupported);
    CHECK(error_of({"frobnicate"}).try_next == "ctys help");
    CHECK(error_of({"shutdown", "web", "--dedline", "3m"}).try_next == "--deadline");
    CHECK(error_of({"shutdown", "web", "--deadline", "soon"}).code == ErrorCode::Usage);
    CHECK(error_of({"console"}).code == ErrorCode::Usage);
    CHECK(error_of({"show", "a", "b"}).code == ErrorCode::Usage);
    CHECK(error_of({"events", "--count", "-1"}).code == ErrorCode::Usage);
    CHECK(error_of({"-q"}).code == ErrorCode::Usage);
}

TEST_CASE("words from other tools are answered with a command that there is",
          "[tools][arguments]") {
    CHECK(error_of({"plugins"}).message == "plugins: that is a program of its own");
    CHECK(error_of({"plugins"}).try_next == "ctys-plugins -T QEMU,VNC,X11,CLI -E");
    const auto verbs = all_subcommands();
    for (const auto& each : all_reflexes()) {
        CAPTURE(each.word);
        const auto refused = error_of({std::string{each.word}, "web"});
        CHECK(refused.code == ErrorCode::Usage);
        CHECK(refused.try_next == each.instead);
        const auto words = split(each.instead, ' ');
        REQUIRE(words.size() > 1);
        const auto is_meant = [&](const auto& verb) { return verb->name() == words[1]; };
        CHECK((words[0] == "ctys-plugins" || words[1] == "--version" ||
               std::any_of(verbs.begin(), verbs.end(), is_meant)));
    }
}

TEST_CASE("wrong words are answered in the format asked for", "[tools][arguments]") {
    const auto& args = GENERATE(table<std::vector<std::string>, std::string>(
        {{{"-o", "json", "stop", "web"}, "json"},
         {{"stop", "web", "-o", "jsonl"}, "jsonl"},
         {{"--output=json", "frobnicate"}, "json"},
         {{"list", "--frobnicate", "-ojson"}, "json"},
         {{"help", "frobnicate", "--output", "json"}, "json"},
         {{"stop", "web"}, "table"},
         {{"stop", "web", "-o"}, "table"}}));
    CAPTURE(std::get<0>(args));
    Globals globals;
    const auto verbs = all_subcommands();

    CHECK_FALSE(parse_arguments(std::get<0>(args), verbs, globals).has_value());

    CHECK(globals.format == std::get<1>(args));
}

TEST_CASE("help is of the first word behind it", "[tools][arguments]") {
    const auto overview = page_of({"help"});
    const auto list = page_of({"list", "--help"});

    CHECK(page_of({"help", "help"}) == overview);
    CHECK(page_of({"help", "--help"}) == overview);
    CHECK(page_of({"-q", "help"}) == overview);
    CHECK(page_of({"help", "list", "-q"}) == list);
    CHECK(page_of({"help", "-o", "json", "list"}) == list);
    CHECK(error_of({"help", "frobnicate", "list"}).code == ErrorCode::Usage);
}

TEST_CASE("show and cancel of actions take several ids", "[tools][arguments]") {
    Globals globals;
    const auto verbs = all_subcommands();

    const auto parsed = parse_arguments({"actions", "show", "a-1", "a-2", "-q"}, verbs, globals);

    REQUIRE(parsed.has_value());
    CHECK(std::get<Chosen>(*parsed).verb->subject() == "show a-1 a-2");
}

TEST_CASE("a misspelt word of a filter is answered with the one that was meant",
          "[tools][arguments]") {
    const auto [typed, meant] = GENERATE(
        table<std::string, std::string>({{"state=runing,paused", "--filter state=running,paused"},
                                         {"owner=byhand", "--filter 'owner=by hand'"},
                                         {"workerstate=lost", "--filter worker_state=lost"},
                                         {"managed=yes", ""}}));
    CAPTURE(typed);

    const auto parsed = parse_filters({"label=web", typed}, row_filter_fields());

    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == ErrorCode::Usage);
    CHECK(parsed.error().try_next == meant);
    CHECK(parse_filters({"kind=stoped"}, event_filter_fields()).error().try_next ==
          "--filter kind=stopped");
}

TEST_CASE("help teaches every verb with examples", "[tools][arguments]") {
    const auto overview = page_of({"help"});
    for (const auto& verb : all_subcommands()) {
        INFO(verb->name());
        CHECK(overview.find(fmt::format("  {} ", verb->name())) != std::string::npos);
        const auto page = page_of({std::string{verb->name()}, "--help"});
        CHECK(page.find(fmt::format("ctys {}", verb->name())) != std::string::npos);
    }
    CHECK(page_of({}) == overview);
    CHECK(page_of({"help", "exit-status"}).find("124") != std::string::npos);
    CHECK(page_of({"help", "create"}).find("place: chdir cd ") != std::string::npos);
    CHECK(page_of({"help", "cancel"}).find("not built yet: client") != std::string::npos);
    CHECK(page_of({"--version"}).starts_with("ctys "));
}

TEST_CASE("a line of a local scan becomes a row, whatever it contains", "[tools][local]") {
    const auto row = parse_vm_row(
        R"({"label":"web","uuid":"00000000-0000-0000-0000-000000000001","state":"running",)"
        R"("owner":"libvirt","pid":12,"managed":true,"cport":-1,"tcp":5,"new":[]})");

    REQUIRE(row.has_value());
    CHECK(row->label == "web");
    CHECK(row->state == VmState::Running);
    CHECK(row->owner == Owner::Libvirt);
    CHECK(row->pid == 12);
    CHECK(row->managed);
    CHECK(row->cport == 0);
    CHECK(row->ip.empty());
    CHECK_FALSE(parse_vm_row("[]").has_value());
    CHECK_FALSE(parse_vm_row("{").has_value());
}

TEST_CASE("every verb's help has a line that can be typed", "[tools][help]") {
    for (const auto& verb : all_subcommands()) {
        INFO(verb->name());
        CHECK(verb->examples().starts_with(fmt::format("  ctys {}", verb->name())));
    }
}
