# What was paused inside has died meanwhile: the rest goes on.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner db obeys 1s
vm inner web obeys 1s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start db as S2
8.5 tool ann start web as S3
20 tool ann pause l1 as P
30 tool ann resume l1 as R
30.001 cut l1
31 heal l1
expect P ok
expect l1 runs
end 90
