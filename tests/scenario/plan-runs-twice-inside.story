# A VM runs twice, inside and outside: nobody can tell which is meant, and no carrier is run over.
storage disks
storage shared nolocks
vm disks l1 obeys 2s
vm shared db obeys 1s
vm shared web obeys 1s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks shared
agent l1 on l1 mounts shared
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start db on l1 as S2
8.5 tool ann start web on l1 as S3
15 hand db on rack in shared
20 tool ann shutdown l1 as P
expect web ended
stop 60
