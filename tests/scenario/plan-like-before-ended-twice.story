# A VM that came back while a plan ended it, and was ended again, is started once by who starts all again.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner web obeys 1s
vm inner slow obeys 8s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start web as S2
8.5 tool ann start slow as S3
20 tool ann shutdown l1 as P
23 hand web on l1 in inner libvirt
50 tool ann start all like-before P as Q
expect P ok
expect Q ok
expect web runs
expect slow runs
end 90
