# A paused guest hears no power button: who asks for it alone is refused, at once; it can be resumed, or cut.
storage disk
vm disk web obeys 1s
vm disk db obeys 1s
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
1 tool ann start web as S1
1 tool ann start db as S2
3 tool ann pause web as P1
3 tool ann pause db as P2
5 tool ann shutdown web as A
5 tool ann shutdown db deadline 20s as B
6 tool ann reboot web as C
8 tool ann resume web as D
9 tool ann shutdown web as E
10 tool ann kill db as F
expect A conflict
expect B conflict
expect C conflict
expect E ok
expect F ok
expect web ended
expect db ended
end 40
