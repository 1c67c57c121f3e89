# A VM with a guest agent is asked by that first: one that ignores its power button ends all the same. Where nobody
# answers within a second, or it refuses, the button comes at once. Other run levels are entered by it.
storage disk
vm disk deaf ignores inside works
vm disk mute obeys 2s inside silent
vm disk strict obeys 1s inside refuses
vm disk again obeys 3s inside works
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
1 tool ann start deaf as S1
1.5 tool ann start mute as S2
2 tool ann start strict as S3
2.5 tool ann start again as S4
10 tool ann shutdown deaf as A
20 tool ann shutdown mute as B
30 tool ann shutdown strict as C
40 tool ann reboot again as D
50 tool ann init again level 3 as E
60 tool ann pause again as F
61 tool ann init again level 3 as G
62 tool ann resume again as H
63 tool ann start mute as I
70 tool ann init mute level 2 as J
80 tool ann start strict as K
90 tool ann init strict level 2 as L
100 tool ann shutdown again level 0 as M
expect A ok
expect B ok
expect C ok
expect D ok
expect E ok
expect G conflict
expect J failed
expect L failed
expect M ok
expect deaf ended
expect again ended
end 160
