# An order that comes just after a restart of the agent waits for QEMU, which redials each second.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
vm disk db
vm disk mute
2 tool ann start web
2.1 tool ann start db
2.2 tool ann start mute
4 agent w1 crash
4.1 agent w1 redial 900ms
5 agent w1 start
5.3 tool ann reset web as R twice
5.4 tool ann shutdown db as S deadline 20s
# Withdrawn by the person while it waits: it is never begun.
5.45 tool ann pause mute as P
5.5 tool ann cancel P
# A QEMU that does not redial in time is one without a monitor.
10 agent w1 crash
10.1 agent w1 redial 30s
11 agent w1 start
11.5 tool ann reset web as L
expect R ok
expect S ok
expect P cancelled
expect L conflict
expect web runs
expect db ended
expect mute runs
end 60
