@0x888742197fed7d12;
# What travels in one frame on the mesh socket. Conventions: types.capnp.
# Topic and routing are frames of their own; an action's expiry is in its Command; the sender is
# known from the connection and, of an agent, from its hello.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ctys::schema::wire");

using Types = import "types.capnp";
using Vm = import "vm.capnp";
using Worker = import "worker.capnp";
using Action = import "action.capnp";
using Query = import "query.capnp";

struct Ping @0x8037df3e01bcbdf1 {
  # Broker to agent each second, and tool to broker as a sign of life.
  sessionUs @0 :Int64;        # span since the broker's start, by its monotonic clock
}

struct Pong @0x91d973012dee997b {
  sessionUs @0 :Int64;        # of the ping it answers
}

struct Failure @0xc319557dc789f68d {
  # The answer to a request that failed, or to a message that makes no sense.
  error @0 :Types.Error;
}

struct AgentHello @0xf5dc9ffd8882a293 {
  # First message of an agent.
  worker @0 :Worker.WorkerRecord;  # state and mark are ignored
  end @1 :Worker.StreamMark;  # of its stream: last event it has made durable
  firstKept @2 :UInt64;       # oldest sequence its spool still has
  acknowledged :group {       # highest journal cursor it was ever told
    epoch @3 :UInt64;
    sequence @4 :UInt64;
  }
  inventoryDigest @5 :UInt64; # over everything it would send in a full exchange
}

struct Publish @0xd852559a5a6819f2 {
  # Agent to broker: consecutive events of one stream.
  stream :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  first @2 :UInt64;           # sequence of events[0]
  hashBefore @3 :UInt64;      # running hash before events[0]
  events @4 :List(Data);      # encoded Event messages, as the spool has them
  full @5 :Bool;              # part of a full exchange
  last @6 :Bool;              # last batch of a full exchange
}

struct CommandStatus @0x9331c5fa6c831b2f {
  # Agent to broker: answers CommandQuery.
  action @0 :UInt64;
  known @1 :UInt16;           # CommandStatus::Known
}

struct CommandRefused @0xdd64f8f76391658f {
  # Agent to broker: refused before an intent was written.
  action @0 :UInt64;
  error @1 :Types.Error;
}

struct Confirm @0xc9ad7ec738c3021b {
  # Agent to broker: does the token of this start still hold?
  action @0 :UInt64;
  vm :group {
    hi @1 :UInt64;
    lo @2 :UInt64;
  }
  token @3 :UInt64;
}

struct ActionRef @0xb5a07b0832188ad4 {
  # Body of the messages that only name an action.
  action @0 :UInt64;
}

struct Welcome @0x9f5ecbbfc56a57a7 {
  # Broker to agent: answers the hello.
  broker :group {             # one life of the broker
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  sessionUs @2 :Int64;        # span: the broker's clock
  mark @3 :Worker.StreamMark; # what it has applied of this worker
  full @4 :Bool;              # a full exchange is needed
  version @5 :Text;           # of the broker
}

struct Acknowledge @0xb40c405efd463604 {
  # Broker to agent: everything up to here is durable.
  stream :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  sequence @2 :UInt64;
  hash @3 :UInt64;
  cursor :group {             # of the last of them in the journal
    epoch @4 :UInt64;
    sequence @5 :UInt64;
  }
}

struct Command @0xdf473b1713c02a0b {
  # Broker to agent: execute this.
  action @0 :Action.Action;
  sessionUs @1 :Int64;        # span: the broker's clock when it was sent
  expiresUs @2 :Int64;        # span: by the broker's clock, not to be begun later
  draining @3 :List(Text);    # reserved for plans
}

struct Confirmed @0xa0538035cc8099e9 {
  # Broker to agent: answers Confirm.
  action @0 :UInt64;
  holds @1 :Bool;
  reason @2 :Text;            # when it does not
}

struct ProveStorage @0xb4a77263eeca013a {
  # Broker to agent: make a nonce file below a pool, or look for one.
  pool :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  root @2 :Text;
  nonce @3 :Text;             # name of the file
  write @4 :Bool;             # true: create it; false: look for it
}

struct StorageProof @0xc759b55fccd57edf {
  # Agent to broker: answers ProveStorage.
  pool :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  root @2 :Text;
  nonce @3 :Text;
  write @4 :Bool;
  found @5 :Bool;             # for write: it was made
  reason @6 :Text;
}

struct Submit @0x9b60ab86609a3849 {
  # Tool to broker: an action.
  action @0 :Action.Action;
  on @1 :Text;                # worker name asked for, or empty
  yes @2 :Bool;               # the person agreed to a question that would be asked
  platform :group {           # of the machine the tool runs on; none when it does not say
    hi @3 :UInt64;
    lo @4 :UInt64;
  }
  boot :group {               # of that machine's kernel; none when it does not say
    hi @5 :UInt64;
    lo @6 :UInt64;
  }
}

struct CancelAction @0xa3d95500f5521299 {
  # Tool to broker.
  action @0 :Text;            # id or unique prefix
}

struct Administer @0xb4e44ebff74880db {
  # Tool to broker, administrators only.
  what @0 :UInt16;            # Administer::What
  subject @1 :Text;           # worker, or "worker:/pool/root"
  reason @2 :Text;
}

struct Ask @0xe6cd0ade30a22d41 {
  # Tool to broker: a query; opens a stream of Rows.
  query @0 :Query.Query;
  credit @1 :UInt32;          # rows the tool is ready to take
}

struct Watch @0xa520571a3df4bafb {
  # Tool to broker: opens a stream of WatchEvents.
  filters @0 :List(Types.Filter);
  from @1 :UInt16;            # WatchFrom
  cursor :group {             # for WatchFrom::Cursor: strictly after it
    epoch @2 :UInt64;
    sequence @3 :UInt64;
  }
  timeUs @4 :Int64;           # for WatchFrom::Time
  credit @5 :UInt32;          # events the tool is ready to take
  stopAtHead @6 :Bool;        # end at the head of the moment of asking
}

struct Credit @0xc8f7eb3df701c876 {
  # Tool to broker: more room in the stream of this correlation; also its sign of life.
  add @0 :UInt32;
}

struct Accepted @0xb8459884f832bd08 {
  # Broker to tool: answers Submit.
  action @0 :UInt64;
  label @1 :Text;
  worker @2 :Text;
  text @3 :Text;
}

struct Done @0xa5636a6697c24443 {
  # Broker to tool: answers CancelAction and Administer.
  text @0 :Text;
}

struct Rows @0xd07ef7f70e0a7eb9 {
  # Broker to tool: part of an answer.
  at :group {                 # journal position the answer holds at; in the first message
    epoch @0 :UInt64;
    sequence @1 :UInt64;
  }
  rows @2 :List(Query.Row);
  last @3 :Bool;
}

struct WatchItem @0xc5830d5f43d08635 {
  # An event of the journal, or that some cannot be given.
  union {
    unspecified @0 :Void;     # never sent
    event :group {
      epoch @1 :UInt64;       # cursor
      sequence @2 :UInt64;
      recordedUs @3 :Int64;   # never goes back
      bytes @4 :Data;         # an encoded Event message, as the journal has it
    }
    gap :group {              # both ends inclusive
      fromEpoch @5 :UInt64;
      fromSequence @6 :UInt64;
      toEpoch @7 :UInt64;
      toSequence @8 :UInt64;
      reason @9 :Text;
    }
  }
}

struct WatchEvents @0xaddc9c888c28d5f1 {
  # Broker to tool: part of a watch.
  items @0 :List(WatchItem);
  position :group {           # everything up to here was looked at
    epoch @1 :UInt64;
    sequence @2 :UInt64;
  }
  caughtUp @3 :Bool;
  last @4 :Bool;              # the stream has ended
}

struct HandStart @0xe3a1d5c07b9f4e26 {
  # Wrapper to the agent of its machine, and that agent to its broker: may somebody start this by
  # hand? Answered by HandGrant.
  action @0 :UInt64;          # set by the agent: the start
  vm :group {                 # set by the agent
    hi @1 :UInt64;
    lo @2 :UInt64;
  }
  config @3 :Text;            # absolute path on that worker
  label @4 :Text;
  user @5 :Text;              # set by the agent: who asks
  onBoot @6 :Bool;            # set by the agent: the VM is started with its machine
}

struct HandGrant @0x94c6b2f81d3ea750 {
  # Answers HandStart.
  action @0 :UInt64;          # 0 where the agent knows nothing of the VM
  answer @1 :UInt16;          # HandGrant::Answer
  token @2 :UInt64;           # fencing token of the lease; 0 without one
  reason @3 :Text;            # of a refusal, or why there is no lease
}

struct StopGuests @0xb27d90c4f1a6e835 {
  # `ctys-agent --stop-guests` to the agent of its machine: stop the VMs here. Answered by several
  # GuestsStopping.
  hasDeadline @0 :Bool;
  deadlineUs @1 :Int64;       # span: what is left is cut then; without it, as the agent is configured
  reason @2 :Text;
}

struct GuestsStopping @0xe9604b1d83f7c25a {
  # Answers StopGuests: at once, each second, and with `done` for the last time.
  lines @0 :List(Text);       # what happened since the last one, for people
  leftUs @1 :Int64;           # span: until what is left is cut
  waiting @2 :UInt32;         # VMs that are still to end
  done @3 :Bool;
  error @4 :Types.Error;      # with `done`, where not all ended; absent otherwise
}

struct Envelope @0x8f6f77986ffc3a84 {
  version @0 :UInt16;         # of the protocol, 1...
  correlation @1 :UInt64;     # of the request this belongs to; chosen by who asked
  body :union {
    # A kind the reader does not know is answered, not punished. New kinds go to the end.
    unspecified @2 :Void;     # never sent
    ping @3 :Ping;
    pong @4 :Pong;
    failure @5 :Failure;
    agentHello @6 :AgentHello;
    publish @7 :Publish;
    commandStatus @8 :CommandStatus;
    commandRefused @9 :CommandRefused;
    confirm @10 :Confirm;
    withdrawn @11 :ActionRef;       # agent: will never start this action
    welcome @12 :Welcome;
    acknowledge @13 :Acknowledge;
    command @14 :Command;
    commandQuery @15 :ActionRef;    # broker: what do you know of it?
    confirmed @16 :Confirmed;
    withdraw @17 :ActionRef;        # broker: give it up if it has not begun
    cancelCommand @18 :ActionRef;   # broker: stop what you are doing for it
    proveStorage @19 :ProveStorage;
    storageProof @20 :StorageProof;
    submit @21 :Submit;
    cancelAction @22 :CancelAction;
    administer @23 :Administer;
    ask @24 :Ask;
    watch @25 :Watch;
    credit @26 :Credit;
    closeStream @27 :Void;          # tool: ends the stream of this correlation
    accepted @28 :Accepted;
    done @29 :Done;
    rows @30 :Rows;
    watchEvents @31 :WatchEvents;
    handStart @32 :HandStart;
    handGrant @33 :HandGrant;
    stopGuests @34 :StopGuests;
    guestsStopping @35 :GuestsStopping;
    farewell @36 :Void;             # agent: it ends in order
  }
}
