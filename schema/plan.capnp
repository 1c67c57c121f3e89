@0xf147f02dc312c717;
# Plans: what has to be done to a stack, in which order. Conventions: types.capnp.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ctys::schema::wire");

struct WorkerRef @0xfeacf8e2511a9a1f {
  hi @0 :UInt64;
  lo @1 :UInt64;
}

struct PlanStep @0xe48d49f666ee26f3 {
  # One VM's part. Set by the broker. Spans count from the plan's beginning.
  vm :group {
    hi @0 :UInt64;
    lo @1 :UInt64;
  }
  label @2 :Text;
  worker :group {             # who does it
    hi @3 :UInt64;
    lo @4 :UInt64;
  }
  workerName @5 :Text;
  verb @6 :UInt16;            # Verb
  level @7 :UInt32;           # 0: a target; 1: carried by one; ...
  after @8 :List(UInt32);     # steps that end before
  beginUs @9 :Int64;          # not later than this its turn comes
  untilUs @10 :Int64;         # end of its share
  hasGrace @11 :Bool;
  graceUs @12 :Int64;         # its own, where no deadline was given
  cuts @13 :Bool;             # power is cut then
  canAsk @14 :Bool;
  owner @15 :UInt16;          # Owner
  inside @16 :List(WorkerRef); # workers that this VM is
  unreached @17 :List(Text);  # VMs inside that nobody can order now
  hasRunLevel @18 :Bool;
  runLevel @19 :UInt8;        # of init
  boot :group {               # start: of its worker, in another one than this; else when asked
    hi @20 :UInt64;
    lo @21 :UInt64;
  }
  guestAgent @22 :Bool;       # the VM has a channel to one
}

struct PlanRecord @0xeef3f427095a158e {
  # A plan as a whole; kept in table `plan`, and the first row of an answer.
  action @0 :UInt64;          # that it carries out; 0: nothing was asked to be done
  verb @1 :UInt16;            # Verb
  target @2 :Text;
  steps @3 :UInt32;
  neededUs @4 :Int64;         # span with every share as long as its VM's grace
  untilUs @5 :Int64;          # end of the last share
  levels @6 :UInt32;
  width @7 :UInt32;           # siblings at once
  limited @8 :Bool;           # a deadline was given
  critical @9 :List(UInt32);  # steps of the longest chain, in order
  spentUs @10 :Int64;         # span since it began
  notes @11 :List(Text);      # what a person should know of it
}

struct PlanStepRecord @0xced5e8c8e04acec1 {
  # What has become of a step; kept in table `plan`, and a row of an answer.
  plan @0 :UInt64;
  index @1 :UInt32;
  step @2 :PlanStep;
  state @3 :UInt16;           # StepState
  action @4 :UInt64;          # its present order; 0 while it waits
  tries @5 :UInt32;           # orders so far
  text @6 :Text;
  askedUs @7 :Int64;
  overUs @8 :Int64;
}
