# Somebody starts VMs by hand inside, again and again: the carrier does not wait for ever.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner db obeys 1s
vm inner web obeys 3s
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
21.5 hand db on l1 in inner
24 hand db on l1 in inner
26.5 hand db on l1 in inner
29 hand db on l1 in inner
31.5 hand db on l1 in inner
34 hand db on l1 in inner
36.5 hand db on l1 in inner
expect P ok
expect l1 ended
end 150
