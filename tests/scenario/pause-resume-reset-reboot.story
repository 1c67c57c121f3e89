# Pause, resume, reset, reboot.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
2 tool ann start web
4 tool ann pause web as A
6 tool ann resume web as B
8 tool ann reset web as C
10 tool ann reboot web as D
14 guest web reset
expect A ok
expect B ok
expect C ok
expect D ok
expect web runs
end 20
