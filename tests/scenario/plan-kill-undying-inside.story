# A process inside survives being cut: its carrier is cut all the same.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner db undying
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
20 tool ann kill l1 as P
expect l1 ended
expect web ended
end 120
