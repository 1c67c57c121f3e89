# The line to the machine inside comes and goes while its VMs end.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner db obeys 15s
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
20.5 cut l1
22 heal l1
24 cut l1
27 heal l1
28 cut l1 keeps
30 heal l1
expect P ok
expect l1 ended
expect db ended
expect web ended
end 120
