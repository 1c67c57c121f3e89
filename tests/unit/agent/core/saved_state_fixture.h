#pragma once

#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

namespace ctys::testing {

/// One VM of ours whose state is saved or loaded, and a QEMU that answers as it is told.
struct SavedStateFixture : CoreFixture {
    using CoreFixture::CoreFixture;

    static constexpr std::uint32_t pid = 100;

    [[nodiscard]] std::optional<agent::MonitorCommand> last(agent::Monitor command) const {
        std::optional<agent::MonitorCommand> found;
        for (const auto& each : done<agent::MonitorCommand>()) {
            if (each.command == command) found = each;
        }
        return found;
    }
    void reply(agent::Monitor command, agent::MonitorReply with = {}) {
        const auto asked = last(command);
        REQUIRE(asked);
        with.key = key(pid);
        with.number = asked->number;
        input(std::move(with));
    }
    /// The job that was begun last is over.
    void conclude(std::string error = {}) {
        const auto saved = last(agent::Monitor::SaveState);
        const auto job = saved ? saved->job.id : last(agent::Monitor::DeleteState)->job.id;
        input(agent::MonitorEvent{.key = key(pid),
                                  .what = agent::MonitorEvent::What::JobConcluded,
                                  .reason = job,
                                  .time = {}});
        reply(agent::Monitor::QueryJobs,
              {.jobs = {{.id = job, .concluded = true, .error = std::move(error)}}});
    }
    void answer(const agent::NoteState& note, std::optional<Error> error = {}) {
        input(agent::StateNoted{.key = note.key,
                                .number = note.number,
                                .config = note.config,
                                .saved = note.saved,
                                .error = std::move(error)});
    }
    /// The note that was put last is done.
    void note(std::optional<Error> error = {}) {
        const auto notes = done<agent::NoteState>();
        REQUIRE_FALSE(notes.empty());
        answer(notes.back(), std::move(error));
    }
    void exit(EndedBy by = EndedBy::Host, std::string detail = {}) {
        input(agent::Exited{key(pid),
                            Ending{.by = by, .detail = std::move(detail), .at = now().wall}});
    }
    /// Of the first action that has ended.
    [[nodiscard]] std::optional<Outcome> outcome() const {
        const auto ended = events(EventKind::ActionEnded);
        if (ended.empty()) return std::nullopt;
        return std::get<ActionRecord>(ended.at(0).payload).outcome;
    }
};

} // namespace ctys::testing
