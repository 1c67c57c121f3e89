# An agent inside calls for the first time while its machine waits for its turn: nothing is started
# there any more, and what a person runs there ends first.
storage disks
storage middle
storage inner
vm disks l1 obeys 2s
vm middle l2 obeys 2s
vm middle cache obeys 9s
vm inner sensor obeys 3s
vm inner probe obeys 1s
machine rack
machine l1 in l1 boots 4s
machine l2 in l2 boots 9s
agent rack on rack mounts disks
agent l1 on l1 mounts middle
agent l2 on l2 mounts inner
tool ann admin
tool bob operator
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8.5 tool ann start cache as S2
15 tool ann start l2 as S3
17 tool ann shutdown l1 width 1 as P
24.6 hand sensor on l2 in inner
24.7 tool bob start probe as Q
expect P ok
expect Q conflict
expect sensor ended
expect l2 ended
expect l1 ended
end 90
