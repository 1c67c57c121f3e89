@0xf36d4cef94049001;
# Workers: machines that run an agent. Conventions: types.capnp.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ctys::schema::wire");

struct PoolReport @0xbae75d9fb3a986cf {
  # A directory tree that holds VM directories, as its worker sees it. Set by the agent.
  root @0 :Text;
  id :group {                 # none where no marker could be written
    hi @1 :UInt64;
    lo @2 :UInt64;
  }
  health @3 :UInt16;          # PoolHealth
  reason @4 :Text;
  filesystem @5 :Text;
  shared @6 :Bool;            # network file system
  trusted @7 :Bool;           # accepted without a marker by an administrator
  vms @8 :UInt32;             # VM directories found in it
}

struct Accelerator @0xce472f37f4ba3f57 {
  # What a probe guest has shown. Set by the agent.
  name @0 :Text;
  usable @1 :Bool;
  why @2 :Text;               # reason when it is not usable, or a remark
}

struct Emulator @0xc9d3b1f7a4e2850b {
  # One qemu-system-*, as it describes itself over QMP.
  path @0 :Text;
  arch @1 :Text;              # of its guests
  version @2 :Text;
  package @3 :Text;
  accelerators @4 :Text;      # compiled in, between blanks
  machines @5 :Text;          # between blanks
  cpus @6 :Text;              # between blanks
  options @7 :UInt32;         # how many command line options it describes
  problem @8 :Text;           # why it cannot be used; none: it can
  kvmTrial @9 :UInt16;        # KvmTrial
}

struct Requisite @0x9f4e6c20d81b37a5 {
  # Something beside QEMU that a plugin of the original needs.
  name @0 :Text;
  met @1 :Bool;
  fact @2 :Text;              # where it is, or what is wrong
}

struct Equipment @0xe17a5d934bc6f082 {
  # What a machine has to run VMs with. Set by the agent; empty until its first survey has ended.
  cpuModel @0 :Text;
  cpuFlags @1 :Text;          # between blanks
  emulators @2 :List(Emulator);
  requisites @3 :List(Requisite);
}

struct StreamMark @0xb4fab3a792a1dc07 {
  # A place in a worker's stream of events.
  stream :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  sequence @2 :UInt64;        # last event up to and including which this holds; 0: none
  hash @3 :UInt64;            # running hash over the stream up to there
}

struct WorkerRecord @0xf0df136a8d2559eb {
  # What a worker says of itself, and what the broker adds. Kept in table `worker`.
  id :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  name @2 :Text;
  boot :group {
    hi @3 :UInt64;
    lo @4 :UInt64;
  }
  nonce :group {              # of the agent process that speaks for it
    hi @5 :UInt64;
    lo @6 :UInt64;
  }
  machineId @7 :Text;         # /etc/machine-id
  platform :group {           # DMI product UUID or vm.conf; none when unknown or junk
    hi @8 :UInt64;
    lo @9 :UInt64;
  }
  platformConflict @10 :Text; # DMI and vm.conf differ: both, for people
  version @11 :Text;          # of the agent
  host @12 :Text;
  arch @13 :Text;
  cpus @14 :UInt32;
  memoryMb @15 :UInt64;       # MiB
  accelerators @16 :List(Accelerator);
  binaries @17 :List(Text);   # usable qemu-system-*, absolute paths
  blindSpots @18 :List(Text); # what it may not see, in sentences
  pools @19 :List(PoolReport);
  mark @20 :StreamMark;       # set by the broker: what it has applied
  state @21 :UInt16;          # WorkerState, set by the broker
  lastSeenUs @22 :Int64;      # set by the broker
  stateSinceUs @23 :Int64;    # set by the broker
  fenced @24 :Bool;           # set by the broker: an administrator declared its VMs dead
  draining @25 :UInt64;       # set by the broker: the plan that ends what runs there; 0: none
  bootedUs @26 :Int64;        # set by the broker: when its present boot first called; 0: unknown
  hostStops @27 :Bool;        # its VMs are being stopped with their machine
  ended @28 :Bool;            # set by the broker: its agent has said farewell
  rival @29 :Text;            # set by the broker: a second agent of this name, which is refused
  equipment @30 :Equipment;
}
