# Media are changed and ejected while the guest runs; what it, or somebody at the monitor, does is told too.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
tool eve viewer
0 broker start
0.1 agent w1 start
vm disk web cd /iso/a.iso
vm disk plain
2 tool ann start web
2 tool ann start plain
4 tool ann media change web device ide2-cd0 image /iso/b.iso as A
5 tool ann media change web image c.iso as B
6 tool ann media eject web as C
7 tool ann media eject web as D
8 tool ann media change web image /iso/missing.iso as E
9 tool ann media change web device floppy0 image /iso/b.iso as F
10 tool ann media eject plain as G
11 tool ann media change web image /iso/d.iso as H
# the guest uses it
12 guest web locks
12.5 tool ann media eject web as I
13 tool ann media eject web force as J
14 tool ann media change web image /iso/d.iso as K
15 guest web opens
16 guest web closes
17 tool ann pause web
18 tool ann media eject web as L
19 tool eve media eject web as M
20 tool ann media change web as N
expect A ok
expect B ok
expect C ok
expect D ok
expect E not-found
expect F not-found
expect G conflict
expect H ok
expect I conflict
expect J ok
expect K ok
expect L ok
expect M refused
expect N usage
expect web runs
end 60
