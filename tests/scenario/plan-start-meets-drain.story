# A plan waits for a machine to start something there again; another one ends that machine meanwhile.
storage disks
storage inner
vm disks l1 ignores
vm inner sensor obeys 1s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start sensor as S2
20 tool ann shutdown l1 as P
25 tool ann cancel P
30 cut l1
31 tool ann start all like-before P as Q
33 tool ann shutdown w:rack yes as R
36 heal l1
expect P cancelled
expect Q conflict
expect sensor ended
stop 60
