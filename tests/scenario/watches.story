# Watches: from the beginning, from a cursor, past retention, and in another epoch.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
tool bob viewer
tool cid viewer
1.5 tool bob watch beginning
2 tool ann start web
5 broker trim
6 tool cid watch 2
8 broker crash
8 broker anew
9 broker start
12 tool ann shutdown web
expect gaps bob 1
expect gaps cid 2
end 60
