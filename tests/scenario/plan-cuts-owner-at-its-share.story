# A VM of libvirt inside that ignores its owner is cut at the end of its share; then its carrier is
# asked.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner web ignores
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S1
12 hand web on l1 in inner libvirt
20 tool ann shutdown l1 deadline 120s as P
expect P ok
expect web ended
expect l1 ended
end 200
