# Under a deadline the agent inside hangs: its carrier is asked in its own time, not before.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner db ignores
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
20 tool ann shutdown l1 deadline 130s as P
20.5 agent l1 freeze
expect l1 ended
end 240
