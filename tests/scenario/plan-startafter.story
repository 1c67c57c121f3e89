# STARTAFTER among siblings: a reboot ends them in the reverse order, and starts them in it.
storage disks
storage middle
vm disks l1 obeys 2s
vm middle db obeys 1s
vm middle app obeys 1s after db
vm middle shop obeys 2s after app after cache
vm middle cache obeys 3s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts middle
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start db as S2
8.1 tool ann start app as S3
8.2 tool ann start shop as S4
8.3 tool ann start cache as S5
15 tool ann reboot l1 as P
60 tool ann shutdown l1 as Q
expect P ok
expect Q ok
expect shop ended
expect db ended
end 120
