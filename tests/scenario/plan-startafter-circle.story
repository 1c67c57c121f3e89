# STARTAFTER that makes a circle is told, and does not hold anybody up.
storage disks
storage middle
vm disks l1 obeys 2s
vm middle a obeys 1s after b
vm middle b obeys 1s after a
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts middle
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start a as S2
8.1 tool ann start b as S3
15 tool ann shutdown l1 as P
expect P ok
expect a ended
expect b ended
end 60
