#pragma once

#include "broker/core/leases.h"
#include "broker/core/roster.h"

namespace ctys::broker {

/// How a VM looks in `ctys list`: its live instance, else the last one that ended. The texts of the
/// row are taken from `from`, not copied: lists are long.
[[nodiscard]] VmRow take_row(Listed& from, const Roster& roster, Now now);

/// `list` shows what runs or has a live configuration; `--all` also what ended, vanished, is
/// ignored.
[[nodiscard]] bool is_listed(const VmRow& row, bool all);

/// A whole answer, in as many messages as it needs.
void send_rows(
    Turn& turn, const PeerId& peer, std::uint64_t correlation, Cursor at, std::vector<Row> rows);

[[nodiscard]] VmDetail make_detail(Listed of, const Lease* lease, const Roster& roster, Now now);

} // namespace ctys::broker
