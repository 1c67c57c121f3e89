# The machine of a VM cannot be started: the VM is not tried, and it is told why.
storage disks
storage inner
vm disks l1 broken
vm inner db obeys 1s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
2 tool ann start db stack as S2
expect S1 failed
expect l1 ended
expect db ended
end 90
