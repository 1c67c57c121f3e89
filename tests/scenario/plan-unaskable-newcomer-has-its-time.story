# What nobody can ask inside is left the time until its carrier is due.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner db obeys 1s
vm inner odd obeys 1s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start db as S2
20 tool ann shutdown l1 deadline 150s as P
20.5 hand odd on l1 in inner mute
end 200
