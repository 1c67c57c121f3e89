# Twelve siblings, three at a time, some of which ignore their button: each is cut at the end of its own wave.
storage disks
storage inner
vm disks l1 obeys 2s
vms inner good 9 obeys 2s grace 10s
vms inner deaf 3 ignores grace 10s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann starts good 9
8.5 tool ann starts deaf 3
20 tool ann shutdown l1 deadline 120s width 3 as P
expect P ok
expect l1 ended
expect all good ended
expect all deaf ended
end 180
