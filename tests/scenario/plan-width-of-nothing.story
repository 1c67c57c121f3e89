# A width of zero is the usual one, and one of four thousand million is no more than all.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner db obeys 1s
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
20 tool ann shutdown l1 dry width 0 as A
21 tool ann shutdown l1 dry width 4294967295 as B
22 tool ann shutdown l1 width 4294967295 as P
expect P ok
expect l1 ended
expect db ended
expect web ended
end 90
