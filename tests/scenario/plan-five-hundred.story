# Five hundred VMs inside one machine, twenty at a time; only what tells of the plan itself is shown.
storage disks
storage inner nolocks
vm disks l1 obeys 2s
vms inner v 500 obeys 1s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
shows [P] l1
0 broker start
0.1 agent rack start
1 tool ann start l1 as S
8 tool ann starts v 500
60 tool ann shutdown l1 width 20 as P
expect P ok
expect l1 ended
expect all v ended
end 240
