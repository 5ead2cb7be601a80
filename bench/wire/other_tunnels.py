"""Tunnels that are not WireGuard, for wire_bench.py: one site and one hub, each
with an MTU of 1420 and its usual or fastest cipher. Every program runs in the
foreground; start() returns the processes, which the caller ends.

`root` is a folder that holds the unpacked Debian packages (run.sh makes it), so
that none is installed and no service of theirs starts on this machine.
"""
import os
import re
import subprocess

NAMES = ("openvpn", "fastd", "tinc", "nebula")
MTU = 1420


def write(path, text, mode=0o600):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


class Tools:
    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        libraries = [f"{root}{part}/x86_64-linux-gnu" for part in ("/usr/lib", "/lib")]
        self.environment = dict(os.environ, LD_LIBRARY_PATH=":".join(libraries))

    def run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def spawn(self, node, *command):
        log = open(f"{self.folder}/{node.name}.log", "w")
        return subprocess.Popen(["ip", "netns", "exec", node.name, *command], env=self.environment, stdout=log,
                                stderr=log, stdin=subprocess.DEVNULL)


def openvpn(tools, site, hub, address):
    prints = {}
    for node in (site, hub):
        at = f"{tools.folder}/{node.name}"
        tools.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                  at + ".key", "-out", at + ".crt", "-days", "30", "-subj", "/CN=" + node.name)
        prints[node] = tools.run("openssl", "x509", "-in", at + ".crt", "-noout", "-fingerprint", "-sha256").split("=")[1].strip()

    def one(node, other, *more):
        at = f"{tools.folder}/{node.name}"
        return tools.spawn(node, tools.root + "/usr/sbin/openvpn", "--dev", node.wire, "--dev-type", "tun", "--proto", "udp",
                           "--cert", at + ".crt", "--key", at + ".key", "--peer-fingerprint", prints[other], "--ifconfig",
                           node.inner, other.inner, "--data-ciphers", "AES-256-GCM", "--tun-mtu", str(MTU), "--verb", "1", *more)

    return [one(hub, site, "--lport", str(hub.port), "--tls-server", "--dh", "none"),
            one(site, hub, "--nobind", "--remote", address, str(hub.port), "--tls-client")]


def fastd(tools, site, hub, address):
    program = tools.root + "/usr/bin/fastd"
    keys = {}
    for node in (site, hub):
        said = tools.run(program, "--generate-key")
        keys[node] = (re.search(r"Secret: (\w+)", said)[1], re.search(r"Public: (\w+)", said)[1])
    processes = []
    for node, other in ((hub, site), (site, hub)):
        remote = f'remote ipv4 "{address}" port {hub.port};' if node is site else ""
        config = f"{tools.folder}/{node.name}.conf"
        write(config, f'log level warn;\ninterface "{node.wire}";\nmode tun;\nmtu {MTU};\nmethod "salsa2012+umac";\n'
                      f'bind any:{node.port};\nsecret "{keys[node][0]}";\npeer "other" {{ key "{keys[other][1]}"; {remote} }}\n'
                      f'on up "ip addr add {node.inner}/24 dev $INTERFACE; ip link set $INTERFACE up";\n')
        processes.append(tools.spawn(node, program, "--config", config))
    return processes


def tinc(tools, site, hub, address):
    program = tools.root + "/usr/sbin/tincd"
    hosts = {}
    for node in (site, hub):
        at = f"{tools.folder}/{node.name}.d"
        os.makedirs(at + "/hosts")
        connect = "ConnectTo = hub\n" if node is site else ""
        write(at + "/tinc.conf", f"Name = {node.name}\nInterface = {node.wire}\nAddressFamily = ipv4\n{connect}")
        where = f"Address = {address}\n" if node is hub else ""
        write(f"{at}/hosts/{node.name}", f"{where}Port = {node.port}\nSubnet = {node.inner}/32\n")
        write(at + "/tinc-up", f"#!/bin/sh\nip addr add {node.inner}/24 dev $INTERFACE\nip link set $INTERFACE mtu {MTU} up\n", 0o755)
        tools.run("sh", "-c", f"{program} -c {at} -K2048 < /dev/null")
        with open(f"{at}/hosts/{node.name}") as file:
            hosts[node] = file.read()
    processes = []
    for node, other in ((hub, site), (site, hub)):
        at = f"{tools.folder}/{node.name}.d"
        write(f"{at}/hosts/{other.name}", hosts[other])
        processes.append(tools.spawn(node, program, "-c", at, "-D", f"--pidfile={at}/pid"))
    return processes


def nebula(tools, site, hub, address):
    sign = tools.root + "/usr/bin/nebula-cert"
    authority = f"{tools.folder}/ca"
    tools.run(sign, "ca", "-name", "bench", "-out-crt", authority + ".crt", "-out-key", authority + ".key")
    processes = []
    for node in (hub, site):
        at = f"{tools.folder}/{node.name}"
        tools.run(sign, "sign", "-ca-crt", authority + ".crt", "-ca-key", authority + ".key", "-name", node.name, "-ip",
                  node.inner + "/24", "-out-crt", at + ".crt", "-out-key", at + ".key")
        known = f'  "{hub.inner}": ["{address}:{hub.port}"]\n' if node is site else "  {}\n"
        write(at + ".yml", f"pki: {{ca: {authority}.crt, cert: {at}.crt, key: {at}.key}}\nstatic_host_map:\n{known}"
                           "lighthouse: {am_lighthouse: false, hosts: []}\n"
                           f"listen: {{host: 0.0.0.0, port: {node.port}}}\ncipher: aes\n"
                           f"tun: {{dev: {node.wire}, mtu: {MTU}, tx_queue: 500}}\nlogging: {{level: error, format: text}}\n"
                           "firewall: {outbound: [{port: any, proto: any, host: any}], inbound: [{port: any, proto: any, host: any}]}\n")
        processes.append(tools.spawn(node, tools.root + "/usr/bin/nebula", "-config", at + ".yml"))
    return processes


def start(name, root, folder, site, hub, address):
    return {"openvpn": openvpn, "fastd": fastd, "tinc": tinc, "nebula": nebula}[name](Tools(root, folder), site, hub, address)
