# Three levels: the end of the outermost VM ends what is in it at every level, and its pause freezes all.
storage disks
storage middle
storage inner
vm disks l1
vm middle l2
vm inner web
machine rack
machine l1 in l1 boots 4s
machine l2 in l2 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts middle
agent l2 on l2 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as L
8 tool ann start l2 as M
15 tool ann start web as A
20 tool ann pause l1 force as P
21 tool ann list
40 tool ann resume l1 force as Q
45 tool ann list
50 guest l1 crash
50.1 tool ann list
52 tool ann start l1 as N
expect A ok
expect Q ok
expect N ok
expect l2 ended
expect web ended
end 80
