# An agent that dies while QEMU works on a snapshot finds its job again; what QEMU was never told is not claimed
# to be done, and nothing is gone back to twice.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk saved saves 2s
vm disk back saves 2s
vm disk early saves 2s
vm disk broken saves 2s
2 tool ann start saved
2 tool ann start back
2 tool ann start early
4 tool ann snapshot save back name one as A
4 tool ann snapshot save early name one as B
# while it saves
10 tool ann snapshot save saved name two as C
11 agent w1 crash
15 agent w1 start
# while it loads
20 tool ann snapshot revert back name one as D
21 agent w1 crash
25 agent w1 start
# before QEMU was told
30 tool ann snapshot revert early name one as E
30.0025 agent w1 crash
31 agent w1 start
35 tool ann snapshot save early name two as F
35.0025 agent w1 crash
36 agent w1 start
40 tool ann snapshot save early name two as G
45 tool ann list
expect A ok
expect B ok
expect C ok
expect D ok
expect E indeterminate
expect F unreachable
expect G ok
expect saved runs
expect back runs
expect early runs
end 120
