#include "tools/legacy/command_line.h"
#include "tools/legacy/keys.h"
#include "tools/legacy/table.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools::legacy;
using namespace std::chrono_literals;

namespace {

CreateRequest create(std::string_view text) {
    auto what = parse_action(text);
    INFO((what ? std::string{} : what.error().message));
    REQUIRE(what.has_value());
    return std::get<CreateRequest>(*what);
}

CancelRequest cancel(std::string_view text) {
    auto what = parse_action(text);
    INFO((what ? std::string{} : what.error().message));
    REQUIRE(what.has_value());
    return std::get<CancelRequest>(*what);
}

Error legacy_error(const std::vector<std::string>& args) {
    auto line = parse_command_line(args);
    REQUIRE_FALSE(line.has_value());
    return line.error();
}

} // namespace

TEST_CASE("create takes the address keys of the original in any case", "[tools][legacy]") {
    CHECK(create("create=l:tst253,reuse").address.label == "tst253");
    CHECK(create("CREATE=LABEL:tst253").address.label == "tst253");
    CHECK(create("create=ID:/pool/tst253/tst253.ctys").address.path == "/pool/tst253/tst253.ctys");
    CHECK(create("create=m:00:50:56:16:11:0B").address.mac == "00:50:56:16:11:0b");
    CHECK(create("create=t:fe80::1").address.tcp == "fe80::1");
    CHECK(create("create=id:/odd::name/x.ctys").address.path == "/odd:name/x.ctys");
    CHECK(create("create=l:tst488,b:/a%/b%%c,reuse").address.bases ==
          std::vector<std::string>{"/a", "/b%c"});
}

TEST_CASE("create says what to do when the VM already runs", "[tools][legacy]") {
    CHECK(create("create=l:a").if_running == IfRunning::Refuse);
    CHECK(create("create=l:a,REUSE").if_running == IfRunning::Reuse);
    CHECK(create("create=l:a,connect").if_running == IfRunning::Connect);
    CHECK_FALSE(parse_action("create=l:a,connect,reuse").has_value());
}

TEST_CASE("what is booted and installed goes to the wrapper", "[tools][legacy]") {
    using Options = std::vector<std::string>;
    CHECK(create("create=l:a,bootmode:CD").options == Options{"--bootmode=CD"});
    CHECK(create("create=l:a,BOOTMODE:HDD%/pool/x::y.img").options ==
          Options{"--bootmode=HDD%/pool/x:y.img"});
    CHECK(create("create=ID:/p/tst253.ctys,INSTMODE:CD%default%VHDD%default%INIT").options ==
          Options{"--instmode=CD%default%VHDD%default%INIT"});
    CHECK(create("create=ID:/p/your.ctys,INSTMODE").options == Options{"--instmode"});
    CHECK(create("create=l:myLabel,instmode:FDD%none%USB%/dev/sdg%init").options ==
          Options{"--instmode=FDD%none%USB%/dev/sdg%init"});
    CHECK(create("create=l:a,argsadd:S%-rtc base=localtime").options ==
          Options{"--argsadd=-rtc base=localtime"});
    CHECK(create("create=l:a,argsadd:s%-drive file=/a,,if=none").options ==
          Options{"--argsadd=-drive file=/a,if=none"});
}

TEST_CASE("a kernel has commas or percent signs between its parts", "[tools][legacy]") {
    using Options = std::vector<std::string>;
    const Options whole{"--kernelmode=/b/k%/b/i%console=ttyS0"};
    CHECK(create("create=l:a,kernel:/b/k,/b/i,console=ttyS0").options == whole);
    CHECK(create("create=l:a,kernel:/b/k%/b/i%console=ttyS0").options == whole);
    CHECK(create("create=kernel:/b/k,/b/i,l:a").options == Options{"--kernelmode=/b/k%/b/i"});
    CHECK(create("create=kernel:/b/k,l:a,reuse").options == Options{"--kernelmode=/b/k"});
    CHECK_FALSE(parse_action("create=l:a,kernel:/b/k,/b/i,append,more").has_value());
    CHECK_FALSE(parse_action("create=l:a,kernel").has_value());
}

TEST_CASE("arguments are for QEMU alone", "[tools][legacy]") {
    const auto client =
        parse_action(GENERATE("create=l:a,argsadd:C%-x", "create=l:a,argsadd:b%-x"));
    REQUIRE_FALSE(client);
    CHECK(client.error().code == ErrorCode::Unsupported);
    CHECK(client.error().message.find("a client takes no arguments") != std::string::npos);
    const auto none = parse_action(GENERATE("create=l:a,argsadd:-x",
                                            "create=l:a,argsadd",
                                            "create=l:a,argsadd:S",
                                            "create=l:a,argsadd:S%"));
    REQUIRE_FALSE(none);
    CHECK(none.error().code == ErrorCode::Usage);
}

TEST_CASE("poweroff always cuts the power, after 20 s when no time is given", "[tools][legacy]") {
    CHECK(cancel("cancel=l:a").deadline == 20s);
    CHECK(cancel("cancel=l:a,poweroff").deadline == 20s);
    CHECK(cancel("cancel=l:a,poweroff:0,force") == CancelRequest{.address = *Address::parse("l:a"),
                                                                 .verb = Verb::Shutdown,
                                                                 .deadline = Duration{0},
                                                                 .always_cut = true,
                                                                 .force = true,
                                                                 .user = {}});
    CHECK(cancel("cancel=l:a,S5:90").deadline == 90s);
    CHECK(cancel("cancel=l:a,poweroff:5,timeout:7").deadline == 7s);
}

TEST_CASE("the other methods of cancel become verbs", "[tools][legacy]") {
    CHECK(cancel("cancel=l:a,reset").verb == Verb::Reset);
    CHECK(cancel("cancel=l:a,reboot").verb == Verb::Reboot);
    CHECK(cancel("cancel=l:a,reboot,force").verb == Verb::Reset);
    CHECK(cancel("cancel=l:a,s3").verb == Verb::Pause);
    CHECK_FALSE(cancel("cancel=l:a,reset").deadline.has_value());
    CHECK_FALSE(parse_action("cancel=l:a,reset,pause").has_value());
}

TEST_CASE("a key that does not exist is named with its column and a near one", "[tools][legacy]") {
    const auto error = legacy_error({"-t", "qemu", "-a", "create=l:tst324,bootmod:CD"});

    CHECK(error.code == ErrorCode::Usage);
    CHECK(error.message == "-a create=l:tst324,bootmod:CD : column 17: no such key \"bootmod\"");
    CHECK(error.try_next == "bootmode:CD   (all keys: ctys help create)");
}

TEST_CASE("what the original has and this does not yet is said so", "[tools][legacy]") {
    const auto text = GENERATE(
        "cancel=l:a,both", "list=terse", "enumerate=matchvstat:active", "show", "isactive=a");
    INFO(text);
    const auto what = parse_action(text);

    REQUIRE_FALSE(what.has_value());
    CHECK(what.error().code == ErrorCode::Unsupported);
    CHECK(what.error().message.find("not built yet: ") != std::string::npos);
}

TEST_CASE("what something else does here is answered with that", "[tools][legacy]") {
    const auto& [text, message, instead] = GENERATE(table<std::string, std::string, std::string>(
        {{"cmd:ls",
          "column 12: cmd:ls: commands inside a guest are given at its console, or by ssh to it",
          "ctys console LABEL"},
         {"CHDIR:/tmp",
          "column 12: CHDIR:/tmp: a VM runs in its own folder",
          "ctys -t QEMU -a create=l:LABEL"},
         {"vdil:1%2",
          "column 12: vdil:1%2: the configuration or the start chooses a VNC display",
          "ctys start LABEL --vncaccessdisplay free"},
         {"stackcheck:context",
          "column 12: stackcheck:context: the wrapper checks what a VM needs, before every start",
          "./VM.sh --check"},
         {"sshping:3%1",
          "column 12: sshping:3%1: whether a guest answers is asked over its own network",
          "ctys wait LABEL && ping -c 1 ADDRESS"},
         {"localonly",
          "column 12: localonly: the hosts behind the action say where a VM is started",
          "ctys -t QEMU -a create=l:LABEL localhost"}}));
    const auto what = parse_action("create=l:a," + text);

    REQUIRE_FALSE(what.has_value());
    CHECK(what.error().code == ErrorCode::Unsupported);
    CHECK(what.error().message == message);
    CHECK(what.error().try_next == instead);
    for (const auto* off : {"ping:off", "SSHPING:OFF", "stackcheck:off", "waits:2", "serveronly"}) {
        CHECK(parse_action(std::string{"create=l:a,"} + off));
    }
}

TEST_CASE("every key of create is built, or has a sentence of its own", "[tools][legacy]") {
    for (const auto key : key_names(KeySet::Create)) {
        CAPTURE(key);
        const auto meaning = find_key(KeySet::Create, key);
        CHECK(meaning != Key::NotYet);
        CHECK((meaning == Key::Elsewhere && instead_of(key).sentence.empty()) == false);
    }
}

TEST_CASE("reconnect needs a VM that runs, as connect does", "[tools][legacy]") {
    CHECK(create("create=l:a,reconnect").if_running == IfRunning::Connect);
    CHECK(parse_action("create=l:a,RECONNECT,reuse").error().message ==
          "column 22: connect, reconnect and reuse exclude each other");
}

TEST_CASE("a console of create prepares nothing more and is told", "[tools][legacy]") {
    const auto console = [](const std::string& text) {
        return std::get<CreateRequest>(parse_action("create=l:a,console:" + text).value()).console;
    };
    CHECK(console("GTerm") == "gterm");
    CHECK(console("VNC") == "vnc");
    CHECK(console("none").empty());
    CHECK(parse_action("create=l:a,console:cli0").error().try_next == "./VM.sh --console=cli0");
    CHECK(parse_action("create=l:a,console:").error().code == ErrorCode::Usage);
    CHECK(parse_action("create=l:a,console:tty").error().message ==
          "column 12: there is no console \"tty\"");
}

TEST_CASE("suspend and resume are the original's", "[tools][legacy]") {
    for (const auto* text : {"cancel=l:a,suspend", "cancel=l:a,S4"}) {
        const auto what = parse_action(text);
        REQUIRE(what.has_value());
        CHECK(std::get<CancelRequest>(*what).verb == Verb::Suspend);
        CHECK_FALSE(std::get<CancelRequest>(*what).deadline.has_value());
    }
    const auto create = parse_action("create=l:a,RESUME");
    REQUIRE(create.has_value());
    CHECK(std::get<CreateRequest>(*create).resume);
    for (const auto* text : {"create=l:a,resume,reuse", "create=l:a,connect,resume"}) {
        CHECK(parse_action(text).error().code == ErrorCode::Usage);
    }
    CHECK(parse_action("cancel=l:a,suspend,pause").error().code == ErrorCode::Usage);
}

TEST_CASE("all, self and init are the original's", "[tools][legacy]") {
    const auto all = parse_action("cancel=all,self,poweroff:60");
    REQUIRE(all.has_value());
    const auto& request = std::get<CancelRequest>(*all);
    CHECK(request.all);
    CHECK(request.self);
    CHECK(request.deadline == std::chrono::seconds{60});

    const auto level = parse_action("cancel=l:a,init:0");
    REQUIRE(level.has_value());
    CHECK(std::get<CancelRequest>(*level).verb == Verb::Shutdown);
    // The guest does it: power is never cut.
    CHECK_FALSE(std::get<CancelRequest>(*level).deadline.has_value());
    CHECK_FALSE(std::get<CancelRequest>(*level).always_cut);
    CHECK(std::get<CancelRequest>(*level).run_level == std::uint8_t{0});
    CHECK(std::get<CancelRequest>(*parse_action("cancel=l:a,init:6")).verb == Verb::Reboot);
    const auto other = std::get<CancelRequest>(*parse_action("cancel=l:a,init:3"));
    CHECK(other.verb == Verb::Init);
    CHECK(other.run_level == std::uint8_t{3});

    const auto* wrong = GENERATE(
        "cancel=all,l:a", "cancel=l:a,self", "cancel=l:a,init:9", "cancel=l:a,init:0,force");
    INFO(wrong);
    REQUIRE_FALSE(parse_action(wrong).has_value());
    CHECK(parse_action(wrong).error().code == ErrorCode::Usage);
}

TEST_CASE("malformed actions are refused", "[tools][legacy]") {
    const auto text = GENERATE("create",
                               "create=",
                               "create=reuse",
                               "create=b:/x",
                               "create=l:",
                               "create=l:a,,",
                               "create=l:a,",
                               "create=l:a b",
                               "create=id:relative",
                               "create=m:00:50",
                               "create=b:relative,l:a",
                               "cancel=l:a,poweroff:x",
                               "creat=l:a",
                               "",
                               "=");
    INFO(text);
    const auto what = parse_action(text);

    REQUIRE_FALSE(what.has_value());
    CHECK(what.error().code == ErrorCode::Usage);
}

TEST_CASE("the documented calls of the original are understood", "[tools][legacy]") {
    const auto line =
        parse_command_line({"-t", "qemu", "-a", "cancel=l:tst323,poweroff", "root@lab02"});

    REQUIRE(line.has_value());
    CHECK(line->type == "QEMU");
    CHECK(line->targets == std::vector<Target>{{.user = "root", .host = "lab02"}});
    CHECK_FALSE(line->sync);
}

TEST_CASE("options in brackets hold from where they stand to the end", "[tools][legacy]") {
    const auto line = parse_command_line({"-t",
                                          "qemu",
                                          "-c",
                                          "local",
                                          "-a",
                                          "create=l:a",
                                          "--",
                                          "(",
                                          "-d",
                                          "3",
                                          ")",
                                          "host01",
                                          "host02(-b",
                                          "sync)",
                                          "u@host03"});

    REQUIRE(line.has_value());
    CHECK(line->targets == std::vector<Target>{{.host = "host01"},
                                               {.host = "host02", .sync = true},
                                               {.user = "u", .host = "host03", .sync = true}});
}

TEST_CASE("create without a type is refused, list without one is not", "[tools][legacy]") {
    CHECK(legacy_error({"-a", "create=l:a"}).code == ErrorCode::Usage);
    CHECK(legacy_error({"-a", "cancel=l:a"}).try_next == "ctys -t QEMU -a cancel=l:a");
    CHECK(parse_command_line({"-a", "list"}).has_value());
    CHECK(parse_command_line({"-T", "QEMU,VNC,X11,CLI", "-a", "create=l:a"}).has_value());
    CHECK(legacy_error({"-t", "vnc", "-a", "list"}).code == ErrorCode::Unsupported);
}

TEST_CASE("a list of types names one that is there", "[tools][legacy]") {
    const auto option = GENERATE("-t", "-T");
    INFO(option);

    CHECK(parse_command_line({option, "xen,QEMU", "-a", "create=l:x"}).has_value());
    CHECK(parse_command_line({option, "VNC,all", "-a", "create=l:x"}).has_value());
    const auto error = legacy_error({option, "XEN,VNC", "-a", "create=l:x"});
    CHECK(error.code == ErrorCode::Unsupported);
    CHECK(error.message.find("QEMU is there") != std::string::npos);
    CHECK(legacy_error({option, "QEMU,NONSENSE", "-a", "list"}).code == ErrorCode::Usage);
}

TEST_CASE("action and type are of the whole line, not of one host", "[tools][legacy]") {
    const auto words = GENERATE("lab02(-a cancel=l:x)", "( -t QEMU ) lab02", "lab02(-T ALL)");
    INFO(words);
    const auto error = legacy_error({"-t", "QEMU", "-a", "list", words});

    CHECK(error.code == ErrorCode::Unsupported);
    CHECK(error.message.find("in brackets: not built yet") != std::string::npos);
}

TEST_CASE("options behind the hosts are not taken for hosts", "[tools][legacy]") {
    const auto error = legacy_error({"-a", "list", "lab02", "-b", "sync"});

    CHECK(error.code == ErrorCode::Usage);
    CHECK(error.message.starts_with("-b: options stand before the hosts"));
}

TEST_CASE("an option -h asks for the page wherever it stands among the options",
          "[tools][legacy]") {
    CHECK(parse_command_line({"-t", "QEMU", "-h"})->help);
    CHECK(parse_command_line({"-h", "-a", "nonsense"})->help);
    CHECK(parse_command_line({"-a", "list", "--help"})->help);
    CHECK(parse_command_line({"-a", "list", "lab02", "-h"})->help);
    CHECK_FALSE(parse_command_line({"-a", "list", "-l", "-h"})->help);
    CHECK_FALSE(parse_command_line({"-a", "list"})->help);
}

TEST_CASE("options of the new language are spelled out beside -a", "[tools][legacy]") {
    using Words = std::vector<std::string>;
    CHECK(spell_out({"--broker=tcp://h:1?a=b", "-a", "create=l:x"}) ==
          Words{"--broker", "tcp://h:1?a=b", "-a", "create=l:x"});
    CHECK(spell_out({"-o", "json", "-a", "list"}) == Words{"--output", "json", "-a", "list"});
    CHECK(spell_out({"-ojson", "--", "lab02"}) == Words{"--output", "json", "--", "lab02"});
}

TEST_CASE("broken command lines are refused with the option they are about", "[tools][legacy]") {
    CHECK(legacy_error({"-t"}).message == "-t: needs a value");
    CHECK(legacy_error({"-t", "qemu", "-a", "list", "-q"}).message == "-q: no such option");
    CHECK(legacy_error({"-a", "list", "-b", "perhaps"}).code == ErrorCode::Usage);
    CHECK(legacy_error({"-a", "list", "-g", "80x25"}).message ==
          "-g: the size of a window is its client's, and none is opened here");
    CHECK(legacy_error({"-a", "list", "-r", "1x1"}).message ==
          "-r: never had a meaning for QEMU, and has none");
    CHECK(legacy_error({"-t", "KVM", "-a", "list"}).message ==
          "-t KVM: KVM is no type of its own but an accelerator of QEMU");
    CHECK(legacy_error({"-a", "list", "host(-d 1"}).code == ErrorCode::Usage);
    CHECK(legacy_error({"-a", "list", "@host"}).code == ErrorCode::Usage);
    CHECK(legacy_error({"-a", "list", "vm0[vm1]"}).code == ErrorCode::Unsupported);
}

TEST_CASE("the original language is told from verbs by its short options", "[tools][legacy]") {
    const std::vector<std::string_view> verbs = {"list", "start"};

    CHECK(is_legacy({"-t", "QEMU", "-a", "list"}, verbs));
    CHECK(is_legacy({"-b", "sync", "-a", "list"}, verbs));
    CHECK_FALSE(is_legacy({"list", "-a"}, verbs));
    CHECK_FALSE(is_legacy({"-q", "list"}, verbs));
    CHECK_FALSE(is_legacy({"--timeout", "3", "start"}, verbs));
}

TEST_CASE("MACHINE prints 22 fields whatever a field contains", "[tools][legacy]") {
    VmRow row{.label = "a;b", .type = "QEMU", .arch = "arm"};
    fmt::memory_buffer out;

    render_machine(out, {row}, /*title=*/false);

    const auto text = fmt::to_string(out);
    CHECK(std::count(text.begin(), text.end(), ';') == 21);
    CHECK(text.starts_with(";QEMU-arm;a b;;"));
}

TEST_CASE("stack is kept, as it matters where something is carried", "[tools][legacy]") {
    const auto with = parse_action("cancel=l:a,poweroff:10,stack");
    const auto without = parse_action("cancel=l:a,poweroff:10");

    REQUIRE(with);
    REQUIRE(without);
    CHECK(std::get<CancelRequest>(*with).stack);
    CHECK_FALSE(std::get<CancelRequest>(*without).stack);
}
