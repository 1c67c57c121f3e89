#include "schema/parts.h"
#include "schema/types.capnp.h"
#include "schema/writing.h"

namespace ctys::schema {

template <typename To>
void put(To to, const Error& value) {
    to.setCode(wire_value(value.code));
    put_text<&To::setMessage>(to, value.message, limits::long_text);
    put_texts<&To::initEvidence>(to, value.evidence, limits::evidence, limits::sentence);
    put_text<&To::setTryNext>(to, value.try_next, limits::sentence);
}

template <typename From>
Error take_error(Reading& in, From from) {
    const auto code = error_code_from_wire(from.getCode());
    if (!code) {
        in.reject(ErrorCode::Malformed,
                  fmt::format("error code has the unknown value {}", from.getCode()));
    }
    return {
        .code = code.value_or(ErrorCode::Failed),
        .message = in.text("error message", from.getMessage(), limits::long_text),
        .evidence =
            in.texts("error evidence", from.getEvidence(), limits::evidence, limits::sentence),
        .try_next = in.text("error try-next", from.getTryNext(), limits::sentence),
    };
}

template <typename To>
void put(To to, const Principal& value) {
    put_text<&To::setName>(to, value.name, limits::short_text);
    to.setRole(wire_value(value.role));
    put_text<&To::setWorker>(to, value.worker, limits::short_text);
}

template <typename From>
Principal take_principal(Reading& in, From from) {
    return {
        .name = in.text("principal", from.getName(), limits::short_text),
        .role = in.choice("role", from.getRole(), Role::None, Role::Agent),
        .worker = in.text("principal's worker", from.getWorker(), limits::short_text),
    };
}

template <typename To>
void put(To to, const Filter& value) {
    put_text<&To::setField>(to, value.field, limits::key);
    put_texts<&To::initValues>(to, value.values, limits::filter_values, limits::path);
}

template <typename From>
Filter take_filter(Reading& in, From from) {
    return {
        .field = in.text("filter field", from.getField(), limits::key),
        .values = in.texts("filter values", from.getValues(), limits::filter_values, limits::path),
    };
}

template void put(wire::Error::Builder, const Error&);
template void put(wire::Principal::Builder, const Principal&);
template void put(wire::Filter::Builder, const Filter&);
template Error take_error(Reading&, wire::Error::Reader);
template Principal take_principal(Reading&, wire::Principal::Reader);
template Filter take_filter(Reading&, wire::Filter::Reader);

} // namespace ctys::schema
