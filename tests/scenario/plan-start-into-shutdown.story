# A stack that goes down is not started again underneath the plan.
storage disks
storage middle
storage inner
vm disks l1 ignores
vm middle l2 obeys 2s
vm inner sensor obeys 1s
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
8 tool ann start l2 as S3
15 tool ann start sensor as S5
20 tool ann shutdown l1 as P
30 tool ann start sensor stack as R
31 tool ann start l2 as Q
32 tool ann cancel P
40 tool ann start sensor stack as T
expect P cancelled
expect R conflict
expect Q conflict
expect T ok
expect l1 runs
expect sensor runs
stop 90
