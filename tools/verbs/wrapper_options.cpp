#include "tools/verbs/wrapper_options.h"

namespace ctys::tools {

void WrapperOptions::declare(Arguments& to) {
    to.text("--bootmode", boot, "MODE", "boot CD DVD FDD HDD VHDD USB PXE or INSTALL, MODE%FILE");
    to.text("--instmode", install, "MODES", "install: SOURCE%FILE%TARGET%FILE%STAGE, or default");
    to.text("--kernelmode", kernel, "KERNEL", "boot it: KERNEL%INITRD%ARGUMENTS");
    to.text("--argsadd", arguments, "WORDS", "hand these words to QEMU, too");
    to.text("--vncaccessdisplay",
            vnc_display,
            "N",
            "VNC on display N of its worker; free: the first one there");
    to.flag("--force", force, "an installation may destroy what its target holds");
}

std::vector<std::string> WrapperOptions::words() const {
    std::vector<std::string> options;
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) options.push_back(std::string{name} + '=' + value);
    };
    add("--bootmode", boot);
    add("--instmode", install);
    add("--kernelmode", kernel);
    add("--argsadd", arguments);
    add("--vncaccessdisplay", vnc_display);
    if (force) options.emplace_back("--force");
    return options;
}

} // namespace ctys::tools
