# Orders that contradict each other at one moment: the first holds, the others are refused.
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
tool bob operator
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start db as S2
20 tool ann shutdown l1 as P
20 tool bob pause l1 as Q
20 tool bob start web stack as R
20 tool ann kill l1 as K
20 tool bob resume l1 as U
expect P ok
expect Q conflict
expect K ok
expect l1 ended
expect db ended
end 90
