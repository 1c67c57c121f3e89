# Retention drops events that are under way to a watcher: it gets them all the same, and no gap.
storage disk
machine m1
agent w1 on m1 mounts disk
tool bob viewer
0 broker start
0.1 agent w1 start
1 tool bob watch beginning
2 network 800ms
4 agent w1 chatter 3
5.2 broker trim
8 agent w1 chatter 1
expect gaps bob 0
end 20
