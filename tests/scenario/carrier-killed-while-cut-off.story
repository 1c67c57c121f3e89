# An inner agent that was cut off is lost; when its carrier is killed, what it may still run has ended.
storage disks
storage inner
vm disks l1
vm inner web
vm inner db ignores
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as L
8 tool ann start web as A
8.5 tool ann start db as B
20 cut l1 noticed 1s
40 tool ann list
45 guest l1 kill
45.1 tool ann list
50 heal l1
52 tool ann start l1 as M
64 tool ann start web as C
expect C ok
expect web runs
expect db ended
end 90
