# Started by hand: shown, asked through a free monitor, refused without one, killed on demand.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
vm disk db
2 hand web on m1 in disk
2 hand db on m1 in disk mute
5 tool ann start web as A
6 tool ann shutdown web as B
7 tool ann shutdown db as C
8 tool ann kill db as D
expect A conflict
expect B ok
expect C conflict
expect D ok
end 20
