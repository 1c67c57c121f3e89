# Scans: what appears is shown, what vanishes too.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
vm disk db
3 remove db from disk
4 tool ann scan w1 as A
6 tool ann list
expect A ok
end 12
