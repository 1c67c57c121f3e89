#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ctys::sim {

/// Defects that are planted around the cores: each must be found by the default seeds, or a checker
/// is blind.
enum class Mutant : std::uint8_t {
    None,
    QueryWaitsForWorkers, ///< P1: no answer while a worker is away
    ReleaseBeforeCommit,  ///< P2: effects of a step are released before they are durable
    LostWatchItem,        ///< P2: a watcher misses an event
    ReorderedWatchItems,  ///< P2: a watcher gets two events in the wrong order
    MarkForgotten,        ///< P2: a restarted broker applies again what was sent again
    QuitOnAdoption,       ///< P3: a restarted agent ends what it finds
    NothingAdopted,       ///< P3: a restarted agent does not look for what runs
    DeadlineIgnored,      ///< P5: the ladder's clock runs ahead
    ButtonIsQuit,         ///< P5: asking cuts the power
    LeaseIgnored,         ///< P6: a restarted broker has forgotten who runs what
    RightsIgnored,        ///< P7: everybody is an administrator
    SpoolUnbounded,       ///< P8: an absent broker lets a spool grow
    ChanceInTheCore,      ///< P9: a core sees true randomness
    PublishBeforeDurable, ///< an agent publishes what its spool may lose
    DoneTwice,            ///< a monitor command reaches QEMU twice
    IntentsForgotten,     ///< a restarted agent does not know what it had begun
    OutcomeLost,          ///< an action's end never reaches the broker
    ExitUnnoticed,        ///< an agent does not see that a process ended
    CarrierUnnoticed,     ///< nobody knows which VM a worker is
    CarrierMistaken,      ///< a worker says that it is another VM than it is
    ExitForeseen,         ///< P4: a VM is said to have ended when it was asked to
    WholeDeadline,        ///< P5: each order of a plan gets the deadline of all
    StepRepeated,         ///< P4: a restarted broker has forgotten what its plans had asked
    InsideForgotten,      ///< P4: a restarted broker does not look into what its plans end
    RestoredTooEarly,     ///< P4: a restarted broker takes a machine that goes down for a new one
    SelfTooEarly,         ///< P4: a restarted broker ends a machine before what runs on it
    FailureIsDone,        ///< P4: an order of a plan that has failed is told as done
    CancelForgotten,      ///< P4: a restarted broker has forgotten that a plan was cancelled
    WidthForgotten,       ///< P4: a restarted broker asks all siblings at once
    DueAtOnce,            ///< P4: a restarted broker takes every carrier's turn for come
    SpentAhead,           ///< P5: a restarted broker counts ten minutes that were none
};

struct MutantName {
    Mutant mutant;
    std::string_view name;
    std::string_view promise;
};
inline constexpr std::array mutants{
    MutantName{Mutant::QueryWaitsForWorkers, "query-waits-for-workers", "P1"},
    MutantName{Mutant::ReleaseBeforeCommit, "release-before-commit", "P2"},
    MutantName{Mutant::LostWatchItem, "lost-watch-item", "P2"},
    MutantName{Mutant::ReorderedWatchItems, "reordered-watch-items", "P2"},
    MutantName{Mutant::MarkForgotten, "mark-forgotten", "P2"},
    MutantName{Mutant::QuitOnAdoption, "quit-on-adoption", "P3"},
    MutantName{Mutant::NothingAdopted, "nothing-adopted", "P3"},
    MutantName{Mutant::DeadlineIgnored, "deadline-ignored", "P5"},
    MutantName{Mutant::ButtonIsQuit, "button-is-quit", "P5"},
    MutantName{Mutant::LeaseIgnored, "lease-ignored", "P6"},
    MutantName{Mutant::RightsIgnored, "rights-ignored", "P7"},
    MutantName{Mutant::SpoolUnbounded, "spool-unbounded", "P8"},
    MutantName{Mutant::ChanceInTheCore, "chance-in-the-core", "P9"},
    MutantName{Mutant::PublishBeforeDurable, "publish-before-durable", "P2"},
    MutantName{Mutant::DoneTwice, "done-twice", "action"},
    MutantName{Mutant::IntentsForgotten, "intents-forgotten", "action"},
    MutantName{Mutant::OutcomeLost, "outcome-lost", "action"},
    MutantName{Mutant::ExitUnnoticed, "exit-unnoticed", "P3"},
    MutantName{Mutant::CarrierUnnoticed, "carrier-unnoticed", "inventory"},
    MutantName{Mutant::CarrierMistaken, "carrier-mistaken", "P6"},
    MutantName{Mutant::ExitForeseen, "exit-foreseen", "P4"},
    MutantName{Mutant::WholeDeadline, "whole-deadline", "P5"},
    MutantName{Mutant::StepRepeated, "step-repeated", "P4"},
    MutantName{Mutant::InsideForgotten, "inside-forgotten", "P4"},
    MutantName{Mutant::RestoredTooEarly, "restored-too-early", "P4"},
    MutantName{Mutant::SelfTooEarly, "self-too-early", "P4"},
    MutantName{Mutant::FailureIsDone, "failure-is-done", "P4"},
    MutantName{Mutant::CancelForgotten, "cancel-forgotten", "P4"},
    MutantName{Mutant::WidthForgotten, "width-forgotten", "P4"},
    MutantName{Mutant::DueAtOnce, "due-at-once", "P4"},
    MutantName{Mutant::SpentAhead, "spent-ahead", "P5"},
};
[[nodiscard]] inline std::optional<MutantName> find_mutant(std::string_view name) {
    for (const auto& each : mutants) {
        if (each.name == name) return each;
    }
    return std::nullopt;
}

} // namespace ctys::sim
