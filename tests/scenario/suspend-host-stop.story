# A machine goes down: what is to be suspended is, and what cannot be is asked to end.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web onstop suspend
vm disk big onstop suspend saves 50s
vm disk old onstop suspend raw
vm disk db
2 tool ann start web
2 tool ann start big
2 tool ann start old
2 tool ann start db
5 agent w1 stop-guests 30s
70 tool ann list
71 reboot m1 for 3s
80 tool ann list
81 tool ann start web as A
expect A ok
expect web runs
expect big ended
expect old ended
end 100
