# The agents inside are restarted in the middle of a plan that cuts: what is not gone is cut again.
storage disks
storage middle
storage inner
vm disks l1 obeys 2s
vm disks web obeys 1s
vm middle l2 obeys 2s
vm middle cache undying
vm inner sensor obeys 3s
machine rack
machine l1 in l1 boots 4s
machine l2 in l2 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts middle
agent l2 on l2 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
1.5 tool ann start web as S2
8 tool ann start l2 as S3
8.5 tool ann start cache as S4
15 tool ann start sensor as S5
20 tool ann kill l1 as P
20.002 agent l2 crash
20.002 agent l1 crash
22 agent l1 start
22 agent l2 start
expect P partial
expect l1 ended
expect l2 ended
expect cache ended
expect sensor ended
end 120
