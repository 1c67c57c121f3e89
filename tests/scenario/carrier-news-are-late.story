# Its host was cut off while the carrier was killed and started again: the old end harms nobody inside.
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
20 cut rack noticed 20s keeps
22 guest l1 kill
23 hand l1 on rack in disks
35 tool ann start web as C
36 tool ann start db as D
40 heal rack
45 tool ann list
expect C ok
expect web runs
end 80
