# A spool that cannot be written: nothing is begun without its intent.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
2 agent w1 spool-fails
3 tool ann start web as A
9 agent w1 spool-works
expect A ok
expect web runs
end 40
