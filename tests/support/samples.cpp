#include "tests/support/samples.h"

namespace ctys::samples {

using namespace std::chrono_literals;

Uuid uuid(unsigned seed) {
    Uuid out;
    for (std::size_t i = 0; i < out.bytes.size(); ++i) {
        out.bytes[i] = static_cast<std::uint8_t>(seed * 37 + 11 * i + 1);
    }
    return out;
}

Error error() {
    return {.code = ErrorCode::Ambiguous,
            .message = "\"web\" matches 2 VMs",
            .evidence = {"web-1 on lab01", "web-2 on lab02"},
            .try_next = "ctys show web-1"};
}

Principal principal() {
    return {.name = "alice", .role = Role::Operator, .worker = "lab01"};
}

namespace {

StorageIdentity storage(unsigned seed) {
    return {.pool = {uuid(seed)},
            .below = "web/tst253",
            .inode = 131077 + seed,
            .filesystem = "nfs4",
            .source = "filer:/export/vmpool"};
}

InstanceKey instance_key() {
    return {.boot = {uuid(20)}, .pid = 41321, .start_ticks = 1'234'567'890'123};
}

} // namespace

VmRecord vm() {
    return {
        .id = {uuid(1)},
        .label = "tst253",
        .type = "KVM",
        .uuid_derived = true,
        .foreign = true,
        .copy_of = {uuid(2)},
        .macs = {"52:54:00:12:34:56", "52:54:00:12:34:57"},
        .ips = {"192.168.1.253", "fe80::1"},
        .arch = "x86_64",
        .memory_mb = 2048,
        .vcpus = 4,
        .grace = 90s,
        .home = storage(3),
        .settings = {{.key = "LABEL", .value = "tst253", .line = 12},
                     {.key = "DIST", .value = "Debian \"Bücherwurm\"", .line = 13}},
    };
}

VmRecord vm_with_policy() {
    auto record = vm();
    record.on_stop = OnStop::Leave;
    record.on_boot = OnBoot::LikeBefore;
    record.start_after = {"db", "cache"};
    return record;
}

VmRecord vm_with_remarks() {
    auto record = vm_with_policy();
    record.remarks = {
        "line 7: GRACE \"abc\" is not a time such as \"120\" or \"2m\"; none is used"};
    return record;
}

VmRecord vm_with_further_file() {
    auto record = vm_with_remarks();
    record.settings.push_back({.key = "OS", .value = "Linux", .line = 3, .file = "lab.conf"});
    return record;
}

PathRecord path() {
    return {
        .vm = {uuid(1)},
        .worker = {uuid(4)},
        .config = "/mntn/vmpool/web/tst253/tst253.ctys",
        .wrapper = "/mntn/vmpool/web/tst253/tst253.sh",
        .pool_root = "/mntn/vmpool",
        .storage = storage(5),
        .config_digest = 0xfedcba9876543210,
        .health = PathHealth::Stalled,
        .health_reason = "mount has not answered for 3m",
        .vmstate = "ACTIVE",
        .runnable = false,
        .why_not = "needs kvm, lab02 has tcg only",
        .owner_uid = 1001,
        .first_seen = {1'772'373'726'114'000},
        .last_seen = {1'772'373'999'000'001},
    };
}

InstanceRecord instance() {
    return {
        .key = instance_key(),
        .vm = {uuid(1)},
        .worker = {uuid(4)},
        .label = "tst253",
        .managed = true,
        .owner = Owner::Libvirt,
        .state = VmState::Running,
        .reason = "io-error",
        .since = {1'772'373'726'114'001},
        .started = {1'772'373'726'114'002},
        .user = "vmuser",
        .uid = 1002,
        .gid = 1003,
        .executable = "/usr/bin/qemu-system-x86_64",
        .version = "7.2.11 (Debian 1:7.2+dfsg-7+deb12u6)",
        .accelerator = "tcg",
        .arch = "x86_64",
        .machine = "pc-q35-7.2",
        .config = "/mntn/vmpool/web/tst253/tst253.ctys",
        .image = "/mntn/vmpool/web/tst253/tst253.qcow2",
        .console = "/run/ctys/instances/tst253/monitor.sock",
        .display = ":7",
        .cport = 5907,
        .note = "no monitor: can be watched, not asked",
        .can_ask = true,
        .macs = {"52:54:00:12:34:56"},
        .memory_mb = 1024,
        .vcpus = 2,
        .started_by = {0xabcdef0123456789},
        .token = 77,
        .ended = Ending{.by = EndedBy::Signal,
                        .evidence = Evidence::ProcConnector,
                        .exit_code = 3,
                        .signal = 9,
                        .detail = "SIGKILL",
                        .at = {1'772'373'800'000'000}},
    };
}

InstanceRecord instance_with_drives() {
    auto record = instance();
    record.drives = {{.name = "ide2-cd0",
                      .image = "/iso/debian-12.iso",
                      .has_tray = true,
                      .is_open = false,
                      .is_locked = true},
                     {.name = "sd1", .has_tray = true, .is_open = true},
                     {.name = "floppy0", .image = "/pool/boot.img"}};
    return record;
}

InstanceRecord instance_with_snapshots() {
    auto record = instance();
    record.snapshots = {{.name = "before-upgrade",
                         .at = {1'772'373'726'000'000},
                         .state_bytes = 123456,
                         .is_whole = true},
                        {.name = "part", .at = {1'772'373'727'000'000}, .state_bytes = 1}};
    return record;
}

InstanceRecord instance_with_guest_agent() {
    auto record = instance();
    record.guest_agent = true;
    return record;
}

Lease lease() {
    return {.vm = {uuid(1)},
            .worker = {uuid(4)},
            .token = 78,
            .action = {0xabcdef012345678a},
            .phase = Lease::Phase::Running,
            .since = {1'772'373'726'114'003},
            .instance = instance_key()};
}

WorkerRecord worker() {
    return {
        .id = {uuid(4)},
        .name = "lab02",
        .boot = {uuid(20)},
        .nonce = {uuid(21)},
        .machine_id = "0123456789abcdef0123456789abcdef",
        .platform = uuid(22),
        .platform_conflict = "DMI says one thing, vm.conf another",
        .version = "0.1.0",
        .host = "lab02.example.org",
        .arch = "x86_64",
        .cpus = 16,
        .memory_mb = 65536,
        .accelerators = {{.name = "kvm", .usable = false, .why = "probe guest hung"},
                         {.name = "tcg", .usable = true, .why = "always there"}},
        .binaries = {"/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-system-arm"},
        .blind_spots = {"processes of other users: no CAP_SYS_PTRACE"},
        .pools = {{.root = "/mntn/vmpool",
                   .id = {uuid(23)},
                   .health = PoolHealth::ReadOnly,
                   .reason = "mounted ro",
                   .filesystem = "nfs4",
                   .shared = true,
                   .trusted = true,
                   .vms = 40},
                  {.root = "/srv/vms", .filesystem = "ext4", .vms = 2}},
        .mark = {.stream = {uuid(24)}, .sequence = 4711, .hash = 0x1122334455667788},
        .state = WorkerState::Suspect,
        .last_seen = {1'772'373'726'114'004},
        .state_since = {1'772'373'726'114'005},
        .fenced = true,
    };
}

WorkerRecord worker_inside() {
    auto inside = worker();
    inside.draining = {0x0123456789abcdef};
    inside.booted = {1'772'373'700'000'005};
    return inside;
}

WorkerRecord worker_ended() {
    auto ended = worker_inside();
    ended.host_stops = true;
    ended.ended = true;
    ended.rival = "a second agent of this name, on lab03, is refused";
    return ended;
}

WorkerRecord worker_equipped() {
    auto equipped = worker();
    equipped.equipment = {
        .cpu_model = "AMD EPYC 7B13",
        .cpu_flags = "fpu vme svm sse2",
        .emulators = {{.path = "/opt/qemu/bin/qemu-system-x86_64",
                       .arch = "x86_64",
                       .version = "7.2.22",
                       .package = "Debian 1:7.2+dfsg-7",
                       .accelerators = "kvm tcg",
                       .machines = "pc q35 none",
                       .cpus = "qemu64 max",
                       .options = 52},
                      {.path = "/opt/qemu-0.12.2/bin/qemu-system-arm",
                       .version = "0.12.2",
                       .problem = "does not speak QMP as it is needed here"}},
        .requisites = {{.name = "vde_switch", .met = true, .fact = "/usr/bin/vde_switch"},
                       {.name = "QEMUSOCK", .met = false, .fact = "/var/tmp/x does not exist"}}};
    return equipped;
}

Action action() {
    return {
        .id = {0xabcdef012345678b},
        .verb = Verb::Shutdown,
        .target = "l:tst253",
        .vm = {uuid(1)},
        .worker = {uuid(4)},
        .user = "root",
        .deadline = 45s,
        .always_cut = true,
        .force = true,
        .if_running = IfRunning::Reuse,
        .reason = "rack 7 is moved",
        .principal = principal(),
        .expiry = 31s,
        .token = 79,
        .config = "/mntn/vmpool/web/tst253/tst253.ctys",
        .dry_run = true,
    };
}

ActionRecord action_on_instance() {
    auto record = action_record();
    record.action.instance = instance().key;
    return record;
}

ActionRecord action_of_stack() {
    auto record = action_on_instance();
    record.action.shrink = true;
    record.action.cut_unaskable = true;
    record.action.width = 17;
    record.action.plan = {0x7bcdef0123456789};
    record.action.self = true;
    record.action.stack = true;
    record.action.like_before = {0x6bcdef0123456789};
    return record;
}

ActionRecord action_without_state() {
    auto record = action_record();
    record.action.verb = Verb::Start;
    record.action.discard_state = true;
    return record;
}

ActionRecord action_of_machine() {
    auto record = action_of_stack();
    record.action.verb = Verb::Init;
    record.action.no_restore = true;
    record.action.run_level = 3;
    return record;
}

ActionRecord action_with_options() {
    auto record = action_without_state();
    record.action.options = {"--bootmode=CD%/iso/a.iso", "--force"};
    return record;
}

ActionRecord action_of_media() {
    auto record = action_on_instance();
    record.action.verb = Verb::ChangeMedium;
    record.action.device = "ide2-cd0";
    record.action.image = "/iso/debian-12.iso";
    return record;
}

ActionRecord action_of_snapshot() {
    auto record = action_on_instance();
    record.action.verb = Verb::RevertSnapshot;
    record.action.snapshot = "before-upgrade";
    return record;
}

PlanRecord plan() {
    return {.action = {0x7bcdef0123456789},
            .verb = Verb::Pause,
            .target = "w:rack1",
            .steps = 33,
            .needed = 34s,
            .until = 35s,
            .levels = 36,
            .width = 37,
            .limited = true,
            .critical = {2, 1, 0},
            .notes = {"lab03 and lab04 have one platform UUID"},
            .spent = 38s};
}

PlanStepRecord plan_step() {
    return {.plan = {0x7bcdef0123456789},
            .index = 39,
            .step = {.vm = {uuid(1)},
                     .label = "tst253",
                     .worker = {uuid(4)},
                     .worker_name = "lab02",
                     .verb = Verb::Kill,
                     .level = 40,
                     .after = {38, 37},
                     .begin = 41s,
                     .until = 42s,
                     .grace = 43s,
                     .cuts = true,
                     .can_ask = false,
                     .owner = Owner::Libvirt,
                     .inside = {{uuid(5)}, {uuid(6)}},
                     .unreached = {"sensor"}},
            .state = StepState::Unreached,
            .action = {0x8bcdef0123456789},
            .tries = 44,
            .text = "its worker is lost",
            .asked = 45s,
            .over = 46s};
}

PlanStepRecord plan_step_of_machine() {
    auto record = plan_step();
    record.step.verb = Verb::Init;
    record.step.run_level = 6;
    record.step.boot = {uuid(7)};
    return record;
}

PlanStepRecord plan_step_by_guest_agent() {
    auto record = plan_step();
    record.step.guest_agent = true;
    return record;
}

ActionRecord action_record() {
    return {.action = action(),
            .label = "tst253",
            .state = ActionState::Ended,
            .progress = "power button pressed",
            .cancelling = true,
            .outcome = Outcome{.error = error(), .text = "not done"},
            .requested = {1'772'373'726'114'006},
            .ended = {1'772'373'726'114'007}};
}

Intent intent() {
    return {.action = {0xabcdef012345678c},
            .verb = Verb::Reset,
            .instance = instance_key(),
            .vm = {uuid(1)},
            .at = {1'772'373'726'114'008}};
}

Intent intent_of_media() {
    auto written = intent();
    written.verb = Verb::Eject;
    written.device = "ide2-cd0";
    written.image = "/iso/debian-12.iso";
    return written;
}

Intent intent_of_snapshot() {
    auto written = intent();
    written.verb = Verb::DeleteSnapshot;
    written.snapshot = "before-upgrade";
    return written;
}

Event state_change() {
    return {
        .kind = EventKind::Running,
        .time = {1'772'373'726'114'009},
        .worker = {uuid(4)},
        .worker_name = "lab02",
        .vm = {uuid(1)},
        .label = "tst253",
        .action = {0xabcdef012345678d},
        .old_state = VmState::Starting,
        .new_state = VmState::Running,
        .by = "guest",
        .evidence = "qmp",
        .text = "runs after 0.3 s",
        .data = {{"rung", "button"}, {"cut_at", "2026-03-01T14:02:06.114000Z"}},
        .payload = instance(),
    };
}

std::vector<std::pair<std::string, Event>> events_by_payload() {
    const auto with = [](EventKind kind, EventPayload payload) {
        auto event = state_change();
        event.kind = kind;
        event.payload = std::move(payload);
        return event;
    };
    return {
        {"none", with(EventKind::Asked, std::monostate{})},
        {"instance", state_change()},
        {"path_facts", with(EventKind::PathSeen, PathFacts{.vm = vm(), .path = path()})},
        {"path", with(EventKind::PathHealth, path())},
        {"worker", with(EventKind::WorkerRegistered, worker())},
        {"action", with(EventKind::ActionEnded, action_record())},
    };
}

} // namespace ctys::samples
