# Only the inner half of a stack.
storage disks
storage middle
storage inner
storage core
vm disks l1 obeys 2s
vm disks web obeys 1s
vm middle l2 obeys 2s
vm middle cache obeys 1s
vm inner l3 obeys 2s
vm core sensor obeys 3s
machine rack
machine l1 in l1 boots 4s
machine l2 in l2 boots 4s
machine l3 in l3 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts middle
agent l2 on l2 mounts inner
agent l3 on l3 mounts core
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
1.5 tool ann start web as S2
8 tool ann start l2 as S3
8.5 tool ann start cache as S4
15 tool ann start l3 as S5
22 tool ann start sensor as S6
30 tool ann shutdown l2 as P
expect P ok
expect l2 ended
expect l3 ended
expect sensor ended
expect l1 runs
expect cache runs
end 90
