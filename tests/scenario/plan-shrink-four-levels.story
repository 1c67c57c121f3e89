# Four levels in less time than they ask for: every share is shorter.
storage d0
storage d1
storage d2
storage d3
vm d0 l1 obeys 2s
vm d1 l2 obeys 2s
vm d2 l3 obeys 2s
vm d3 leaf ignores
machine rack
machine l1 in l1 boots 3s
machine l2 in l2 boots 3s
machine l3 in l3 boots 3s
agent rack on rack mounts d0
agent l1 on l1 mounts d1
agent l2 on l2 mounts d2
agent l3 on l3 mounts d3
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
7 tool ann start l2 as S2
13 tool ann start l3 as S3
19 tool ann start leaf as S4
30 tool ann shutdown l1 deadline 40s as T
31 tool ann shutdown l1 deadline 40s shrink as P
expect T conflict
expect P ok
expect l1 ended
expect l2 ended
expect l3 ended
expect leaf ended
end 120
