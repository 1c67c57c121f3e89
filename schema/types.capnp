@0xfad4bc8e97349de0;
# Parts that several topics share, and the conventions of all files here.
#
# Ids       A UUID is a group of two UInt64: `hi` holds bytes 0..7 and `lo` bytes 8..15, each as a
#           big-endian number. A group lies in the data section of its struct: 16 bytes, no pointer,
#           nothing to bound or validate; `Data` would cost 24 bytes and a checked dereference.
#           Both zero means "none".
# Enums     Fields of type UInt16 that carry the wire value of the enum of mesh/core of the same
#           name. A value the reader does not know makes the message malformed, except the kind of
#           an event, which is kept as it is.
# Times     `...Us` of a point in time: Int64, microseconds since 1970-01-01 UTC, 0 for "none".
#           `...Us` of a span: Int64, microseconds, 0 to 1000 years.
# Text      UTF-8 without NUL; the limits are in limits.h. Absent and empty mean the same.
# Optional  A plain value that may be missing has a Bool `has...` beside it, a struct is absent.
# Growth    New fields get the next number; numbers, types and ids never change or return.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ctys::schema::wire");

struct Error @0x9708afbafafd7b5d {
  # Why something did not happen. Set by whoever refused or failed.
  code @0 :UInt16;            # ErrorCode, 1...
  message @1 :Text;           # one clause, up to 64 KiB
  evidence @2 :List(Text);    # further lines
  tryNext @3 :Text;           # a command that works, or empty
}

struct Principal @0xfd412f29f9dc28b6 {
  # Who asks. Set by the broker from the connection; what a tool writes here is overwritten.
  name @0 :Text;
  role @1 :UInt16;            # Role
  worker @2 :Text;            # the only worker an agent key may speak for; empty: any
}

struct Filter @0x89ff993753821a65 {
  # field=value[,value...]
  field @0 :Text;
  values @1 :List(Text);      # alternatives
}

struct Fact @0xf69cd044bb9687df {
  # A key and a value for which no field exists.
  key @0 :Text;
  value @1 :Text;
}
