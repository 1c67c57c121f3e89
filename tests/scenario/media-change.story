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
# the guest uses it, and does not let go when it is asked
12 guest web locks
12.5 tool ann media eject web as I
23 tool ann media eject web force as J
24 tool ann media change web image /iso/d.iso as K
# it has locked it, and lets go when it is asked
25 guest web lends
25.5 tool ann media change web image /iso/e.iso as O
27 guest web opens
28 guest web closes
29 tool ann pause web
30 tool ann media eject web as L
31 tool eve media eject web as M
32 tool ann media change web as N
# cancelled while its guest is asked
32.5 tool ann media change web image /iso/d.iso as Q
33 guest web locks
33.5 tool ann media change web image /iso/e.iso as P
34 tool ann cancel P
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
expect O ok
expect P cancelled
expect Q ok
expect web runs
end 60
