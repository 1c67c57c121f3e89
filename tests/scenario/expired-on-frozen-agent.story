# A frozen agent does not execute what has expired meanwhile.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
2 tool ann start web
4 agent w1 freeze
4.5 tool ann reset web expiry 3s as B
9 agent w1 thaw
expect B expired
end 40
