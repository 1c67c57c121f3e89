# Who cancels an order that joined another person's cancels his own, and his deadline with it.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
tool bob admin
0 broker start
0.1 agent w1 start
vm disk web ignores
2 tool ann start web
4 tool ann shutdown web deadline 40s as A
6 tool bob shutdown web deadline 10s as B
12 tool bob cancel B
expect B cancelled
expect A ok
expect web ended
end 60
