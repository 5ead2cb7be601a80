// From a route's netlink message to the AllowedIPs in force, on a real wire.
//
//   reaction_bench PATH/TO/radial-wire     (root; makes a namespace of its own)
//
//   wg0 (userspace WireGuard, P peers) <- Steerer <- rtnetlink <- one route at a time
//
// Peers stand in pairs that share ten granted /24. Each event moves one of them to
// the pair's other peer and back. Measured is radiald's own way: drain the
// socket, decide, one set operation over UAPI until it is acknowledged; the
// clock starts when the kernel has the route and the message is queued. Beside
// it, in the same run and on the same wire, what scripts do: `wg set` for the one
// prefix, and `wg syncconf` with the whole wire.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "agent/steerer.h"
#include "base/process.h"
#include "host/netlink_socket.h"
#include "support/namespace.h"

namespace {

using namespace radial;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t contested_each = 10;
constexpr int events = 400;
constexpr int script_events = 20;

IpAddress tunnel(std::uint32_t peer) { return IpAddress::from_v4(0x64400000U + 2 + peer); }  // 100.64.0.0/10
Prefix contested(std::uint32_t pair, std::uint32_t i) {
  return Prefix::of(IpAddress::from_v4(0x0a000000U + ((pair * contested_each + i) << 8)), 24);
}

NodeConfig hub_of(std::uint32_t peers) {
  NodeConfig config;
  config.fabric = "bench";
  config.node = "hub";
  config.role = NodeRole::hub;
  Wire wire;
  wire.interface = "wg0";
  wire.shape = WireShape::multipoint;
  wire.hub = "hub";
  for (std::uint32_t i = 0; i < peers; ++i) {
    WirePeer peer;
    peer.node = "site-" + std::to_string(i);
    peer.public_key = PrivateKey::generate().public_key();
    peer.addresses = {tunnel(i)};
    for (std::uint32_t k = 0; k < contested_each; ++k) peer.grant.prefixes.push_back(contested(i / 2, k));
    wire.peers.push_back(std::move(peer));
  }
  config.wires.push_back(std::move(wire));
  return config;
}

void set_route(host::NetlinkSocket& socket, const Prefix& prefix, const IpAddress& gateway, int interface) {
  host::NetlinkMessage message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_dst_len = static_cast<unsigned char>(prefix.length());
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = 188;
  header.rtm_type = RTN_UNICAST;
  message.put_header(header);
  message.put_address(RTA_DST, prefix.address());
  message.put_address(RTA_GATEWAY, gateway);
  message.put_u32(RTA_OIF, static_cast<std::uint32_t>(interface));
  if (auto done = socket.request(message); !done) throw std::runtime_error(done.error().message);
}

struct Times {
  double median = 0;
  double p99 = 0;
};
Times of(std::vector<double>& milliseconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  return {milliseconds[milliseconds.size() / 2], milliseconds[milliseconds.size() * 99 / 100]};
}
double since(Clock::time_point began) { return std::chrono::duration<double, std::milli>(Clock::now() - began).count(); }

// What `wg syncconf` is fed: every peer with all that it holds.
void write_configuration(const std::string& path, const std::vector<PlacedPrefix>& table) {
  std::map<PublicKey, std::string> lists;
  for (const auto& placed : table) {
    auto& list = lists[placed.peer];
    list += (list.empty() ? "" : ", ") + placed.prefix.to_string();
  }
  std::ofstream file(path);
  file << "[Interface]\nListenPort = 51820\n";
  for (const auto& [key, list] : lists) file << "[Peer]\nPublicKey = " << key.to_string() << "\nAllowedIPs = " << list << "\n";
}

void measure(const std::string& program, std::uint32_t peers, double& first) {
  const test::PrivateNamespace inside;
  auto machine = agent::open_host({program}).value();
  if (auto made = machine.wireguard->create("wg0"); !made) throw std::runtime_error(made.error().message);
  inside.sh("ip address add 100.64.0.1/10 dev wg0; ip link set wg0 up");
  const auto key = PrivateKey::generate();
  const auto config = hub_of(peers);
  const auto& wire = config.wires.front();
  agent::Steerer steerer(machine, host::RouteWatch::open().value());

  host::DesiredWire desired{"wg0", &key, 51820, 0, {}};
  for (const auto& peer : wire.peers) desired.peers.push_back({*peer.public_key, nullptr, {}, {}, 0});
  (void)machine.wireguard->apply(host::diff_wire(desired, machine.wireguard->observe("wg0").value()));
  auto routes = host::NetlinkSocket::open(NETLINK_ROUTE).value();
  const int index = static_cast<int>(::if_nametoindex("wg0"));
  for (std::uint32_t pair = 0; pair < peers / 2; ++pair)
    for (std::uint32_t k = 0; k < contested_each; ++k) set_route(routes, contested(pair, k), tunnel(pair * 2), index);
  steerer.follow(config);
  const auto bulk_began = Clock::now();
  (void)steerer.step(Clock::now());
  const double bulk = since(bulk_began);

  std::vector<double> ours;
  std::vector<std::uint32_t> at(peers / 2 * contested_each, 0);
  for (int event = 0; event < events; ++event) {
    const auto which = static_cast<std::uint32_t>(event) * 7919U % static_cast<std::uint32_t>(at.size());
    const auto pair = which / contested_each;
    at[which] ^= 1U;
    std::this_thread::sleep_for(3ms);  // longer than the reactor's gap: each is an event of its own
    set_route(routes, contested(pair, which % contested_each), tunnel(pair * 2 + at[which]), index);
    const auto began = Clock::now();
    const auto step = steerer.step(began);
    ours.push_back(since(began));
    if (step.moved.size() != 1 || !step.problems.empty()) throw std::runtime_error("an event moved something else than its prefix");
  }

  std::vector<double> by_set;
  std::vector<double> by_syncconf;
  for (int event = 0; event < script_events; ++event) {
    const auto pair = static_cast<std::uint32_t>(event) % (peers / 2);
    const auto& peer = wire.peers[pair * 2 + static_cast<std::uint32_t>(event & 1)];
    const auto began = Clock::now();
    (void)run_process({"wg", "set", "wg0", "peer", peer.public_key->to_string(), "allowed-ips", contested(pair, 0).to_string()});
    by_set.push_back(since(began));
  }
  const auto table = steerer.steering("wg0")->table();
  for (int event = 0; event < script_events; ++event) {
    const auto began = Clock::now();
    write_configuration("/run/wg0.conf", table);
    (void)run_process({"wg", "syncconf", "wg0", "/run/wg0.conf"});
    by_syncconf.push_back(since(began));
  }
  (void)machine.wireguard->remove("wg0");

  const auto mine = of(ours);
  const auto set = of(by_set);
  const auto sync = of(by_syncconf);
  if (first == 0) first = mine.median;
  std::printf("| %u | %.3f | %.3f | %.1f | %.1f ms (%.0fx) | %.1f ms (%.0fx) | %.0f ms |\n", peers, mine.median, mine.p99,
              mine.median / first, set.median, set.median / mine.median, sync.median, sync.median / mine.median, bulk);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: reaction_bench PATH/TO/radial-wire\n");
    return 2;
  }
  try {
    std::printf("| peers | median, ms | p99, ms | ratio to 10 | `wg set` | `wg syncconf` | all from nothing |\n"
                "| --- | --- | --- | --- | --- | --- | --- |\n");
    double first = 0;
    for (const std::uint32_t peers : {10U, 100U, 1000U}) measure(argv[1], peers, first);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reaction_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
