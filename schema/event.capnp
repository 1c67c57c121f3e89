@0xebdc0ce994b820c4;
# Events: something that happened. Encoded once, by whoever saw it, and then carried as bytes
# through spool, journal, feed and watches. Conventions: types.capnp.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ctys::schema::wire");

using Types = import "types.capnp";
using Vm = import "vm.capnp";
using Worker = import "worker.capnp";
using Action = import "action.capnp";

struct PathFacts @0x8105658440441ac2 {
  # A path that was found, with the VM its configuration describes.
  vm @0 :Vm.VmRecord;
  path @1 :Vm.PathRecord;
}

struct Event @0xca0715e05bd3a939 {
  # Set by the agent for what happens on its worker, by the broker for all else.
  kind @0 :UInt16;            # EventKind; unknown values are kept
  timeUs @1 :Int64;           # by the clock of whoever saw it
  worker :group {
    hi @2 :UInt64;
    lo @3 :UInt64;
  }
  workerName @4 :Text;
  vm :group {
    hi @5 :UInt64;
    lo @6 :UInt64;
  }
  label @7 :Text;
  action @8 :UInt64;          # 0: none
  oldState @9 :UInt16;        # VmState
  newState @10 :UInt16;       # VmState
  by @11 :Text;               # EndedBy in words, a principal, or a rung
  evidence @12 :Text;         # Evidence in words
  text @13 :Text;             # one clause for people
  data @14 :List(Types.Fact);
  payload :union {
    # Facts that fold into the inventory. A kind unknown to the reader may bring a payload unknown
    # to it; such a payload reads as none.
    none @15 :Void;
    instance @16 :Vm.InstanceRecord;
    pathFacts @17 :PathFacts;
    path @18 :Vm.PathRecord;
    worker @19 :Worker.WorkerRecord;
    action @20 :Action.ActionRecord;
  }
}
