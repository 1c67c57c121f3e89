# A plan that is cancelled, and an order for one of its VMs, each end for themselves.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner db ignores
vm inner web obeys 6s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
tool bob admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start db as S2
8.5 tool ann start web as S3
15 tool ann shutdown l1 deadline 120s as P
17 tool bob shutdown db deadline 30s as B
18 tool bob shutdown web as W
19 tool ann cancel P
expect P cancelled
expect B ok
expect W ok
expect db ended
expect web ended
expect l1 runs
end 90
