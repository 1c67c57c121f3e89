@0xdf0426a57565ab4d;
# VMs: what they are, the ways to run them, the processes that do. Conventions: types.capnp.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ctys::schema::wire");

struct Setting @0xcd6e224a8375d4c5 {
  # One key of a configuration, as the scan of its worker read it.
  key @0 :Text;               # upper case
  value @1 :Text;             # unquoted
  line @2 :UInt32;            # 1-based; 0 when derived, or of another file
  file @3 :Text;              # beside the configuration, that says it; else empty
  fileLine @4 :UInt32;        # 1-based, of that file
}

struct StorageIdentity @0xb8997bfefcacdd7f {
  # Where a directory lies, independent of the path that leads to it. Set by the scan.
  pool :group {               # content of the innermost pool marker; none without one
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  below @2 :Text;             # path below the marker, no leading slash
  inode @3 :UInt64;           # of the VM directory
  filesystem @4 :Text;        # type as in mountinfo
  source @5 :Text;            # mount source as in mountinfo
}

struct VmRecord @0xe1bdadaa3767d4f4 {
  # A VM as such. Set by the agent that scanned its configuration; kept in table `vm`.
  id :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  label @2 :Text;
  type @3 :Text;              # "QEMU"
  uuidDerived @4 :Bool;       # the configuration has no usable UUID
  foreign @5 :Bool;           # known from a process only
  copyOf :group {             # set by the broker: the VM whose UUID this one repeats
    hi @6 :UInt64;
    lo @7 :UInt64;
  }
  macs @8 :List(Text);        # lower case, colons
  ips @9 :List(Text);         # as configured
  arch @10 :Text;
  memoryMb @11 :UInt64;       # MiB
  vcpus @12 :UInt32;
  hasGrace @13 :Bool;
  graceUs @14 :Int64;         # span: deadline of a shutdown that names none
  home @15 :StorageIdentity;  # storage that keeps the identity
  settings @16 :List(Setting);
  onStop @17 :UInt16;         # OnStop: when its machine goes down; 0: shutdown
  onBoot @18 :UInt16;         # OnBoot: when its machine has come up; 0: no
  startAfter @19 :List(Text); # labels of VMs on the same worker that run first
  remarks @20 :List(Text);    # what of the configuration is not taken as it stands
}

struct PathRecord @0xfc004487520cd9b8 {
  # One way to run a VM. Set by the agent of `worker`; kept in table `path`.
  vm :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  worker :group {
    hi @2 :UInt64;
    lo @3 :UInt64;
  }
  config @4 :Text;            # absolute path on that worker
  wrapper @5 :Text;           # absolute path, empty when there is none
  poolRoot @6 :Text;
  storage @7 :StorageIdentity;
  configDigest @8 :UInt64;    # of the configuration's bytes
  health @9 :UInt16;          # PathHealth
  healthReason @10 :Text;
  vmstate @11 :Text;          # VMSTATE of the configuration
  runnable @12 :Bool;
  whyNot @13 :Text;           # when it is not runnable
  ownerUid @14 :UInt32;       # of the configuration file
  firstSeenUs @15 :Int64;
  lastSeenUs @16 :Int64;
}

struct InstanceKey @0xc1eb3f2f28cae24f {
  # Names one process for ever.
  boot :group {               # boot id of the machine
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  pid @2 :UInt32;
  startTicks @3 :UInt64;      # field 22 of /proc/PID/stat
}

struct Ending @0xd8703a79692734b9 {
  # Why a process ended, and how that is known. Set by the agent.
  by @0 :UInt16;              # EndedBy
  evidence @1 :UInt16;        # Evidence
  exitCode @2 :Int32;         # -1: not known
  signal @3 :Int32;           # 0: none or not known
  detail @4 :Text;
  atUs @5 :Int64;
}

struct Drive @0xc5b1c0a1f34d9e27 {
  # A drive of a running VM whose medium can be changed.
  name @0 :Text;              # QEMU's: "ide2-cd0"
  image @1 :Text;             # empty: no medium
  hasTray @2 :Bool;
  isOpen @3 :Bool;            # the tray
  isLocked @4 :Bool;          # by the guest, when it was last asked
}

struct Snapshot @0xd4a1f0b7c3e85a19 {
  # A snapshot in the disks of a running VM.
  name @0 :Text;
  atUs @1 :Int64;
  stateBytes @2 :UInt64;      # memory and devices
  isWhole @3 :Bool;           # on every disk that it would have to be on, with memory
}

struct InstanceRecord @0xf6d9317cea71e777 {
  # One QEMU process. Set by the agent that sees it; kept in table `instance`.
  key @0 :InstanceKey;
  vm :group {
    hi @1 :UInt64;
    lo @2 :UInt64;
  }
  worker :group {             # who reports it
    hi @3 :UInt64;
    lo @4 :UInt64;
  }
  label @5 :Text;
  managed @6 :Bool;           # started through us
  owner @7 :UInt16;           # Owner
  state @8 :UInt16;           # VmState
  reason @9 :Text;            # "io-error", "panicked"
  sinceUs @10 :Int64;         # of the state
  startedUs @11 :Int64;
  user @12 :Text;             # account name, or the number
  uid @13 :UInt32;
  gid @14 :UInt32;
  executable @15 :Text;
  version @16 :Text;          # of QEMU, as QMP says
  accelerator @17 :Text;      # really in use
  arch @18 :Text;
  machine @19 :Text;
  config @20 :Text;           # configuration it was matched to, if any
  image @21 :Text;            # boot image as on its command line
  console @22 :Text;          # path of the console/monitor socket
  display @23 :Text;
  cport @24 :UInt32;          # TCP port of the display, 0: none
  note @25 :Text;
  canAsk @26 :Bool;           # a shutdown request can reach the guest
  macs @27 :List(Text);
  memoryMb @28 :UInt64;       # MiB
  vcpus @29 :UInt32;
  startedBy @30 :UInt64;      # action id, 0: none
  token @31 :UInt64;          # fencing token it was started with; 0 for foreign ones
  ended @32 :Ending;          # absent while it lives
  frozenFrom @33 :UInt16;     # VmState; set by the broker while the state is frozen
  unverified @34 :Bool;       # set by the broker: it concluded the end, no agent told it
  drives @35 :List(Drive);
  snapshots @36 :List(Snapshot);
  guestAgent @37 :Bool;       # it has a channel to one
}

struct Lease @0xfeb43ebc0f325cfc {
  # The right to run a VM. Set by the broker; kept in table `lease`.
  vm :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  worker :group {
    hi @2 :UInt64;
    lo @3 :UInt64;
  }
  token @4 :UInt64;           # grows with every lease of a journal
  action @5 :UInt64;          # 0: reported by the agent on its own
  phase @6 :UInt16;           # Lease::Phase
  sinceUs @7 :Int64;
  instance @8 :InstanceKey;   # absent while reserved
}
