@0xb899ea361822d7c9;
# Actions: something asked, and its one end. Conventions: types.capnp.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ctys::schema::wire");

using Types = import "types.capnp";
using Vm = import "vm.capnp";

struct Action @0xa559b1d8bc66f515 {
  # Set by the tool, except where a field says otherwise.
  id @0 :UInt64;              # random, chosen by who asks; never 0
  verb @1 :UInt16;            # Verb
  target @2 :Text;            # the address as it was typed
  vm :group {                 # set by the broker; none for actions of workers
    hi @3 :UInt64;
    lo @4 :UInt64;
  }
  worker :group {             # set by the broker
    hi @5 :UInt64;
    lo @6 :UInt64;
  }
  user @7 :Text;              # account the VM runs as; empty: owner of the configuration
  hasDeadline @8 :Bool;
  deadlineUs @9 :Int64;       # span: the VM's time until power is cut
  alwaysCut @10 :Bool;        # cut after 20 s when no time is given
  force @11 :Bool;
  ifRunning @12 :UInt16;      # IfRunning
  reason @13 :Text;
  principal @14 :Types.Principal;  # set by the broker
  expiryUs @15 :Int64;        # span: time in which a worker must have begun
  token @16 :UInt64;          # set by the broker: fencing token of a start
  config @17 :Text;           # set by the broker: path on the worker
  dryRun @18 :Bool;
  instance @19 :Vm.InstanceKey;  # set by the broker: the process it means; absent for a start
  shrink @20 :Bool;           # too short a deadline for a stack shortens every share
  cutUnaskable @21 :Bool;     # of a stack: VMs that cannot be asked are cut
  width @22 :UInt32;          # of a stack: siblings at once; 0: as the broker chooses
  plan @23 :UInt64;           # set by the broker: the plan this is an order of; 0: none
  stack @24 :Bool;            # of a start: what carries the VM is started before it
  self @26 :Bool;             # of a whole worker: the VM that carries it ends, too
  likeBefore @25 :UInt64;     # of a start: all that this action has ended; 0: only the target
  discardState @27 :Bool;     # of a start: what suspend has saved is thrown away
  noRestore @28 :Bool;        # of a reboot or reset: what ran inside is not started again
  hasRunLevel @29 :Bool;
  runLevel @30 :UInt8;        # 0 to 6; of shutdown and reboot: by the guest alone; of init: which
  device @31 :Text;           # of media eject and change: the drive; empty: the only one
  image @32 :Text;            # of media change: path on the worker
  snapshot @33 :Text;         # of snapshot save, revert and delete: its name
  options @34 :List(Text);    # of a start: to the wrapper of the VM
}

struct Outcome @0xf01851c6c93e84cd {
  # The end of an action. Set by the worker, or by the broker where the worker cannot.
  error @0 :Types.Error;      # absent: done
  text @1 :Text;
}

struct ActionRecord @0xd326c0126c525008 {
  # Set by the broker; kept in table `action`.
  action @0 :Action;
  label @1 :Text;             # of the VM when it was asked
  state @2 :UInt16;           # ActionState
  progress @3 :Text;          # last words of the worker
  cancelling @4 :Bool;
  outcome @5 :Outcome;        # absent until it ended
  requestedUs @6 :Int64;
  endedUs @7 :Int64;          # 0 until it ended
}

struct Intent @0x99b0fdda5ebe4c4c {
  # What an agent is about to execute; written to its spool before it does. Never on the wire.
  action @0 :UInt64;
  verb @1 :UInt16;            # Verb
  instance @2 :Vm.InstanceKey;  # absent for a start: there is no process yet
  vm :group {
    hi @3 :UInt64;
    lo @4 :UInt64;
  }
  atUs @5 :Int64;
  device @6 :Text;            # of media, as in Action
  image @7 :Text;
  snapshot @8 :Text;          # of snapshots, as in Action
}
