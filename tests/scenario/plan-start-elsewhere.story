# What a plan has ended inside is started on another host meanwhile: it lives.
storage disks
storage shared
vm disks l1 obeys 10s
vm shared db obeys 1s
machine rack
machine barn
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts shared
agent barn on barn mounts shared
tool ann admin
0 broker start
0.1 agent rack start
0.1 agent barn start
1 tool ann start l1 as S1
8 tool ann start db on l1 as S2
20 tool ann shutdown l1 as P
23 tool ann start db on barn as S3
expect P ok
expect l1 ended
expect S3 ok
expect db runs
end 90
