# A broker that cannot commit is degraded: queries yes, actions no; it recovers by itself.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
vm disk db
2 tool ann start web as A
5 broker fail
6 tool ann start db as B
7 tool ann list
7 guest web poweroff
12 broker mend
expect A ok
expect B ok
expect web ended
expect db runs
end 40
