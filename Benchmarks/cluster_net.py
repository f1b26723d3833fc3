#!/usr/bin/env python3
"""Tests a cluster of pools in separate networks under partitions, kills, pauses and clock jumps.

Like cluster.py, but every node, Redis, the tenant and the clients have network namespaces of their own, joined by a bridge. Packets
are dropped silently, as in a real partition. Every few seconds a node is killed; meanwhile these faults follow one another:

    redis    no packets between a node and Redis
    deaf     no packets from Redis to a node, but from the node to Redis
    tenant   a node's requests reach the tenant, but the answers are lost
    peers    no packets between a node and the other nodes
    cable    a node has no network
    pause    a node is paused for two lease times
    frozen   Redis is paused
    clock    the wall clock of a node or of Redis jumps by up to two hours, forward or back (needs cc)

Each node has another boot time (a time namespace), so that code which compares the monotonic clocks of two nodes fails. At the end
three histories are compared: the answers to clients, the requests and messages of the tenant, and the times at which each node held
each lease. Needs root, iproute2, iptables, util-linux and redis-server.

    sudo Benchmarks/cluster_net.py --programs .build/release --calls 10000
"""
import collections
import ctypes
import glob
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.request

import cluster

FAULTS = "redis,deaf,tenant,peers,cable,pause,frozen,clock"
COMPILER = shutil.which("cc") or shutil.which("clang")
NETWORK = "10.213.7"
DAY = 86400


def shell(text):
    subprocess.run(["sh", "-ec", text], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def missing():
    """Why this can't run on this machine, or None if it can."""
    for program in ["ip", "iptables", "unshare", "sysctl", "redis-server", "redis-cli"]:
        if not shutil.which(program):
            return f"{program} is not installed"
    name = f"mm-trial-{os.getpid()}"
    try:
        shell(f"""
            ip netns add {name}; trap 'ip netns del {name}' EXIT
            ip netns exec {name} sh -ec 'ip link add name va type veth peer name vb; ip link add name vc type bridge
              sysctl -qw net.ipv4.conf.all.route_localnet=1
              iptables -t nat -A POSTROUTING -o va -j MASQUERADE; iptables -t raw -A PREROUTING -j DROP; unshare -T --boottime {DAY} true'""")
    except subprocess.CalledProcessError as error:
        return "no network or time namespaces here: " + error.stderr.decode().strip()[:200]
    return None


def now():
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)


class NetworkBench(cluster.Bench):
    patience = 15
    # Traffic between the nodes isn't encrypted in this test.
    flags = ["--trust-network"]

    def __init__(self, options):
        super().__init__(options)
        self.mark = f"mmc{os.getpid()}"
        self.hosts = [f"{NETWORK}.{number + 1}" for number in range(options.nodes)]
        self.ports = [5200] * options.nodes
        self.redis_host, self.tenant_host = f"{NETWORK}.101", f"{NETWORK}.102"
        self.places = {**{n: host for n, host in enumerate(self.hosts)},
                       "redis": self.redis_host, "tenant": self.tenant_host, "clients": f"{NETWORK}.103"}
        self.chance = random.Random(options.seed + 1)
        self.lives = collections.defaultdict(list)  # node -> when each of its processes was killed
        self.turn = [threading.Lock() for _ in self.nodes]
        self.journal = {}

    # The network

    def name(self, place):
        return f"{self.mark}-{place}"

    def lay(self):
        hub = self.name("hub")
        shell(f"ip netns add {hub}; ip -n {hub} link add hub type bridge; ip -n {hub} link set hub up")
        for place, host in self.places.items():
            one = self.name(place)
            shell(f"""
                ip netns add {one}
                ip -n {hub} link add p{place} type veth peer name eth0 netns {one}
                ip -n {hub} link set p{place} master hub up
                ip -n {one} link set lo up; ip -n {one} addr add {host}/24 dev eth0; ip -n {one} link set eth0 up
                ip netns exec {one} sysctl -qw net.ipv4.conf.all.route_localnet=1""")
        for place in ["redis", *range(len(self.nodes))]:
            with open(self.clock(place), "wb") as file:
                file.write(bytes(8))
        if COMPILER:
            source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clockshift.c")
            shell(f"'{COMPILER}' -shared -fPIC -O2 -o '{self.home}/clockshift.so' '{source}'")

    def opened(self):
        """Forwards each node's loopback port to the tenant, which listens only on its own loopback address."""
        port = self.base.rsplit(":", 1)[1].split("/")[0]
        tenant = self.name("tenant")
        shell(f"ip netns exec {tenant} iptables -t nat -A PREROUTING -p tcp --dport {port} -j DNAT --to 127.0.0.1:{port}")
        for number in range(len(self.nodes)):
            shell(f"""ip netns exec {self.name(number)} sh -ec '
                iptables -t nat -A OUTPUT -d 127.0.0.1 -p tcp --dport {port} -j DNAT --to {self.tenant_host}:{port}
                iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE'""")
        self.control = json.load(open(f"{self.home}/.m365-state/sandbox.json"))["secret"]

    def inside(self, place, words):
        words = ["ip", "netns", "exec", self.name(place), *words]
        if place == "tenant":
            return words
        at = words.index(self.mm if self.mm in words else next(word for word in words if word.startswith("redis-")))
        if words[at] == "redis-cli":
            return words
        clock = ["env", f"LD_PRELOAD={self.home}/clockshift.so", f"CLOCK_SHIFT_FILE={self.clock(place)}"] if COMPILER else []
        shift = [] if place == "redis" else ["unshare", "-T", "--boottime", str(self.shift(place))]
        return [*words[:at], *shift, *clock, *words[at:]]

    def shift(self, number):
        return DAY * (number + 1)

    def clock(self, place):
        return f"{self.home}/clock-{place}"

    def redis_url(self, number):
        return f"redis://{self.redis_host}:{self.redis_port}"

    def of_node(self, number):
        return {"MM_TRUST_NETWORK": "1", "MM_LOG_LEVEL": "debug", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def entered(self):
        self.enter("clients")

    def enter(self, place):
        file = os.open(f"/run/netns/{self.name(place)}", os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(file, 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(file)

    def end(self):
        super().end()
        for place in [*self.places, "hub"]:
            subprocess.run(["ip", "netns", "del", self.name(place)], stderr=subprocess.DEVNULL)

    # Faults

    def threads(self):
        return [threading.Thread(target=one) for one in [self.watch, self.kills, self.disturb, self.listen]]

    def rest(self, seconds):
        return self.done.wait(seconds)

    def kills(self):
        self.entered()
        number = 0
        while not self.rest(self.options.every):
            with self.turn[number]:
                self.faults["kill"] += 1
                self.kill(number)
            number = (number + 1) % len(self.nodes)

    def kill(self, number):
        self.nodes[number].kill()
        self.nodes[number].wait()
        self.lives[number].append(now())
        self.rest(self.random.random() * 2 * self.options.lease)
        self.serve(number)

    def disturb(self):
        kinds = [kind for kind in self.options.faults.split(",") if kind and (kind != "clock" or COMPILER)]
        begun = time.time()
        while not self.rest(1):
            if self.left <= 0 and time.time() - begun > self.options.least:
                self.done.set()
            elif kinds:
                kind = kinds[sum(count for name, count in self.faults.items() if name != "kill") % len(kinds)]
                self.faults[kind] += 1
                self.meet(kind, self.chance.randrange(len(self.nodes)))

    def meet(self, kind, number):
        one, lease = self.name(number), self.options.lease
        others = ",".join(host for host in self.hosts if host != self.hosts[number])
        walls = {
            "redis": [("INPUT", "-s", self.redis_host), ("OUTPUT", "-d", self.redis_host)],
            "deaf": [("INPUT", "-s", self.redis_host)],
            "tenant": [("INPUT", "-s", self.tenant_host)],
            "peers": [("INPUT", "-s", others), ("OUTPUT", "-d", others)],
            "cable": [],
        }
        if kind == "pause":
            with self.turn[number]:
                self.pause(number)
        elif kind == "frozen":
            self.redis.send_signal(signal.SIGSTOP)
            self.rest(lease * self.chance.choice([0.3, 1.5]))
            self.redis.send_signal(signal.SIGCONT)
        elif kind == "clock":
            place = self.chance.choice(["redis", *range(len(self.nodes))])
            with open(self.clock(place), "r+b") as file:
                file.write(struct.pack("q", self.chance.randrange(-7200, 7200)))
        elif kind == "cable":
            shell(f"ip -n {self.name('hub')} link set p{number} down")
            self.rest(lease * 2)
            shell(f"ip -n {self.name('hub')} link set p{number} up")
        else:
            for add, rest in [("-I", True), ("-D", False)]:
                for chain, way, host in walls[kind]:
                    # The raw table comes before NAT changes the addresses.
                    table = "PREROUTING" if chain == "INPUT" else "OUTPUT"
                    shell(f"ip netns exec {one} iptables -t raw {add} {table} {way} {host} -j DROP")
                if rest:
                    self.rest(lease * 2)

    # What was seen

    def listen(self):
        """Collects the tenant's journal of requests, which holds only the latest ones."""
        while True:
            if self.done.wait(0.5):
                return
            self.take()

    def take(self):
        """Reads the journal from within the tenant's network."""
        self.enter("tenant")
        asked = urllib.request.Request(f"{self.base}/sandbox/requests", headers={"X-Sandbox-Secret": self.control})
        for row in json.load(urllib.request.urlopen(asked, timeout=60))["requests"]:
            self.journal[row["number"]] = (row["method"], row["path"])
        self.enter("clients")

    def posts(self):
        return sum(1 for method, path in self.journal.values() if method == "POST" and path.endswith("/me/messages"))

    def holdings(self):
        """When each lease was held by which node: until it was released, it expired, or its holder was killed."""
        held = {}
        for number in range(len(self.nodes)):
            for path in glob.glob(f"{self.home}/node{number}/logs/*"):
                for line in open(path, errors="replace"):
                    if '"boottime"' not in line or not line.startswith("{"):
                        continue
                    row = json.loads(line)
                    row = row.get("fields", row)
                    shift = self.shift(number) * 1000
                    at, until = row["boottime"] - shift, row["until"] - shift
                    key = (row["lease"], number, row["number"])
                    if row["news"] == "taken":
                        held[key] = [at, until, False]
                    elif key in held:
                        held[key][2] |= row["news"] == "given"
                        held[key][1] = max(held[key][1], until) if row["news"] == "renewed" else min(held[key][1], at)
        for (name, number, token), span in held.items():
            for killed in self.lives[number]:
                if span[0] <= killed < span[1]:
                    span[1] = killed
        return held

    def twice(self, held):
        """Pairs of overlapping holdings of a lease, and the shortest time between the end of one and the start of the next.

        That time counts only between different nodes and if the lease wasn't released, because otherwise a lease may be taken again
        at once.
        """
        found, byName, nearest = [], collections.defaultdict(list), None
        for (name, number, token), (begin, end, given) in held.items():
            byName[name].append((begin, end, number, given))
        for name, spans in byName.items():
            spans.sort()
            last = None
            for span in spans:
                if last and span[0] < last[1]:
                    found.append((name, last, span))
                if last and span[2] != last[2] and not last[3]:
                    nearest = min(span[0] - last[1], nearest if nearest is not None else span[0] - last[1])
                last = span if not last or span[1] > last[1] else last
        return found, nearest

    def report(self, seconds):
        isWell = super().report(seconds)
        # Requests that a fault delayed may still arrive.
        for _ in range(20):
            self.take()
            written, sent = self.written(), self.posts()
            self.take()
            if sent == self.posts():
                break
        held = self.holdings()
        twice, nearest = self.twice(held)
        # Ignore the tenant's initial messages, whose subjects are words.
        ours = {call: count for call, count in written.items() if len(call) == 32 and " " not in call}
        there = sum(ours.values())
        isWhole = len(self.journal) == max(self.journal, default=0)
        unknown = sum(1 for row in self.results.values() if row[0] and row[1] in ("unknown", "nobody answered"))
        lost = sum(1 for call, row in self.results.items() if row[0] and row[1] == "done" and not written[call])
        doubled = sum(1 for call in self.results if written[call] > 1)
        strangers = sum(1 for call in ours if call not in self.results)
        times = sorted(row[3] for row in self.results.values())
        for name, one, other in twice[:5]:
            print(f"  TWICE: {name} by node {one[2]} until {one[1]}, by node {other[2]} from {other[0]}")
        print(f"figures: calls={len(self.results)} nodes={len(self.nodes)} seconds={seconds:.0f} kills={self.faults['kill']} "
              f"others={sum(count for kind, count in self.faults.items() if kind != 'kill')} writes-sent={sent if isWhole else 'not-all-seen'} "
              f"messages-there={there} silently-lost={lost} doubled={doubled} of-nobody={strangers} unknown={unknown} "
              f"holdings={len(held)} held-twice={len(twice)} nearest-ms={nearest} "
              f"median-ms={times[len(times) // 2] * 1000:.0f} p99-ms={times[int(len(times) * .99)] * 1000:.0f}")
        return isWell and not twice and not strangers and (sent == there or not isWhole) and len(held) > 0


def main():
    parser = cluster.parser(__doc__, FAULTS)
    parser.add_argument("--check", action="store_true", help="only say whether this can run on this machine")
    options = parser.parse_args()
    why = missing()
    if why or options.check:
        print(why or "this can run on this machine")
        return 2 if why else 0
    # Exit normally on SIGTERM, so that the networks are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return cluster.run(NetworkBench(options))


if __name__ == "__main__":
    sys.exit(main())
