// Time per event and per row of the wire codecs: `figure us bytes`, best of 100 short runs each, so
// that a busy machine hardly shows.
#include "schema/codec.h"
#include "tests/support/samples.h"

#include <fmt/format.h>

#include <chrono>
#include <limits>

namespace {

using namespace ctys;
using Clock = std::chrono::steady_clock;

template <typename Work>
double best_us(int times, int per, const Work& work) {
    auto best = std::numeric_limits<double>::max();
    for (int run = 0; run < 100; ++run) {
        const auto begin = Clock::now();
        for (int i = 0; i < times; ++i) {
            work();
        }
        const std::chrono::duration<double, std::micro> spent = Clock::now() - begin;
        best = std::min(best, spent.count() / (times * per));
    }
    return best;
}

// The optimiser must not see that a result is not used.
volatile std::size_t sink = 0;

} // namespace

int main() {
    const auto event = samples::state_change();
    const auto event_bytes = schema::encode_event(event);
    fmt::print("encode_event {:.3f} {}\n",
               best_us(1000, 1, [&] { sink = schema::encode_event(event)->size(); }),
               event_bytes->size());
    fmt::print("decode_event {:.3f} {}\n",
               best_us(1000, 1, [&] { sink = schema::decode_event(*event_bytes)->label.size(); }),
               event_bytes->size());

    constexpr int row_count = 500;
    msg::Rows rows;
    for (unsigned i = 0; i < row_count; ++i) {
        rows.rows.emplace_back(samples::vm_row(i));
    }
    const Envelope envelope{.body = rows};
    const auto bytes = schema::encode(envelope);
    fmt::print("encode_row {:.3f} {}\n",
               best_us(5, row_count, [&] { sink = schema::encode(envelope).size(); }),
               bytes.size() / row_count);
    fmt::print("decode_row {:.3f} {}\n",
               best_us(5, row_count, [&] { sink = schema::decode_envelope(bytes)->correlation; }),
               bytes.size() / row_count);
    return 0;
}
