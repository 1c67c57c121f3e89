#include "tools/client/broker_choice.h"

#include <fmt/format.h>

namespace ctys::tools {

Error no_broker(const std::string& endpoint, const std::string& why) {
    return Error{.code = ErrorCode::Unreachable,
                 .message = fmt::format("no broker at {} ({})", endpoint, why),
                 .try_next = "ctys list --local | ctys up | ctys --broker tcp://HOST:7510 list"};
}

Result<bus::Endpoint> choose_broker(const BrokerWish& wish,
                                    const std::function<bool(const std::string&)>& exists) {
    if (!wish.asked.empty()) {
        auto endpoint = bus::Endpoint::parse(wish.asked);
        if (!endpoint) return endpoint;
        if (!endpoint->is_tcp() && !exists(endpoint->path()))
            return tl::unexpected(no_broker(endpoint->to_string(), "no such socket"));
        return endpoint;
    }
    for (const auto& runtime : {wish.own_runtime, wish.system_runtime}) {
        if (runtime.empty()) continue;
        const auto path = runtime + "/broker/mesh";
        if (exists(path)) return bus::Endpoint::ipc(path);
    }
    const auto last = wish.system_runtime.empty() ? wish.own_runtime : wish.system_runtime;
    return tl::unexpected(no_broker("ipc://" + last + "/broker/mesh", "no such socket"));
}

} // namespace ctys::tools
