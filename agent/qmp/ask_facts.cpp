#include "agent/qmp/ask_facts.h"

#include <memory>

namespace ctys::qmp {

Status
ask_facts(Client& client, Duration patience, std::function<void(const Result<QmpFacts>&)> on_done) {
    struct Round {
        QmpFacts facts;
        std::size_t open = fact_commands().size();
        std::optional<Error> failure;
        std::function<void(const Result<QmpFacts>&)> on_done;
    };
    const auto round = std::make_shared<Round>();
    round->on_done = std::move(on_done);
    for (const auto command : fact_commands()) {
        const auto status =
            client.execute(command, {}, patience, [round, command](const Reply& reply) {
                if (auto answer = reply.to_result()) {
                    absorb(round->facts, command, *answer);
                } else if (command == fact_commands().front()) {
                    round->failure = answer.error();
                }
                if (--round->open > 0) return;
                const auto done = std::move(round->on_done);
                if (round->failure) return done(wrap("ask the monitor", *round->failure));
                done(round->facts);
            });
        if (!status) {
            round->on_done = [](const Result<QmpFacts>&) {};
            return status;
        }
    }
    return {};
}

} // namespace ctys::qmp
