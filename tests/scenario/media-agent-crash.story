# An agent that dies while it changes a medium asks QEMU for nothing twice: what the drive holds tells
# whether it was done, and where it does not, nobody claims to know.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk done cd /iso/a.iso
vm disk early cd /iso/a.iso
vm disk gone cd /iso/a.iso
2 tool ann start done
2 tool ann start early
2 tool ann start gone
# QEMU has done it, and its answer comes too late
5 tool ann media change done image /iso/b.iso as A
5.016 agent w1 crash
7 agent w1 start
# before QEMU was told
15 tool ann media eject early as B
15.0025 agent w1 crash
17 agent w1 start
# and the VM ends before the agent is back
25 tool ann media eject gone as C
25.0025 agent w1 crash
26 guest gone kill
27 agent w1 start
35 tool ann media eject early as D
expect A ok
expect B indeterminate
expect C failed
expect D ok
expect done runs
end 60
