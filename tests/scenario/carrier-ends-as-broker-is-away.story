# The broker dies before it could record the end of a carrier: it is told again, and all follows from it.
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
20 guest l1 kill
20.0025 broker crash
24 broker start
25 tool ann list
40 tool ann start l1 as M
52 tool ann start web as C
expect C ok
expect db ended
end 80
