# The width is the person's choice.
storage disks
storage inner
vm disks l1 obeys 2s
vm inner v00 obeys 1s
vm inner v01 obeys 1s
vm inner v02 obeys 1s
vm inner v03 obeys 1s
vm inner v04 obeys 1s
vm inner v05 obeys 1s
vm inner v06 obeys 1s
vm inner v07 obeys 1s
vm inner v08 obeys 1s
vm inner v09 obeys 1s
vm inner v10 obeys 1s
vm inner v11 obeys 1s
vm inner v12 obeys 1s
vm inner v13 obeys 1s
vm inner v14 obeys 1s
vm inner v15 obeys 1s
vm inner v16 obeys 1s
vm inner v17 obeys 1s
vm inner v18 obeys 1s
vm inner v19 obeys 1s
vm inner v20 obeys 1s
vm inner v21 obeys 1s
vm inner v22 obeys 1s
vm inner v23 obeys 1s
vm inner v24 obeys 1s
vm inner v25 obeys 1s
vm inner v26 obeys 1s
vm inner v27 obeys 1s
vm inner v28 obeys 1s
vm inner v29 obeys 1s
vm inner v30 obeys 1s
vm inner v31 obeys 1s
vm inner v32 obeys 1s
vm inner v33 obeys 1s
vm inner v34 obeys 1s
vm inner v35 obeys 1s
vm inner v36 obeys 1s
vm inner v37 obeys 1s
vm inner v38 obeys 1s
vm inner v39 obeys 1s
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as S
8 tool ann start v00
8 tool ann start v01
8 tool ann start v02
8 tool ann start v03
8 tool ann start v04
8 tool ann start v05
8 tool ann start v06
8 tool ann start v07
8 tool ann start v08
8 tool ann start v09
8 tool ann start v10
8 tool ann start v11
8 tool ann start v12
8 tool ann start v13
8 tool ann start v14
8 tool ann start v15
8 tool ann start v16
8 tool ann start v17
8 tool ann start v18
8 tool ann start v19
8 tool ann start v20
8 tool ann start v21
8 tool ann start v22
8 tool ann start v23
8 tool ann start v24
8 tool ann start v25
8 tool ann start v26
8 tool ann start v27
8 tool ann start v28
8 tool ann start v29
8 tool ann start v30
8 tool ann start v31
8 tool ann start v32
8 tool ann start v33
8 tool ann start v34
8 tool ann start v35
8 tool ann start v36
8 tool ann start v37
8 tool ann start v38
8 tool ann start v39
20 tool ann shutdown l1 width 2 as P
expect P ok
expect l1 ended
end 90
