# The host is cut off at the moment at which the carrier is to be asked.
# It is lost before it can tell that l1 has ended: the plan is over then, and says so.
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
20 tool ann shutdown l1 as P
21.5 cut rack noticed 4s keeps
36 heal rack
expect P partial
expect l1 ended
expect db ended
expect web ended
end 120
