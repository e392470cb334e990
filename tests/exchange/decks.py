"""Decks that both devsim and ngspice read."""

DECKS = {
    "dividers in dividers": """nested
.param base=1k  other={base*2}
Vin in 0 dc 5 ac 1 90
R1 in out {base} ; inline
Xa out mid div params: top=2k
Xb mid 0 div
* the lower one has the default
.subckt div a b top=1k
.param bottom='top*2'
R1 a c {top}
Xin c b half r={bottom}
.ends div
.subckt half a b r=1
R1 a m {r/2}
R2 m b {r/2}
.ends
.op
.tran 1u 1m
.ac dec 10 1 1meg
.end
""",
    "resistors in the heat": """tc
V1 a 0 1
R1 a b 1k tc1=4m temp=100
R2 b 0 r=2k tc1=-1m m=2
R3 b 0 2.2kohm dtemp=30 tc1=0.01
.options temp=50 tnom=20
.end
""",
    "controlled sources": """ctl
V1 1 0 2
R1 1 2 1k
Vs 2 3 0
R2 3 0 1k
F1 0 4 Vs 3
F2 0 9 Vs -1
R9 9 0 10
R4 4 0 100
H1 5 0 Vs 500
R5 5 0 1k
E1 6 0 4 5 7
R6 6 0 1k
G1 0 7 (6,4) 1m m=2
R7 7 0 50
L1 7 8 1m
L2 8 10 2m
K1 L1 L2 0.9
R8 10 0 10
C1 10 0 1u
I1 0 10 dc=1m
.end
""",
    "square-law transistors": """mos
.options gmin=1e-12
Vd vdd 0 3
Vin g 0 1.2
RD vdd d 10k
M1 d g s 0 nch W=10u L=1u
RS s 0 1k
M2 d2 g vdd vdd pch W=20u L=2u m=2
R2 d2 0 20k
.model nch nmos(level=1 vto=0.7 kp=110u gamma=0.4 lambda=0.04 phi=0.7 ld=0.05u rd=10)
.model pch pmos vto=-0.9 kp=40u gamma=0.5 lambda=0.05
.temp 85
.end
""",
    "waveforms at rest": """wave
V1 a 0 pulse(0.5 2 1n 1n 1n 1u 3u)
V2 b a sin(1 2 1k 0 0 30)
V3 c b dc 3 exp(0 1 1u 1u 2u 1u)
I1 0 d pwl(-1u 0 1u 2m)
V4 e d pwl 0 1 1u 2
R1 c 0 1k
R2 d 0 1k
R3 e 0 1k
.tran 1n 10u
.end
""",
}
"""Name -> a deck whose operating point is found by both."""

DIODES = """diodes
V1 1 0 5
R1 1 2 1k
D1 2 3 dm 2 m=3
D2 3 0 dm temp=60
.model dm d is=1e-12 n=1.3 rs=5 cjo=2p vj=0.8 m=0.35 fc=0.4 tt=3n
.end
"""
FULL = """everything else
V1 a 0 dc 1 ac 2 90 pulse(0 1 1n 1n 1n 5u 10u)
V2 b 0 sin(0 1 1k 0 0 90)
I1 b 0 exp(0 1 1u 1u 2u 1u)
V3 c 0 pwl(0 0 1u 1 2u 0)
R1 a b 1k
R2 a c {1k*(1+2)**2}
C1 a 0 1u ic=1
K1 L1 L2 0.9
L1 a 0 1m
L2 b 0 1m
.ic v(a)=1 v(b)={2}
.noise v(a,b) v1 dec 10 1 1k
.options temp=50 gmin=1e-13 reltol=1e-4
.global vdd
.tran 1n 1u 0 1n uic
.end
"""
