# One of two hosts is emptied; the other is lost and left out of the whole estate.
storage disks
storage inner
storage far
vm disks l1 obeys 2s
vm inner db obeys 1s
vm far lone obeys 1s
vm far other obeys 1s
machine rack
machine barn
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
agent barn on barn mounts far
tool ann admin
0 broker start
0.1 agent rack start
0.1 agent barn start
1 tool ann start l1 as S1
1.5 tool ann start lone as S2
1.5 tool ann start other as S3
8 tool ann start db as S4
20 cut barn
32 tool ann shutdown w:barn yes as B
33 tool ann shutdown * yes as P
expect B unreachable
expect P ok
expect l1 ended
expect db ended
60 heal barn
expect lone runs
expect other runs
end 120
