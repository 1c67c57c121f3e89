# What the inner agent had seen before its carrier was killed is told after the next boot, once.
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
19 cut l1 noticed 3s
19.5 guest web crash
20 guest l1 kill
20.1 tool ann list
21 heal l1
22 tool ann start l1 as M
30 tool ann list
expect M ok
expect web ended
expect db ended
end 60
