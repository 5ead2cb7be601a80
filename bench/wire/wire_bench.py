#!/usr/bin/env python3
"""Times userspace WireGuard programs against each other, interleaved.

    wire_bench.py [--seconds 5] [--rounds 3] [--quick] [--only site-hub]
                  radial=build/bin/radial-wire go13=/path/to/wireguard-go ...

The first program is the one whose ratio to each other is printed. A label may
carry variables: "one queue=env RADIAL_WIRE_QUEUES=1 build/bin/radial-wire".

Everything happens in private network and mount namespaces, over veth:

    site-hub        a ──── hub                 iperf3 from a to the hub
    site-hub-site   a ──── hub ──── c          iperf3 from a to c

once with the underlay's offloads on and once with UDP segmentation off, since
the default veth flatters every program that hands over large UDP packets.
Rounds go A B A B, so that a machine that slows down slows all of them down;
the table shows medians. A ratio is taken within each round, between
neighbours in time; the table shows the median and the smallest and largest of
them. What else the machine did stands at the end: load averages before each
measurement (the others' load decays in them, and so does ours), and the share
of the processors' time that went to niced work and to the host. CPU seconds are those of all tunnel processes of the
path, for each gigabyte that arrived. Beside it stand the bare veth and, where run.sh gives
it, "bound": radial-wire with a copy in place of the cipher. With --cipher-ns (what the cipher's library
takes to seal and open one full packet, from aead_bench) a line says what the bound would cost with that
added, and the share of it that is reached: what is left to gain without another cipher. It is an
estimate: two measurements added, of which each may be off by what the machine did meanwhile.

Needs root, iperf3, wg, ping, ethtool and a C++ compiler. To compare with the
kernel's WireGuard on a machine that has it, add the program "kernel=kernel".
Tunnels of other kinds, from site to hub only: "nebula=nebula", "openvpn=openvpn",
"tinc=tinc", "fastd=fastd", with --packages naming the folder that holds them.
"""
import argparse
import ctypes
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import other_tunnels

HERE = os.path.dirname(os.path.abspath(__file__))


def run(command, check=True):
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr.strip()}")
    return done.stdout


class Node:
    def __init__(self, name, number):
        self.name = name
        self.wire = "w" + name
        self.inner = f"10.0.0.{number}"
        self.port = 50000 + number
        self.key = run("wg genkey").strip()
        self.public = run(f"echo {self.key} | wg pubkey").strip()
        self.outer = None
        run(f"ip netns add {name}; ip -n {name} link set lo up")

    def sh(self, command, check=True):
        return run(f"ip netns exec {self.name} sh -c '{command}'", check)


def connect(left, right, link, offload):
    run(f"ip link add v{left.name}{link} netns {left.name} type veth peer name v{right.name}{link} netns {right.name}")
    for node, host in ((left, 1), (right, 2)):
        device = f"v{node.name}{link}"
        node.sh(f"ip addr add 10.9.{link}.{host}/24 dev {device}; ip link set {device} up")
        if not offload:
            node.sh(f"ethtool -K {device} tx-udp-segmentation off")
    left.outer = f"10.9.{link}.1"
    return f"10.9.{link}.2"


class Path:
    """Nodes in a row; the second is the hub, to which the others dial in."""

    def __init__(self, kind, offload):
        self.site = Node("a", 1)
        self.hub = Node("hub", 2)
        self.sites = [self.site]
        self.target = self.hub
        hub_address = connect(self.site, self.hub, 1, offload)
        self.dials = {self.site: hub_address}
        if kind == "site-hub-site":
            self.target = Node("c", 3)
            self.sites.append(self.target)
            self.dials[self.target] = connect(self.target, self.hub, 2, offload)
            self.hub.sh("sysctl -qw net.ipv4.ip_forward=1")
        self.nodes = self.sites + [self.hub]
        self.foreign = []
        self.folder = None

    def start_other(self, program, packages):
        self.folder = tempfile.TemporaryDirectory()
        self.foreign = other_tunnels.start(program, packages, self.folder.name, self.site, self.hub, self.dials[self.site])
        wait_for(lambda: subprocess.run(["ip", "netns", "exec", self.site.name, "ping", "-c1", "-W1", self.hub.inner],
                                        capture_output=True).returncode == 0, 30)

    def start(self, program):
        for node in self.nodes:
            if program == "kernel":
                node.sh(f"ip link add {node.wire} type wireguard")
            else:
                subprocess.run(f"ip netns exec {node.name} {program} {node.wire} >/dev/null 2>&1", shell=True, check=True)
                wait_for(lambda: subprocess.run(["wg", "show", node.wire], capture_output=True).returncode == 0)
            with open("/run/key", "w") as file:
                file.write(node.key)
            node.sh(f"wg set {node.wire} private-key /run/key listen-port {node.port}")
            node.sh(f"ip addr add {node.inner}/24 dev {node.wire}; ip link set {node.wire} up")
        for site in self.sites:
            self.hub.sh(f"wg set {self.hub.wire} peer {site.public} allowed-ips {site.inner}/32")
            site.sh(f"wg set {site.wire} peer {self.hub.public} allowed-ips 10.0.0.0/24 endpoint {self.dials[site]}:{self.hub.port}")
            wait_for(lambda: subprocess.run(["ip", "netns", "exec", site.name, "ping", "-c1", "-W1", self.hub.inner],
                                            capture_output=True).returncode == 0)

    def pids(self):
        if self.foreign:
            return dict(zip((p.pid for p in self.foreign), (self.hub.wire, self.site.wire)))
        wires = {node.wire for node in self.nodes}
        out = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/cmdline") as file:
                    words = file.read().split("\0")[:-1]
            except OSError:
                continue
            if words and words[-1] in wires and len(words) <= 3 and words[0].endswith(("radial-wire", "wireguard-go")):
                out[int(entry)] = words[-1]
        return out

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return ticks / os.sysconf("SC_CLK_TCK")

    def hub_memory(self):
        total = 0
        for pid, wire in self.pids().items():
            if wire == self.hub.wire:
                with open(f"/proc/{pid}/status") as file:
                    total += int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])
        return total / 1024

    def stop(self, program):
        for process in self.foreign:
            process.terminate()
        for process in self.foreign:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.foreign:
            self.foreign = []
            self.folder.cleanup()
            return
        if program == "kernel":
            for node in self.nodes:
                node.sh(f"ip link del {node.wire}")
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGTERM)
            except OSError:
                pass
        wait_for(lambda: not self.pids())

    def remove(self):
        for node in self.nodes:
            run(f"ip netns del {node.name}")


def wait_for(condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("waited too long")
        time.sleep(0.03)


def iperf(client, server, address, streams, seconds):
    daemon = subprocess.Popen(["ip", "netns", "exec", server.name, "iperf3", "-s", "-1"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: "5201" in server.sh("ss -Hltn"))
        report = json.loads(client.sh(f"iperf3 -J -c {address} -t {seconds} -P {streams}"))
        received = report["end"]["sum_received"]
        return received["bits_per_second"] / 1e9, received["bytes"] / 1e9
    finally:
        daemon.terminate()
        daemon.wait()


class Table:
    def __init__(self, labels):
        self.labels = labels
        self.rows = {}

    def add(self, row, label, value):
        self.rows.setdefault(row, {}).setdefault(label, []).append(value)

    def show(self, title):
        first, others = self.labels[0], self.labels[1:]
        print(f"\n{title}")
        print(f"{'':26}" + "".join(f"{label:>10}" for label in self.labels) + "".join(f"{'x ' + label:>20}" for label in others))
        for row, values in self.rows.items():
            medians = {label: statistics.median(v) for label, v in values.items()}
            line = f"{row:26}" + "".join(f"{medians[label]:10.2f}" if label in medians else f"{'':10}" for label in self.labels)
            for label in others:
                ratios = [a / b for a, b in zip(values.get(first, []), values.get(label, [])) if b]
                cell = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else ""
                line += f"{cell:>20}"
            print(line.rstrip(), flush=True)


def show_bound_with_cipher(table, cipher_ns, hops):
    """CPU seconds, so that it holds however busy the processors were with other parts of the path."""
    payload = 1420 - 20 - 32  # of a full packet: IPv4 and TCP headers with timestamps
    cipher = hops * cipher_ns / payload
    for row, values in table.rows.items():
        if row.endswith("CPU s/GB") and "bound" in values:
            ours, bound = (statistics.median(values[label]) for label in (table.labels[0], "bound"))
            print(f"{row}: bound {bound:.2f}, with the cipher's own {cipher:.2f} {bound + cipher:.2f}; "
                  f"{table.labels[0]} {ours:.2f}: {100 * (bound + cipher) / ours:.0f} % of that bound is reached", flush=True)


def processor_times():
    """user, nice, system, idle, iowait, irq, softirq, steal: ticks since boot."""
    with open("/proc/stat") as file:
        return [int(x) for x in file.readline().split()[1:9]]


def echo_times(path):
    """Round trips in microseconds."""
    output = path.site.sh(f"ping -c 400 -i 0.003 {path.target.inner}", check=False)
    return [float(t) * 1000 for t in re.findall(r"time=([\d.]+)", output)]


def measure(path, table, label, seconds, helper, small):
    # At several moments: where the scheduler has put the processes makes twice the difference
    # between one moment and another.
    times = echo_times(path)
    for streams in (1, 4):
        before = path.cpu_seconds()
        gbits, gbytes = iperf(path.site, path.target, path.target.inner, streams, seconds)
        table.add(f"{streams} stream{'s' * (streams > 1)}, Gbit/s", label, gbits)
        if gbytes > 0 and path.pids():
            table.add(f"{streams} stream{'s' * (streams > 1)}, CPU s/GB", label, (path.cpu_seconds() - before) / gbytes)
        times += echo_times(path)
    times.sort()
    if times:
        table.add("ping p50, us", label, times[len(times) // 2])
        table.add("ping p99, us", label, times[int(len(times) * 0.99)])
    if small:
        clean, flood = run(f"{helper} {path.site.name} {path.target.name} {path.target.inner} 64 {max(0.4, seconds / 6)}").split()
        table.add("64 B UDP clean, kpps", label, float(clean) / 1000)
        table.add("64 B UDP flood, kpps", label, float(flood) / 1000)
    if path.pids():
        table.add("RSS at the hub, MB", label, path.hub_memory())


def bare(kind, offload, seconds):
    """The veth itself: what no tunnel over it can exceed."""
    path = Path(kind, offload)
    for site in path.sites:
        site.sh(f"ip route add 10.9.0.0/16 via {path.dials[site]} || true")
    address = path.target.outer or path.dials[path.site]
    rates = [iperf(path.site, path.target, address, streams, seconds)[0] for streams in (1, 4)]
    path.remove()
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="+", metavar="LABEL=COMMAND")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round of two seconds")
    parser.add_argument("--only", choices=["site-hub", "site-hub-site"])
    parser.add_argument("--packages", help="folder of unpacked packages, for tunnels that are not WireGuard")
    parser.add_argument("--offload", choices=["on", "off"])
    parser.add_argument("--cipher-ns", type=float, help="nanoseconds to seal and open one full packet")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 2
    programs = [p.split("=", 1) for p in arguments.programs]

    # Namespaces of our own: nothing of the machine is touched, nothing is left.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000 | 0x00020000) != 0:
        sys.exit("needs root: cannot make namespaces")
    run("mount --make-rprivate /; mount -t tmpfs bench /run; mkdir -p /run/wireguard /run/netns")
    with tempfile.TemporaryDirectory() as folder:
        helper = folder + "/packet_rate"
        run(f"c++ -O2 -std=c++20 -pthread {HERE}/packet_rate.cpp -o {helper}")
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start; "
              f"{arguments.rounds} rounds of {arguments.seconds:g} s; medians, and ratios as median (smallest-largest) of the rounds")
        began = processor_times()
        loads = []
        for kind in ("site-hub", "site-hub-site"):
            for offload in (True, False):
                if arguments.only not in (None, kind) or arguments.offload not in (None, "on" if offload else "off"):
                    continue
                table = Table([label for label, _ in programs])
                bounds = bare(kind, offload, arguments.seconds)
                for _ in range(arguments.rounds):
                    for label, program in programs:
                        other = program in other_tunnels.NAMES
                        if other and (kind != "site-hub" or not offload):
                            continue
                        path = Path(kind, offload)
                        loads.append(os.getloadavg()[0])
                        try:
                            if other:
                                path.start_other(program, arguments.packages)
                            else:
                                path.start(program)
                            measure(path, table, label, arguments.seconds, helper, kind == "site-hub" and offload)
                        finally:
                            path.stop(program)
                            path.remove()
                table.show(f"{kind}, UDP segmentation of the underlay {'on' if offload else 'off'}; "
                           f"bare veth {bounds[0]:.1f} and {bounds[1]:.1f} Gbit/s")
                if arguments.cipher_ns:
                    show_bound_with_cipher(table, arguments.cipher_ns, 1 if kind == "site-hub" else 2)
        spent = [now - then for now, then in zip(processor_times(), began)]
        print(f"\nload before each measurement {min(loads):.1f} to {max(loads):.1f}, median {statistics.median(loads):.1f}; "
              f"{100 * spent[1] / sum(spent):.0f} % of the processors' time niced, {100 * spent[7] / sum(spent):.0f} % stolen")


if __name__ == "__main__":
    main()
