#include "mesh/core/text.h"
#include "mesh/qemu/old_options.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;

namespace {

using Words = std::vector<std::string>;

// Words without blanks, as a person types them.
Words typed(std::string_view line) {
    Words out;
    for (const auto word : split(line, ' ')) {
        if (!word.empty()) out.emplace_back(word);
    }
    return out;
}

std::string typed(const Words& words) {
    std::string out;
    for (const auto& word : words) {
        out += (out.empty() ? "" : " ") + word;
    }
    return out;
}

TranslatedOptions translated(std::string_view line, QemuVersion version = usual_version) {
    return translate_old_options(typed(line), OwnNetwork::None, version).value();
}

// The release before it: 7.1 of 7.2, 8.2 of 9.0.
QemuVersion release_before(QemuVersion version) {
    return version.minor > 0 ? QemuVersion{version.major, version.minor - 1}
                             : QemuVersion{version.major - 1, 2};
}

std::string refusal_of(const Words& words) {
    const auto result = translate_old_options(words);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::Usage);
    return result.error().message;
}

} // namespace

TEST_CASE("options that QEMU 7.2 has lost are replaced, with one warning each", "[qemu]") {
    const auto [given, now] = GENERATE(table<std::string, std::string>({
        {"-localtime", "-rtc base=localtime"},
        {"--localtime", "-rtc base=localtime"},
        {"-startdate 2006-06-17T16:01:21", "-rtc base=2006-06-17T16:01:21"},
        {"-startdate 2006-06-17", "-rtc base=2006-06-17"},
        {"-rtc-td-hack", "-rtc driftfix=slew"},
        {"-std-vga", "-vga std"},
        {"-cirrusvga", "-vga cirrus"},
        {"-vmwarevga", "-vga vmware"},
        {"-sdl", "-display sdl"},
        {"-no-kvm", "-machine accel=tcg"},
        {"-no-kvm-irqchip", "-machine kernel_irqchip=off"},
        {"-no-kvm-pit-reinjection", "-global kvm-pit.lost_tick_policy=discard"},
        {"-kvm-shadow-memory 8", "-machine kvm-shadow-mem=8388608"},
        {"-balloon virtio", "-device virtio-balloon"},
        {"-balloon virtio,addr=05.0", "-device virtio-balloon,addr=05.0"},
        {"-watchdog i6300esb", "-device i6300esb"},
        {"-usbdevice host:1.2", "-usb -device usb-host,hostbus=1,hostaddr=2"},
        {"-usbdevice host:0451:2001", "-usb -device usb-host,vendorid=0x0451,productid=0x2001"},
        {"-usbdevice disk:/vm/a,b.img",
         "-usb -drive if=none,id=ctysusb1,file=/vm/a,,b.img,format=raw "
         "-device usb-storage,drive=ctysusb1"},
        {"-usbdevice disk:/vm/a.qcow2",
         "-usb -drive if=none,id=ctysusb1,file=/vm/a.qcow2,format=qcow2 "
         "-device usb-storage,drive=ctysusb1"},
        {"-usbdevice disk:format=raw:/vm/a:b",
         "-usb -drive if=none,id=ctysusb1,file=/vm/a:b,format=raw "
         "-device usb-storage,drive=ctysusb1"},
        {"-usbdevice ccid", "-usb -device usb-ccid"},
        {"-drive file=/vm/a.img,if=virtio,boot=off", "-drive file=/vm/a.img,if=virtio"},
        {"-drive file=/vm/a,,b.img,cache=on", "-drive file=/vm/a,,b.img,cache=writeback"},
        {"-vnc :1,non-adaptive", "-vnc :1,non-adaptive=on"},
        {"-vnc :1,password,tls",
         "-object tls-creds-anon,id=ctystls1,endpoint=server "
         "-vnc :1,password,tls-creds=ctystls1"},
        {"-vnc :1,tls,x509=/etc/pki",
         "-object tls-creds-x509,id=ctystls1,endpoint=server,dir=/etc/pki,verify-peer=off "
         "-vnc :1,tls-creds=ctystls1"},
        {"-vnc :1,tls,x509verify=/etc/pki,sasl",
         "-object tls-creds-x509,id=ctystls1,endpoint=server,dir=/etc/pki,verify-peer=on "
         "-vnc :1,sasl,tls-creds=ctystls1"},
        {"-net nic,vlan=0,macaddr=52:54:00:00:00:01,model=rtl8139",
         "-net nic,macaddr=52:54:00:00:00:01,model=rtl8139"},
        {"-net nic,model=e1000,name=first", "-net nic,model=e1000"},
        {"-net vde,vlan=0,sock=/var/run/vde", "-net vde,sock=/var/run/vde"},
        {"-net tap,vlan=0,ifname=tap0,script=no", "-net tap,ifname=tap0,script=no"},
        {"-net none,vlan=3", "-net none"},
        {"-net nic,vlan=1,model=e1000",
         "-netdev hubport,id=ctysport1,hubid=1 -net nic,netdev=ctysport1,model=e1000"},
        {"-net user,vlan=1,net=10.1.0.0/16",
         "-netdev user,id=ctysnet2,net=10.1.0.0/16 "
         "-netdev hubport,id=ctysport1,hubid=1,netdev=ctysnet2"},
        {"-realtime mlock=on", "-overcommit mem-lock=on"},
        {"-numa node,mem=128,cpus=0-1",
         "-object memory-backend-ram,id=ctysmem1,size=134217728 -numa "
         "node,cpus=0-1,memdev=ctysmem1"},
        {"-numa node,nodeid=1,mem=1G",
         "-object memory-backend-ram,id=ctysmem1,size=1073741824 -numa "
         "node,nodeid=1,memdev=ctysmem1"},
        {"-device e1000,vlan=0,mac=52:54:00:00:00:01",
         "-netdev hubport,id=ctysport1,hubid=0 "
         "-device e1000,mac=52:54:00:00:00:01,netdev=ctysport1"},
    }));
    CAPTURE(given);

    CHECK(translated(given) == TranslatedOptions{.words = typed(now),
                                                 .warnings = {given + " is gone from QEMU 7.2; " +
                                                              now + " takes its place"}});
}

TEST_CASE("options without a meaning for QEMU 7.2 are dropped with what to write", "[qemu]") {
    const std::string kqemu = "KQEMU does not exist any more; ACCELERATOR says KVM or QEMU";
    const auto [given, why] = GENERATE_COPY(table<std::string, std::string>({
        {"-startdate now", "the clock starts so without it"},
        {"-clock dynticks", "QEMU 7.2 chooses its timers itself"},
        {"-tdf", "QEMU makes up for lost ticks of the PIT without it"},
        {"-realtime mlock=off", "memory is not locked without it"},
        {"-enable-fips", "QEMU 7.2 leaves that to the libraries that encrypt"},
        {"-virtfs_synth",
         "-fsdev synth,id=ID -device virtio-9p-pci,fsdev=ID,mount_tag=TAG says it now"},
        {"-device pci-assign,host=01:00.0",
         "bind the device to vfio-pci; -device vfio-pci,host=BUS:SLOT.FUNCTION hands it over"},
        {"-curses",
         "a VM has no terminal of its own; -vnc shows its screen, `ctys console` its serial line"},
        {"-alt-grab", "-display sdl,grab-mod=lshift-lctrl-lalt says it now"},
        {"-ctrl-grab", "-display sdl,grab-mod=rctrl says it now"},
        {"-show-cursor", "-display sdl,show-cursor=on says it now"},
        {"-no-quit", "-display sdl,window-close=off says it now"},
        {"-no-frame", "a window of QEMU 7.2 always has its frame"},
        {"-no-kqemu", kqemu},
        {"-enable-kqemu", kqemu},
        {"-kernel-kqemu", kqemu},
        {"-no-kvm-pit", "-machine kernel_irqchip=off takes KVM's timer away, with more"},
        {"-enable-nesting", "CPU=MODEL,+vmx or CPU=MODEL,+svm says it now"},
        {"-cpu-vendor AuthenticAMD", "CPU=MODEL,vendor=VENDOR says it now"},
        {"-tb-size 64",
         "-accel tcg,tb-size=MB says it now, which QEMU refuses beside the -machine accel= of a "
         "VM; it sizes its translation cache itself"},
        {"-nvram nvram.bin", "it was for Itanium machines, which QEMU does not have any more"},
        {"-xen-create", "Xen's own tools make its machines now"},
        {"-balloon none", "there is none without it"},
        {"-hdachs 16,63,16", "-device ide-hd,drive=ID,cyls=C,heads=H,secs=S says it now"},
        {"-pcidevice host=01:00.0",
         "bind the device to vfio-pci; -device vfio-pci,host=BUS:SLOT.FUNCTION hands it over"},
        {"-virtioconsole pty",
         "-device virtio-serial -chardev BACKEND,id=ID -device virtconsole,chardev=ID says it now"},
        {"-bt hci,null", "QEMU has no Bluetooth any more"},
        {"-p 4321", "-gdb tcp::PORT in place of -s says it now"},
        {"-usbdevice serial::pty",
         "-usb -chardev BACKEND,id=ID -device usb-serial,chardev=ID says it now"},
        {"-usbdevice net:vlan=0", "-usb -netdev user,id=ID -device usb-net,netdev=ID says it now"},
        {"-usbdevice bt", "QEMU has no Bluetooth any more"},
        {"-usbdevice host:auto:1.2",
         "-usb -device usb-host,vendorid=0xVVVV,productid=0xPPPP says it now"},
        {"-vnc :1,sasl,acl",
         "acl is gone, and without it anyone could connect; -object authz-list with tls-authz= or "
         "sasl-authz= says it now"},
        {"-net channel,80:pty", "guestfwd= of -net user says it now"},
        {"-net dump,file=/tmp/a.pcap",
         "-object filter-dump,id=ID,netdev=NETDEV,file=FILE says it now, for a network that is a "
         "-netdev"},
        {"-smb /srv",
         "QEMU would start smbd, which the sandbox of a VM forbids; serve the folder from the "
         "host"},
        {"-nodefconfig", "a VM reads none of QEMU's own configuration files"},
        {"-writeconfig qemu.conf", "QEMU 7.2 writes no configuration file"},
        {"-redir tcp:5555::22",
         "none of these words is the user network it belongs to; NETWORK=none and -nic "
         "user,hostfwd=tcp::5555-:22 say it now"},
    }));
    CAPTURE(given);

    CHECK(translated(given) ==
          TranslatedOptions{.words = {}, .warnings = {given + " is dropped: " + why}});
}

TEST_CASE("what QEMU 7.2 still understands passes through without a word", "[qemu]") {
    const auto given = GENERATE(as<std::string>{},
                                "",
                                "-rtc base=localtime",
                                "-vga cirrus",
                                "-no-acpi -no-hpet -win2k-hack -no-fd-bootchk",
                                "-enable-kvm -mem-prealloc -watchdog-action reset",
                                "-full-screen -portrait -rotate 90 -nographic -k de",
                                "-usb -usbdevice tablet -usbdevice mouse -usbdevice braille",
                                "-net nic,model=ne2k_pci -net user,hostname=a,ip=10.1.0.0",
                                "-net vde,sock=/var/run/vde -net tap,ifname=tap0 -net none",
                                "-netdev user,id=a -device e1000,netdev=a -nic none",
                                "-device {\"driver\":\"e1000\",\"vlan\":0}",
                                "-vnc :1,password,share=ignore -vnc none -vnc unix:/a",
                                "-monitor pty -serial mon:pty -monitor unix:/a,server,nowait",
                                "-drive file=/a,if=ide,cache=off,snapshot=on -hda /a",
                                "-numa node,memdev=a -numa cpu,node-id=0 -device ide-hd,drive=a",
                                "-name a,process=b -boot order=cd -cpu qemu64,+nx -smp 2",
                                "-no-such-option -x /vm/last.img",
                                "- --");
    CAPTURE(given);

    CHECK(translated(given) == TranslatedOptions{.words = typed(given), .warnings = {}});
}

TEST_CASE("an argument is never taken for an option", "[qemu]") {
    const auto given = typed("-append -localtime -name -tdf -kernel -net -m -redir");

    CHECK(translate_old_options(given) == TranslatedOptions{.words = given, .warnings = {}});
}

TEST_CASE("forwards, TFTP and BOOTP become part of the first user network", "[qemu]") {
    const auto result = translated("-redir tcp:5555::22 -net nic,vlan=0 -net user,vlan=0 -net user "
                                   "-redir udp:53:10.0.2.3:5353 -redir :80::8080 -tftp /srv/a,b "
                                   "-bootp pxelinux.0");

    CHECK(typed(result.words) ==
          "-net nic -net user,hostfwd=tcp::5555-:22,hostfwd=udp::53-10.0.2.3:5353,"
          "hostfwd=tcp::80-:8080,tftp=/srv/a,,b,bootfile=pxelinux.0 -net user");
    CHECK(
        result.warnings ==
        Words{"-redir tcp:5555::22 is gone from QEMU 7.2; hostfwd=tcp::5555-:22 of the user "
              "network takes its place",
              "-net nic,vlan=0 is gone from QEMU 7.2; -net nic takes its place",
              "-net user,vlan=0 is gone from QEMU 7.2; -net user takes its place",
              "-redir udp:53:10.0.2.3:5353 is gone from QEMU 7.2; hostfwd=udp::53-10.0.2.3:5353 "
              "of the user network takes its place",
              "-redir :80::8080 is gone from QEMU 7.2; hostfwd=tcp::80-:8080 of the user network "
              "takes its place",
              "-tftp /srv/a,b is gone from QEMU 7.2; tftp=/srv/a,,b of the user network takes its "
              "place",
              "-bootp pxelinux.0 is gone from QEMU 7.2; bootfile=pxelinux.0 of the user network "
              "takes its place"});
}

TEST_CASE("a forward finds a user network in any of its forms", "[qemu]") {
    const auto [given, now] = GENERATE(table<std::string, std::string>({
        {"-redir tcp:1::2 -nic user", "-nic user,hostfwd=tcp::1-:2"},
        {"-redir tcp:1::2 --netdev user,id=a", "--netdev user,id=a,hostfwd=tcp::1-:2"},
        {"-redir tcp:1::2 -net type=user", "-net type=user,hostfwd=tcp::1-:2"},
        {"-redir tcp:1::2 -net user,vlan=7",
         "-netdev user,id=ctysnet2,hostfwd=tcp::1-:2 "
         "-netdev hubport,id=ctysport1,hubid=7,netdev=ctysnet2"},
    }));
    CAPTURE(given);

    CHECK(typed(translated(given).words) == now);
}

TEST_CASE("two vlans stay two networks", "[qemu]") {
    const auto result = translated("-net nic,vlan=1 -net user,vlan=1 -net nic -net vde,sock=/s");

    CHECK(typed(result.words) ==
          "-netdev hubport,id=ctysport1,hubid=1 -net nic,netdev=ctysport1 "
          "-netdev user,id=ctysnet3 -netdev hubport,id=ctysport2,hubid=1,netdev=ctysnet3 "
          "-net nic -net vde,sock=/s");
    CHECK(result.warnings.size() == 2);
}

TEST_CASE("each sound card becomes a device, once", "[qemu]") {
    const auto [given, now] = GENERATE(table<std::string, std::string>({
        {"-soundhw sb16", "-device sb16,audiodev=ctyssound"},
        {"-soundhw es1370", "-device ES1370,audiodev=ctyssound"},
        {"-soundhw ac97", "-device AC97,audiodev=ctyssound"},
        {"-soundhw adlib", "-device adlib,audiodev=ctyssound"},
        {"-soundhw gus", "-device gus,audiodev=ctyssound"},
        {"-soundhw cs4231a", "-device cs4231a,audiodev=ctyssound"},
        {"-soundhw hda", "-device intel-hda -device hda-duplex,audiodev=ctyssound"},
        {"-soundhw pcspk", "-machine pcspk-audiodev=ctyssound"},
        {"-soundhw sb16,ac97,sb16",
         "-device sb16,audiodev=ctyssound -device AC97,audiodev=ctyssound"},
        {"-soundhw all",
         "-machine pcspk-audiodev=ctyssound -device sb16,audiodev=ctyssound "
         "-device ES1370,audiodev=ctyssound -device AC97,audiodev=ctyssound"},
    }));
    CAPTURE(given);
    const auto words = "-audiodev none,id=ctyssound " + now;

    CHECK(translated(given) ==
          TranslatedOptions{.words = typed(words),
                            .warnings = {given + " is gone from QEMU 7.2; " + words +
                                         " takes its place, and the sound goes nowhere"}});
}

TEST_CASE("a sound card that was given before is dropped", "[qemu]") {
    const auto result = translated("-soundhw sb16 -soundhw sb16 -soundhw sb16,gus");

    CHECK(typed(result.words) == "-audiodev none,id=ctyssound -device sb16,audiodev=ctyssound "
                                 "-device gus,audiodev=ctyssound");
    CHECK(result.warnings.at(1) == "-soundhw sb16 is dropped: its cards are there already");
}

TEST_CASE("what a drive loses is named", "[qemu]") {
    CHECK(translated("-drive file=/a,if=ide,serial=x,cyls=2,heads=16,secs=63") ==
          TranslatedOptions{
              .words = {"-drive", "file=/a,if=ide"},
              .warnings = {"-drive file=/a,if=ide,serial=x,cyls=2,heads=16,secs=63 is gone from "
                           "QEMU 7.2; -drive file=/a,if=ide takes its place, and serial=, cyls=, "
                           "heads=, secs= is lost, only -device takes it, for a drive with "
                           "if=none,id=ID"}});
}

TEST_CASE("a drive that was the first to boot, a CD-ROM and a shared folder are told", "[qemu]") {
    const auto [given, now, lost] = GENERATE(table<std::string, std::string, std::string>({
        {"-drive file=/a,boot=on",
         "-drive file=/a",
         "the drive is not the first one to boot any more: bootindex= of a -device says so now"},
        {"-drive file=/a,addr=5,boot=on",
         "-drive file=/a",
         "addr= is lost, only -device takes it, for a drive with if=none,id=ID; the drive is not "
         "the first one to boot any more: bootindex= of a -device says so now"},
        {"-device ide-drive,drive=a,unit=1",
         "-device ide-hd,drive=a,unit=1",
         "a CD-ROM would be ide-cd"},
        {"-device scsi-disk,drive=a", "-device scsi-hd,drive=a", "a CD-ROM would be scsi-cd"},
        {"-net user,smb=/srv,smbserver=10.0.2.4,hostname=a",
         "-net user,hostname=a",
         "smb= is lost: the sandbox of a VM lets QEMU start no smbd"},
        {"-usbdevice audio",
         "-usb -audiodev none,id=ctyssound -device usb-audio,audiodev=ctyssound",
         "the sound goes nowhere"},
    }));
    CAPTURE(given);

    CHECK(translated(given) ==
          TranslatedOptions{.words = typed(now),
                            .warnings = {given + " is gone from QEMU 7.2; " + now +
                                         " takes its place, and " + lost}});
}

TEST_CASE("what belongs to a user network goes to the VM's own where no word is one", "[qemu]") {
    const auto own =
        translate_old_options(typed("-redir tcp:5555::22 -tftp /srv/a,b"), OwnNetwork::User);
    const auto word =
        translate_old_options(typed("-redir tcp:5555::22 -net user"), OwnNetwork::User);

    CHECK(own ==
          TranslatedOptions{
              .words = {},
              .warnings = {"-redir tcp:5555::22 is gone from QEMU 7.2; "
                           "hostfwd=tcp::5555-:22 of the user network takes its place",
                           "-tftp /srv/a,b is gone from QEMU 7.2; tftp=/srv/a,,b of the user "
                           "network takes its place"},
              .user_properties = {"hostfwd=tcp::5555-:22", "tftp=/srv/a,,b"}});
    CHECK(word.value().user_properties.empty());
    CHECK(word.value().words == Words{"-net", "user,hostfwd=tcp::5555-:22"});
}

TEST_CASE("an argument that no QEMU understood is an error that names the word", "[qemu]") {
    const auto [given, message] = GENERATE(table<Words, std::string>({
        {{"-redir", "5555"}, "-redir 5555 is not [tcp|udp]:HOSTPORT:[GUEST]:GUESTPORT"},
        {{"-redir", "sctp:1::2"}, "-redir sctp:1::2 is not [tcp|udp]:HOSTPORT:[GUEST]:GUESTPORT"},
        {{"-redir", "tcp:0::2"}, "-redir tcp:0::2 is not [tcp|udp]:HOSTPORT:[GUEST]:GUESTPORT"},
        {{"-redir", "tcp:1::65536"},
         "-redir tcp:1::65536 is not [tcp|udp]:HOSTPORT:[GUEST]:GUESTPORT"},
        {{"-redir", "tcp:1:a,smb=/:2"},
         "-redir tcp:1:a,smb=/:2 is not [tcp|udp]:HOSTPORT:[GUEST]:GUESTPORT"},
        {{"-tftp", ""}, "-tftp names no folder"},
        {{"-bootp", ""}, "-bootp names no file"},
        {{"-startdate", "2006-06-17,driftfix=slew"},
         "-startdate 2006-06-17,driftfix=slew is not now, YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS"},
        {{"-startdate", "2006-06-17T"},
         "-startdate 2006-06-17T is not now, YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS"},
        {{"-kvm-shadow-memory", "8M"}, "-kvm-shadow-memory 8M is not a number of megabytes"},
        {{"-kvm-shadow-memory", "99999999999"},
         "-kvm-shadow-memory 99999999999 is not a number of megabytes"},
        {{"-balloon", "xen"}, "-balloon xen is neither virtio nor none"},
        {{"-watchdog", "i6300esb,x=y"}, "-watchdog i6300esb,x=y names no watchdog"},
        {{"-soundhw", "sb16,"},
         "-soundhw sb16, names a card that is none of ac97, adlib, cs4231a, es1370, gus, hda, "
         "pcspk, sb16, all"},
        {{"-usbdevice", "host:12345:1"},
         "-usbdevice host:12345:1 is not host:BUS.ADDRESS or host:VENDOR:PRODUCT"},
        {{"-usbdevice", "disk:"}, "-usbdevice disk: is not disk:FILE or disk:format=FORMAT:FILE"},
        {{"-usbdevice", "disk:format=raw,x=y:/a"},
         "-usbdevice disk:format=raw,x=y:/a is not disk:FILE or disk:format=FORMAT:FILE"},
        {{"-vnc", ":1,tls,x509"}, "-vnc :1,tls,x509 names no folder for x509"},
        {{"-net", "nic,vlan=x"}, "-net nic,vlan=x has a vlan= that is no number"},
        {{"-net", "user,vlan=2147483648"},
         "-net user,vlan=2147483648 has a vlan= that is no number"},
        {{"-device", "e1000,vlan=-1"}, "-device e1000,vlan=-1 has a vlan= that is no number"},
        {{"-realtime", "fast"}, "-realtime fast is not mlock=on or mlock=off"},
        {{"-numa", "node,mem=x"}, "-numa node,mem=x has a mem= that is no size"},
        {{"-localtime", "-redir"}, "-redir is the last word and lacks its argument"},
    }));

    CHECK(refusal_of(given) == message);
}

TEST_CASE("an option of QEMU 7.2 without its argument is left to QEMU", "[qemu]") {
    CHECK(translated("-m").words == Words{"-m"});
}

TEST_CASE("empty words and control characters change nothing but the sentence", "[qemu]") {
    CHECK(translate_old_options(Words{"", "-localtime", "", "\x01\n"}).value().words ==
          Words{"", "-rtc", "base=localtime", "", "\x01\n"});
    CHECK(translate_old_options(Words{"-clock", "a\x1b[2J\nb"}).value().warnings ==
          Words{"-clock 'a?[2J?b' is dropped: QEMU 7.2 chooses its timers itself"});
    CHECK(translate_old_options(Words{"-nic", "user", "-tftp", "/a b\n"}).value().words ==
          Words{"-nic", "user,tftp=/a b\n"});
}

TEST_CASE("sentences about very long words stay short", "[qemu]") {
    const std::string long_word(100'000, 'x');

    const auto result = translate_old_options(
        Words{"-clock", long_word, "-drive", "boot=on,file=" + long_word, "-tftp", long_word});

    REQUIRE(result);
    CHECK(result->words == Words{"-drive", "file=" + long_word});
    REQUIRE(result->warnings.size() == 3);
    for (const auto& warning : result->warnings) {
        CHECK(warning.size() < 1000);
    }
    CHECK(refusal_of({"-redir", long_word}).size() < 1000);
}

TEST_CASE("a card named a thousand times is one device", "[qemu]") {
    std::string names = "sb16";
    for (int i = 0; i < 1000; ++i) {
        names += ",sb16";
    }

    CHECK(translate_old_options(Words{"-soundhw", names}).value().words.size() == 4);
}

TEST_CASE("what later QEMUs have lost is translated for them, and left alone before", "[qemu]") {
    const auto [first, given, now, gone] =
        GENERATE(table<QemuVersion, std::string, std::string, std::string>({
            {{9, 0}, "-no-acpi", "-machine acpi=off", "9.0"},
            {{9, 0}, "-no-hpet", "-machine hpet=off", "9.0"},
            {{9, 0}, "-async-teardown", "-run-with async-teardown=on", "9.0"},
            {{9, 0}, "-chroot /srv/a,b", "-run-with chroot=/srv/a,,b", "9.0"},
            {{9, 1}, "-runas nobody", "-run-with user=nobody", "10.0"},
        }));
    CAPTURE(given);

    for (const QemuVersion version :
         {QemuVersion{4, 2}, QemuVersion{7, 2}, release_before(first)}) {
        CAPTURE(to_string(version));
        CHECK(translated(given, version) ==
              TranslatedOptions{.words = typed(given), .warnings = {}});
    }
    for (const QemuVersion version : {first, QemuVersion{10, 0}}) {
        CAPTURE(to_string(version));
        CHECK(translated(given, version) ==
              TranslatedOptions{.words = typed(now),
                                .warnings = {given + " is gone from QEMU " + gone + "; " + now +
                                             " takes its place"}});
    }
}

TEST_CASE("what a QEMU has lost without a word for it is dropped for that one", "[qemu]") {
    const std::string pxa = "it turned the screen of PXA boards, which QEMU does not have any more";
    const auto [first, given, why] = GENERATE_COPY(table<QemuVersion, std::string, std::string>({
        {{5, 0}, "-bt hci,null", "QEMU has no Bluetooth any more"},
        {{5, 0}, "-usbdevice bt", "QEMU has no Bluetooth any more"},
        {{5, 0},
         "-virtfs_synth",
         "-fsdev synth,id=ID -device virtio-9p-pci,fsdev=ID,mount_tag=TAG says it now"},
        {{6, 0}, "-show-cursor", "-display sdl,show-cursor=on says it now"},
        {{6, 0},
         "-tb-size 64",
         "-accel tcg,tb-size=MB says it now, which QEMU refuses beside the -machine accel= of a "
         "VM; it sizes its translation cache itself"},
        {{6, 0},
         "-vnc :1,sasl,acl",
         "acl is gone, and without it anyone could connect; -object authz-list with tls-authz= or "
         "sasl-authz= says it now"},
        {{7, 0}, "-no-quit", "-display sdl,window-close=off says it now"},
        {{7, 1}, "-alt-grab", "-display sdl,grab-mod=lshift-lctrl-lalt says it now"},
        {{7, 1}, "-ctrl-grab", "-display sdl,grab-mod=rctrl says it now"},
        {{7, 1}, "-enable-fips", "QEMU 7.2 leaves that to the libraries that encrypt"},
        {{7, 1}, "-writeconfig a.conf", "QEMU 7.2 writes no configuration file"},
        {{9, 0},
         "-singlestep",
         "-accel tcg,one-insn-per-tb=on says it now, which QEMU refuses beside the -machine accel= "
         "of a VM"},
        {{9, 2}, "-portrait", pxa},
        {{9, 2}, "-rotate 90", pxa},
        {{10, 2}, "-old-param", "no board of QEMU needs it any more"},
    }));
    CAPTURE(given);

    CHECK(translated(given, release_before(first)) ==
          TranslatedOptions{.words = typed(given), .warnings = {}});
    CHECK(translated(given, first) ==
          TranslatedOptions{.words = {}, .warnings = {given + " is dropped: " + why}});
}

TEST_CASE("the speaker of a board sounds in the words that its QEMU has for it", "[qemu]") {
    // 4.2: "-global isa-pcspk.audiodev=foo -soundhw pcspk", as its own change says; the property of
    // the board came with 5.1 (docs/system/deprecated.rst of 5.2).
    const auto [version, card] = GENERATE(table<QemuVersion, std::string>({
        {{4, 2}, "-global isa-pcspk.audiodev=ctyssound -soundhw pcspk"},
        {{5, 0}, "-global isa-pcspk.audiodev=ctyssound -soundhw pcspk"},
        {{5, 1}, "-machine pcspk-audiodev=ctyssound"},
        {{5, 2}, "-machine pcspk-audiodev=ctyssound"},
        {{9, 2}, "-machine pcspk-audiodev=ctyssound"},
    }));
    CAPTURE(to_string(version));

    CHECK(translated("-soundhw pcspk", version).words ==
          typed("-audiodev none,id=ctyssound " + card));
    CHECK(translated("-soundhw all", version).words ==
          typed("-audiodev none,id=ctyssound " + card +
                " -device sb16,audiodev=ctyssound -device ES1370,audiodev=ctyssound "
                "-device AC97,audiodev=ctyssound"));
}

TEST_CASE("what replaces old words is the same for every QEMU since 4.2", "[qemu]") {
    // The words in their place are in the documentation of 4.1.1, 5.0-rc0, 5.2.0 and 9.2.4.
    const auto given = "-localtime -std-vga -no-kvm -no-kvm-irqchip -no-kvm-pit-reinjection "
                       "-kvm-shadow-memory 8 -soundhw ac97,hda -balloon virtio -watchdog i6300esb "
                       "-usbdevice ccid -usbdevice disk:/vm/a -realtime mlock=on "
                       "-numa node,mem=128 -drive file=/vm/a,boot=on,cache=on -vnc :1,tls "
                       "-device ide-drive,drive=a -net nic,vlan=1 -net user,vlan=1 "
                       "-redir tcp:1::2 -net user,name=a";
    const auto usual = translated(given);

    for (const QemuVersion version : {QemuVersion{4, 2}, QemuVersion{5, 2}, QemuVersion{9, 2}}) {
        CAPTURE(to_string(version));
        CHECK(translated(given, version) == usual);
    }
}

TEST_CASE("words for a process that name nothing are an error", "[qemu]") {
    const auto result = translate_old_options(Words{"-chroot", ""}, OwnNetwork::None, {9, 2});

    REQUIRE_FALSE(result);
    CHECK(result.error().message == "-chroot names nothing");
}
