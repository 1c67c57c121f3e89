#pragma once

#include "tools/output/view.h"
#include "tools/plugins/plugin.h"

#include <fmt/format.h>

namespace ctys::tools {

/// Text in the original's colour of a state, where the view has colours.
[[nodiscard]] std::string in_colour(std::string_view text, PluginState state, const View& view);

/// The node, the plugins of each state, then each one that is asked for: what is missing, the
/// command that provides it, remarks.
void render_report(fmt::memory_buffer& out,
                   const PluginRequest& request,
                   const std::vector<Plugin>& plugins,
                   const WorkerRecord& worker,
                   const View& view);

/// Hostname, Plugin, Accelerator, Version, MAGIC-ID, State: a line for each one that is asked for.
void render_quick_list(fmt::memory_buffer& out,
                       const PluginRequest& request,
                       const std::vector<Plugin>& plugins,
                       const WorkerRecord& worker,
                       const View& view);

/// One line for the machine: VMX or SVM, PAE, an x for each green one of CLI, X11 and VNC, KVM or
/// QEMU, and whether it is physical or virtual itself.
void render_quick_tab(fmt::memory_buffer& out,
                      const std::vector<Plugin>& plugins,
                      const WorkerRecord& worker,
                      const View& view);

/// Each check on a line.
void render_trace(fmt::memory_buffer& out, const std::vector<Plugin>& plugins);

} // namespace ctys::tools
