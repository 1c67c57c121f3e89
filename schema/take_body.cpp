#include "schema/message.capnp.h"
#include "schema/parts.h"

#include <cstddef>
#include <cstring>

namespace ctys::schema {

namespace {

SharedBytes take_opaque(Reading& in, std::string_view what, capnp::Data::Reader from) {
    if (from.size() > limits::event_bytes) {
        in.reject(
            ErrorCode::Malformed,
            fmt::format(
                "{} has {} bytes, at most {} are allowed", what, from.size(), limits::event_bytes));
        return {};
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(from.begin());
    return std::make_shared<const std::vector<std::byte>>(bytes, bytes + from.size());
}

msg::AgentHello take(Reading& in, wire::AgentHello::Reader from) {
    return {
        .worker = take_worker(in, from.getWorker()),
        .end = take_mark(in, from.getEnd()),
        .first_kept = from.getFirstKept(),
        .acknowledged = take_cursor(from.getAcknowledged()),
        .inventory_digest = from.getInventoryDigest(),
    };
}

msg::Publish take(Reading& in, wire::Publish::Reader from) {
    return {
        .stream = {take_uuid(from.getStream())},
        .first = from.getFirst(),
        .hash_before = from.getHashBefore(),
        .events = in.list("events",
                          from.getEvents(),
                          limits::events,
                          [&](auto each) { return take_opaque(in, "event", each); }),
        .full = from.getFull(),
        .last = from.getLast(),
    };
}

msg::CommandStatus take(Reading& in, wire::CommandStatus::Reader from) {
    using Known = msg::CommandStatus::Known;
    return {.action = {from.getAction()},
            .known = in.choice("known", from.getKnown(), Known::Never, Known::Ended)};
}

msg::CommandRefused take(Reading& in, wire::CommandRefused::Reader from) {
    return {.action = {from.getAction()}, .error = take_error(in, from.getError())};
}

msg::Confirm take(Reading&, wire::Confirm::Reader from) {
    return {
        .action = {from.getAction()}, .vm = {take_uuid(from.getVm())}, .token = from.getToken()};
}

msg::Welcome take(Reading& in, wire::Welcome::Reader from) {
    return {
        .broker = {take_uuid(from.getBroker())},
        .session = in.span("session", from.getSessionUs()),
        .mark = take_mark(in, from.getMark()),
        .full = from.getFull(),
        .version = in.text("broker version", from.getVersion(), limits::short_text),
    };
}

msg::Acknowledge take(Reading&, wire::Acknowledge::Reader from) {
    return {
        .stream = {take_uuid(from.getStream())},
        .sequence = from.getSequence(),
        .hash = from.getHash(),
        .cursor = take_cursor(from.getCursor()),
    };
}

msg::Command take(Reading& in, wire::Command::Reader from) {
    return {
        .action = take_action(in, from.getAction()),
        .session = in.span("session", from.getSessionUs()),
        .expires = in.span("expires", from.getExpiresUs()),
        .draining = in.texts("draining", from.getDraining(), limits::draining, limits::short_text),
    };
}

msg::Confirmed take(Reading& in, wire::Confirmed::Reader from) {
    return {.action = {from.getAction()},
            .holds = from.getHolds(),
            .reason = in.text("reason", from.getReason(), limits::sentence)};
}

msg::HandStart take(Reading& in, wire::HandStart::Reader from) {
    return {.action = {from.getAction()},
            .vm = {take_uuid(from.getVm())},
            .config = in.text("configuration path", from.getConfig(), limits::path),
            .label = in.text("label", from.getLabel(), limits::label),
            .user = in.text("user", from.getUser(), limits::short_text),
            .on_boot = from.getOnBoot()};
}

msg::HandGrant take(Reading& in, wire::HandGrant::Reader from) {
    using Answer = msg::HandGrant::Answer;
    return {.action = {from.getAction()},
            .answer = in.choice("answer", from.getAnswer(), Answer::Granted, Answer::Unknown),
            .token = from.getToken(),
            .reason = in.text("reason", from.getReason(), limits::sentence)};
}

msg::StopGuests take(Reading& in, wire::StopGuests::Reader from) {
    msg::StopGuests asked{.deadline = {},
                          .reason = in.text("reason", from.getReason(), limits::sentence)};
    if (from.getHasDeadline()) asked.deadline = in.span("deadline", from.getDeadlineUs());
    return asked;
}

msg::GuestsStopping take(Reading& in, wire::GuestsStopping::Reader from) {
    msg::GuestsStopping told{
        .lines = in.texts("lines", from.getLines(), limits::evidence, limits::sentence),
        .left = in.span("left", from.getLeftUs()),
        .waiting = from.getWaiting(),
        .done = from.getDone(),
        .error = {}};
    if (from.hasError()) told.error = take_error(in, from.getError());
    return told;
}

msg::ProveStorage take(Reading& in, wire::ProveStorage::Reader from) {
    return {
        .pool = {take_uuid(from.getPool())},
        .root = in.text("pool root", from.getRoot(), limits::path),
        .nonce = in.text("nonce", from.getNonce(), limits::short_text),
        .write = from.getWrite(),
    };
}

msg::StorageProof take(Reading& in, wire::StorageProof::Reader from) {
    return {
        .pool = {take_uuid(from.getPool())},
        .root = in.text("pool root", from.getRoot(), limits::path),
        .nonce = in.text("nonce", from.getNonce(), limits::short_text),
        .write = from.getWrite(),
        .found = from.getFound(),
        .reason = in.text("reason", from.getReason(), limits::sentence),
    };
}

msg::Submit take(Reading& in, wire::Submit::Reader from) {
    return {.action = take_action(in, from.getAction()),
            .on = in.text("asked worker", from.getOn(), limits::short_text),
            .yes = from.getYes(),
            .platform = take_uuid(from.getPlatform()),
            .boot = {take_uuid(from.getBoot())}};
}

msg::Administer take(Reading& in, wire::Administer::Reader from) {
    using What = msg::Administer::What;
    return {
        .what = in.choice("what", from.getWhat(), What::FenceWorker, What::TrustPool),
        .subject = in.text("subject", from.getSubject(), limits::path),
        .reason = in.text("reason", from.getReason(), limits::long_text),
    };
}

msg::Watch take(Reading& in, wire::Watch::Reader from) {
    return {
        .filters = in.list("filters",
                           from.getFilters(),
                           limits::filters,
                           [&](auto each) { return take_filter(in, each); }),
        .from = in.choice("from", from.getFrom(), msg::WatchFrom::Now, msg::WatchFrom::Time),
        .cursor = take_cursor(from.getCursor()),
        .time = in.wall("time", from.getTimeUs()),
        .credit = from.getCredit(),
        .stop_at_head = from.getStopAtHead(),
    };
}

msg::Accepted take(Reading& in, wire::Accepted::Reader from) {
    return {
        .action = {from.getAction()},
        .label = in.text("label", from.getLabel(), limits::label),
        .worker = in.text("worker", from.getWorker(), limits::short_text),
        .text = in.text("text", from.getText(), limits::long_text),
    };
}

msg::Rows take(Reading& in, wire::Rows::Reader from) {
    return {
        .at = take_cursor(from.getAt()),
        .rows = in.list(
            "rows", from.getRows(), limits::rows, [&](auto each) { return take_row(in, each); }),
        .last = from.getLast(),
    };
}

std::variant<msg::WatchItem, msg::Gap> take_item(Reading& in, wire::WatchItem::Reader from) {
    switch (from.which()) {
    case wire::WatchItem::EVENT: {
        const auto event = from.getEvent();
        return msg::WatchItem{.cursor = take_cursor(event),
                              .recorded = in.wall("recorded", event.getRecordedUs()),
                              .event = take_opaque(in, "event", event.getBytes())};
    }
    case wire::WatchItem::GAP: {
        const auto gap = from.getGap();
        return msg::Gap{.from = {.epoch = gap.getFromEpoch(), .sequence = gap.getFromSequence()},
                        .to = {.epoch = gap.getToEpoch(), .sequence = gap.getToSequence()},
                        .reason = in.text("reason", gap.getReason(), limits::sentence)};
    }
    case wire::WatchItem::UNSPECIFIED:
        break;
    }
    in.reject(ErrorCode::Malformed,
              fmt::format("watch item has the unknown kind {}",
                          static_cast<std::uint16_t>(from.which())));
    return {};
}

msg::WatchEvents take(Reading& in, wire::WatchEvents::Reader from) {
    return {
        .items = in.list("items",
                         from.getItems(),
                         limits::items,
                         [&](auto each) { return take_item(in, each); }),
        .position = take_cursor(from.getPosition()),
        .caught_up = from.getCaughtUp(),
        .last = from.getLast(),
    };
}

Body take_unknown(Reading& in, std::uint16_t kind) {
    if (kind == wire::Envelope::Body::UNSPECIFIED) {
        in.reject(ErrorCode::Malformed, "it has no body");
    } else {
        in.reject(
            ErrorCode::Unsupported,
            fmt::format("kind {} is not known to protocol version {}", kind, protocol_version));
    }
    return {};
}

} // namespace

template <typename From>
Body take_body(Reading& in, From from) {
    using Kind = wire::Envelope::Body;
    switch (from.which()) {
    case Kind::PING:
        return msg::Ping{in.span("session", from.getPing().getSessionUs())};
    case Kind::PONG:
        return msg::Pong{in.span("session", from.getPong().getSessionUs())};
    case Kind::FAILURE:
        return msg::Failure{take_error(in, from.getFailure().getError())};
    case Kind::AGENT_HELLO:
        return take(in, from.getAgentHello());
    case Kind::PUBLISH:
        return take(in, from.getPublish());
    case Kind::COMMAND_STATUS:
        return take(in, from.getCommandStatus());
    case Kind::COMMAND_REFUSED:
        return take(in, from.getCommandRefused());
    case Kind::CONFIRM:
        return take(in, from.getConfirm());
    case Kind::WITHDRAWN:
        return msg::Withdrawn{{from.getWithdrawn().getAction()}};
    case Kind::WELCOME:
        return take(in, from.getWelcome());
    case Kind::ACKNOWLEDGE:
        return take(in, from.getAcknowledge());
    case Kind::COMMAND:
        return take(in, from.getCommand());
    case Kind::COMMAND_QUERY:
        return msg::CommandQuery{{from.getCommandQuery().getAction()}};
    case Kind::CONFIRMED:
        return take(in, from.getConfirmed());
    case Kind::WITHDRAW:
        return msg::Withdraw{{from.getWithdraw().getAction()}};
    case Kind::CANCEL_COMMAND:
        return msg::CancelCommand{{from.getCancelCommand().getAction()}};
    case Kind::PROVE_STORAGE:
        return take(in, from.getProveStorage());
    case Kind::STORAGE_PROOF:
        return take(in, from.getStorageProof());
    case Kind::SUBMIT:
        return take(in, from.getSubmit());
    case Kind::CANCEL_ACTION:
        return msg::CancelAction{
            in.text("action", from.getCancelAction().getAction(), limits::short_text)};
    case Kind::ADMINISTER:
        return take(in, from.getAdminister());
    case Kind::ASK: {
        const auto ask = from.getAsk();
        return msg::Ask{.query = take_query(in, ask.getQuery()), .credit = ask.getCredit()};
    }
    case Kind::WATCH:
        return take(in, from.getWatch());
    case Kind::CREDIT:
        return msg::Credit{from.getCredit().getAdd()};
    case Kind::CLOSE_STREAM:
        return msg::CloseStream{};
    case Kind::ACCEPTED:
        return take(in, from.getAccepted());
    case Kind::DONE:
        return msg::Done{in.text("text", from.getDone().getText(), limits::long_text)};
    case Kind::ROWS:
        return take(in, from.getRows());
    case Kind::WATCH_EVENTS:
        return take(in, from.getWatchEvents());
    case Kind::HAND_START:
        return take(in, from.getHandStart());
    case Kind::HAND_GRANT:
        return take(in, from.getHandGrant());
    case Kind::STOP_GUESTS:
        return take(in, from.getStopGuests());
    case Kind::GUESTS_STOPPING:
        return take(in, from.getGuestsStopping());
    case Kind::FAREWELL:
        return msg::Farewell{};
    case Kind::UNSPECIFIED:
        break;
    }
    return take_unknown(in, static_cast<std::uint16_t>(from.which()));
}

template Body take_body(Reading&, wire::Envelope::Body::Reader);

} // namespace ctys::schema
