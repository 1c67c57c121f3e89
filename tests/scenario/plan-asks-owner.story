# A VM of libvirt inside is asked by libvirt before its carrier is.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner db obeys 1s
vm inner web obeys 3s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
8 tool ann start db as S2
12 hand web on l1 in inner libvirt
20 tool ann shutdown l1 as P
expect P ok
expect web ended
expect l1 ended
end 90
