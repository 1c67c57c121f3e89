# A VM whose machine is a stopped VM is refused, and starts with its stack.
storage disks
storage middle
storage inner
vm disks l1 obeys 2s
vm disks web obeys 1s
vm middle l2 obeys 2s
vm middle cache obeys 1s
vm inner sensor obeys 3s
machine rack
machine l1 in l1 boots 4s
machine l2 in l2 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts middle
agent l2 on l2 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
1.5 tool ann start web as S2
8 tool ann start l2 as S3
8.5 tool ann start cache as S4
15 tool ann start sensor as S5
20 tool ann shutdown l1 as P
40 tool ann start sensor as Q
41 tool ann start sensor stack as R
expect Q conflict
expect R ok
expect l1 runs
expect l2 runs
expect sensor runs
expect cache ended
end 90
