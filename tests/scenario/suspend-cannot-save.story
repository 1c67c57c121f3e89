# What cannot be suspended goes on, and is told why; of what failed nothing is left behind.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk full unsavable
vm disk plain raw
vm disk closed noteless
vm disk slow saves 20s
vm disk long saves 8s
vm disk still unsavable
2 tool ann start full
2 tool ann start plain
2 tool ann start closed
2 tool ann start slow
2 tool ann start long
2 tool ann start still
3 tool ann pause still
4 tool ann suspend full as A
5 tool ann suspend plain as B
6 tool ann suspend closed as C
7 tool ann suspend slow deadline 3s as D
8 tool ann suspend long as E
8.5 tool ann resume long as F
9 tool ann suspend still as G
40 tool ann list
41 tool ann suspend slow as H
43 tool ann cancel H
70 tool ann suspend slow as I
72 tool ann kill slow as J
expect A failed
expect B conflict
expect C failed
expect D timed-out
expect E ok
expect F conflict
expect G failed
expect H cancelled
expect I conflict
expect J ok
expect slow ended
expect full runs
end 120
