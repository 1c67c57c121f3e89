# A full spool drops its oldest events; the gap is told, the present is right.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
1 agent w1 room 2048
1.5 agent w1 crash
1.6 agent w1 start
4 cut w1
5 agent w1 chatter 40
6 hand web on m1 in disk
15 heal w1
expect web runs
end 40
