#pragma once

#include "tests/support/simulation/sim_mesh.h"

#include <deque>
#include <sstream>

namespace ctys::sim {

/// A scripted life of a mesh. The text has one step per line; `#` begins a comment. First what
/// there is, then what happens at which second (S), then what is expected:
///
///     storage NAME [nolocks] [like OTHER]       OTHER's marker: a copy, until proven
///     vm STORAGE LABEL [like OTHER-STORAGE] [grace T] [obeys T|ignores|hangs|undying]
///        [broken] [raw] [noteless] [unloadable] [unsavable] [saves T] [onstop WORD] [cd IMAGE]
///        [after LABEL]... [inside works|silent|refuses]      an agent inside, by its channel
///     vms STORAGE PREFIX COUNT ...              PREFIX0 and so on, each like a vm
///     machine NAME [in LABEL [boots T]]         it is that VM: its agents start by themselves
///     agent NAME on MACHINE mounts STORAGE... [rootless]    each mount at /p/STORAGE
///     twin NAME of AGENT on MACHINE             a second process with the same worker id
///     tool NAME ROLE [on MACHINE]
///     shows TEXT...                             the log has only lines with one of these
///     S broker start|crash|dies|fail|mend|freeze|thaw|trim|slow|fast|anew|keep|restore
///     S agent NAME start|crash|freeze|thaw|wipe|scan|chatter N|spool-fails|spool-works
///     S tool NAME VERB TARGET [as NAME] [on W] [deadline T] [expiry T] [force] [reuse]
///       [twice] [yes] [dry] [shrink] [cut-unaskable] [width N] [self] [stack]
///       [like-before ACTION] [no-restore] [level N] [device NAME] [image PATH]
///       [name SNAPSHOT]
///     S tool NAME cancel ACTION | fence W | forget W | watch now|beginning|SEQUENCE | list
///     S tool NAME starts PREFIX COUNT           of vms
///     S clock broker|AGENT forward|back T       its wall clock is set
///     S cut NAME [noticed T] [keeps]
///     S heal NAME
///     S guest LABEL poweroff|crash|kill|reset|locks|lends|unlocks|opens|closes [on MACHINE]
///     S hand LABEL on MACHINE in STORAGE [libvirt] [mute]
///     S remove LABEL from STORAGE
///     S network DELAY                           how long every message is under way now
///     S reboot MACHINE [takes T]
///     expect ACTION ok|CODE
///     expect LABEL runs|ended [N]
///     expect all PREFIX runs N|ended
///     expect gaps TOOL N
///     end S                                     then everything must be at rest
///     stop S                                    in the middle of it
class Story {
public:
    explicit Story(std::string_view text, bool tells = false);

    /// Lives it through; what the journal and the tools say, line by line.
    [[nodiscard]] std::string log();
    /// Lines that make no sense, expectations that are not met, promises that are broken.
    [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

private:
    using Words = std::deque<std::string>;

    void line(Words words);
    void step(Words words);
    void declare_storage(Words& words);
    void declare_vm(Words& words);
    void declare_vms(Words& words);
    void declare_machine(Words& words);
    void declare_agent(Words& words);
    void declare_twin(Words& words);
    void do_broker(Words& words);
    void do_agent(Words& words);
    void do_tool(Words& words);
    void do_action(SimTool& tool, Verb verb, Words& words);
    void do_watch(SimTool& tool, Words& words);
    void do_starts(SimTool& tool, Words& words);
    void do_clock(Words& words);
    void do_cut(Words& words);
    void do_guest(Words& words);
    void do_hand(Words& words);
    void do_remove(Words& words);
    void do_reboot(Words& words);
    void expect(Words& words);
    void end(Words& words, bool at_rest);
    void complain(const std::string& what) { complaints_.push_back(what); }
    void write(const std::string& text);
    void on_recorded(const broker::Append& append);
    [[nodiscard]] std::string with_names(std::string text) const;

    SimMesh mesh_;
    std::vector<std::unique_ptr<SimAgent>> twins_;
    std::map<std::string, ActionId> names_;
    std::optional<MapStore> backup_;
    std::vector<std::string> shown_;
    std::vector<Words> expectations_;
    std::vector<std::string> complaints_;
    std::string log_;
    Instant end_;
    bool at_rest_ = false;
};

} // namespace ctys::sim
