# Snapshots are saved, gone back to and deleted; the VM goes on as it was, and what cannot be done is told why.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
tool eve viewer
0 broker start
0.1 agent w1 start
vm disk web saves 2s
vm disk plain raw
vm disk full unsavable
vm disk slow saves 25s
2 tool ann start web
2 tool ann start plain
2 tool ann start full
2 tool ann start slow
4 tool ann snapshot save web name before as A
5 tool ann pause web as B
5 tool ann snapshot delete web name before as C
8 tool ann snapshot save web name before as D
9 tool ann snapshot revert web name before as E
13 tool ann snapshot revert web name other as F
14 tool ann pause web
15 tool ann snapshot save web name paused as G
19 tool ann snapshot revert web name paused as H
23 tool ann list
24 tool ann resume web
25 tool ann snapshot delete web name before as I
26 tool ann snapshot delete web name before as J
27 tool ann snapshot save plain name x as K
28 tool ann snapshot save full name x as L
30 tool ann list
31 tool ann snapshot save web name ctys-suspend as M
31 tool ann snapshot save web name 7 as N
31 tool eve snapshot save web name x as O
# the power is cut while it is saved
32 tool ann snapshot save slow name x as P
40 tool ann kill slow as Q
expect A ok
expect B conflict
expect C conflict
expect D conflict
expect E ok
expect F not-found
expect G ok
expect H ok
expect I ok
expect J not-found
expect K conflict
expect L failed
expect M usage
expect N usage
expect O refused
expect P failed
expect Q ok
expect web runs
expect full runs
expect slow ended
end 120
