# A stack that rises is cancelled: what runs stays, what waits is not started.
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
20 tool ann shutdown l1 as P
40 tool ann start db stack as A
41 tool ann cancel A
expect P ok
expect A cancelled
expect l1 runs
expect db ended
end 120
