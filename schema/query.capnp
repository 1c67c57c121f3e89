@0xfc117fa0098618b5;
# Queries and the rows that answer them. Conventions: types.capnp.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ctys::schema::wire");

using Types = import "types.capnp";
using Vm = import "vm.capnp";
using Worker = import "worker.capnp";
using Action = import "action.capnp";
using Plan = import "plan.capnp";

struct Query @0x8334b1946829f270 {
  # Set by the tool.
  table @0 :UInt16;           # Table
  address @1 :Text;           # empty: all
  filters @2 :List(Types.Filter);
  all @3 :Bool;               # with ended foreign instances, ignored and vanished ones
  limit @4 :UInt32;           # rows; 0: no limit
  names @5 :Bool;             # rows of VMs tell whether their label is unique
}

struct VmRow @0x897f982573ee9adc {
  # A VM with its live, else last, instance. Set by the broker, as all rows are.
  vm :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  label @2 :Text;
  type @3 :Text;
  worker :group {             # where it runs, else none
    hi @4 :UInt64;
    lo @5 :UInt64;
  }
  workerName @6 :Text;
  workerState @7 :UInt16;     # WorkerState
  state @8 :UInt16;           # VmState
  reason @9 :Text;
  managed @10 :Bool;
  conflict @11 :Bool;         # more than one live instance
  owner @12 :UInt16;          # Owner
  ageUs @13 :Int64;           # span since the heartbeat that confirmed the row
  sinceUs @14 :Int64;
  startedUs @15 :Int64;
  accelerator @16 :Text;
  pid @17 :UInt32;
  paths @18 :UInt32;          # number of paths
  pathHealth @19 :UInt16;     # PathHealth, the best of its paths
  note @20 :Text;
  mac @21 :Text;
  ip @22 :Text;
  display @23 :Text;
  cport @24 :UInt32;
  console @25 :Text;
  user @26 :Text;
  uid @27 :UInt32;
  gid @28 :UInt32;
  config @29 :Text;
  executable @30 :Text;
  version @31 :Text;
  arch @32 :Text;
  memoryMb @33 :UInt64;       # MiB
  vcpus @34 :UInt32;
  copyOf :group {             # the VM whose UUID this one repeats, else none
    hi @35 :UInt64;
    lo @36 :UInt64;
  }
  labelUnique @37 :Bool;      # no other VM has the label; of a list only with `names`
  remarks @38 :List(Text);    # as in VmRecord
  startAfter @39 :List(Text); # as in VmRecord
}

struct VmDetail @0xd36f4d67cf311e01 {
  # All about one VM.
  row @0 :VmRow;
  vm @1 :Vm.VmRecord;
  paths @2 :List(Vm.PathRecord);
  pathWorkers @3 :List(Text);        # name of the worker of each path
  pathWorkerStates @4 :List(UInt16); # WorkerState of each path's worker
  instances @5 :List(Vm.InstanceRecord);
  lease @6 :Vm.Lease;                # absent when nobody holds one
  leaseWorker @7 :Text;
}

struct WatchRow @0xdc9bee25a81d5160 {
  id @0 :UInt64;
  principal @1 :Types.Principal;
  filters @2 :List(Types.Filter);
  at :group {                 # last event it was given
    epoch @3 :UInt64;
    sequence @4 :UInt64;
  }
  lag @5 :UInt64;             # events between it and the head
  credit @6 :UInt32;          # events it may still be sent
  sinceUs @7 :Int64;
}

struct StatusRow @0xaed55939de724f31 {
  # One screen about the broker.
  version @0 :Text;
  pid @1 :UInt32;
  startedUs @2 :Int64;
  head :group {
    epoch @3 :UInt64;
    sequence @4 :UInt64;
  }
  horizon :group {            # oldest event that can still be replayed
    epoch @5 :UInt64;
    sequence @6 :UInt64;
  }
  degraded @7 :Text;          # why nothing can be recorded; empty when all is well
  vms @8 :UInt64;
  running @9 :UInt64;
  workersAlive @10 :UInt64;
  workers @11 :UInt64;
  conflicts @12 :UInt64;
  actionsOpen @13 :UInt64;
  watches @14 :UInt64;
  storeBytes @15 :UInt64;
  storeLimit @16 :UInt64;     # bytes
  warnings @17 :List(Text);
}

struct Row @0xf8569051820f8f8c {
  union {
    unspecified @0 :Void;     # never sent
    vm @1 :VmRow;
    detail @2 :VmDetail;
    worker @3 :Worker.WorkerRecord;
    action @4 :Action.ActionRecord;
    watch @5 :WatchRow;
    status @6 :StatusRow;
    plan @7 :Plan.PlanRecord;
    step @8 :Plan.PlanStepRecord;
  }
}
