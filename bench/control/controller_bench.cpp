// What nodes cost their controller, without the network: fabrics of 10, 100 and
// 1,000 sites behind two hubs, each site with a LAN, all of them joined.
//
//   controller_bench [SITES...]
//
// A node tells every five seconds what it runs, and is answered; "again" is a node that has
// the answer already, "first" one that has another. Then what a change costs before the first node hears of it, and
// the table of `radial members`. CPU time of one thread, median of what was repeated; `ratio` is to the first
// fabric, for each node.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <vector>

#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "control/controller.h"
#include "control/messages.h"
#include "control/store.h"
#include "control/token.h"
#include "fabric/parse.h"
#include "support/temporary_folder.h"

namespace {

using namespace radial;
using namespace radial::control;

constexpr std::int64_t now = 1'700'000'000;

double cpu_ms() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e3 + static_cast<double>(at.tv_nsec) / 1e6;
}

template <class Value>
Value must(Result<Value> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}
void must(Status status) {
  if (status) return;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  std::exit(1);
}

std::string fabric_of(int sites) {
  std::string yaml = "fabric: bench\nhubs:\n  fra1: { endpoint: vpn1.example.com:51820, tunnel: 10.248.0.0/20, lans: [192.168.1.0/24] }\n"
                     "  fra2: { endpoint: vpn2.example.com:51820, tunnel: 10.248.16.0/20, lans: [192.168.2.0/24] }\nsites:\n";
  for (int i = 0; i < sites; ++i) yaml += fmt::format("  site{}: {{ lans: [10.{}.{}.0/24] }}\n", i, i / 250, i % 250);
  return yaml;
}

struct Node {
  PrivateKey key = PrivateKey::generate();
  Secret secret = Secret::random();
};

class Bench {
 public:
  explicit Bench(int sites) : sites_(sites), file_(folder_.path() / "controller.db") {
    const auto yaml = fabric_of(sites);
    FabricFacts facts;
    for (const auto* hub : {"fra1", "fra2"}) facts.nodes[hub] = {nodes_[hub].key.public_key(), FrrVersion{8, 4}};
    for (int i = 0; i < sites; ++i) facts.nodes[site(i)] = {nodes_[site(i)].key.public_key(), FrrVersion{8, 4}, "radial-wire"};
    must(Controller::create(file_, yaml, "fra1", facts, {}, "bench", now));
    auto store = must(Store::open(file_));
    auto transaction = must(store.begin());
    for (const auto& [name, node] : nodes_) {
      must(store.set_node_secret(name, node.secret));
      for (const auto* hub : {"fra1", "fra2"})
        if (name != hub) must(store.set_preshared(hub, name, Secret::random()));
    }
    must(transaction.commit());
  }

  // Milliseconds.
  struct Times {
    double again = 0, first = 0, change = 0, members = 0;
    double answer_bytes = 0, again_bytes = 0;
  };
  Times run() {
    auto controller = must(Controller::open(file_, "fra1"));
    std::vector<double> first, again;
    Times times;
    std::map<std::string, std::string> had;
    const int asked = std::min(sites_, 200);
    for (int round = 0; round < 2; ++round)
      for (int i = 0; i < asked; ++i) {
        const auto name = site(i * (sites_ / asked));
        const auto began = cpu_ms();
        const auto text = answer(controller, name, had[name]);
        (round == 0 ? first : again).push_back(cpu_ms() - began);
        (round == 0 ? times.answer_bytes : times.again_bytes) += static_cast<double>(text.size()) / asked;
        if (round == 0) had[name] = hex_digest(text);
      }
    times.first = median(first);
    times.again = median(again);
    auto began = cpu_ms();
    (void)must(controller.members());
    times.members = cpu_ms() - began;
    began = cpu_ms();
    change(controller);
    times.change = cpu_ms() - began;
    return times;
  }

 private:
  static std::string site(int number) { return fmt::format("site{}", number); }
  static double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  }

  std::string answer(Controller& controller, const std::string& name, const std::string& had) {
    const auto& node = nodes_.at(name);
    Report report;
    report.key = node.key.public_key();
    report.wireguard = "radial-wire";
    report.answer = had;
    const auto body = to_json(report);
    const auto message = signed_message("POST", "/v1/node", body);
    const auto from = controller.facts().addresses.at({"fra1", name});
    const auto who = must(controller.authenticate(from, message, mac_of(node.secret, message)));
    const auto told = must(report_from_json(body));
    (void)must(controller.report(who, told, now));
    return must(controller.answer_for(who, told.answer)).text;
  }

  // As it is looked at before anybody is told: whom it concerns, and who would lose the controller by it.
  void change(Controller& controller) {
    const auto candidate = must(controller.candidate(fabric_of(sites_) + "mtu: 1400\n", "fabric.yaml"));
    (void)controller.stranded_by(candidate);
  }

  int sites_;
  test::TemporaryFolder folder_;
  std::filesystem::path file_;
  std::map<std::string, Node> nodes_;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> all;
  for (int i = 1; i < argc; ++i) all.push_back(std::max(1, std::atoi(argv[i])));
  if (all.empty()) all = {10, 100, 1000};
  std::printf("%7s  %14s %7s  %14s %7s  %18s  %16s\n", "sites", "again, ms", "ratio", "first, ms", "ratio", "bytes again/first", "members / change");
  Bench::Times base;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto times = Bench(all[i]).run();
    if (i == 0) base = times;
    std::printf("%7d  %14.3f %7.1f  %14.3f %7.1f  %6.0f / %8.0f  %6.1f / %6.1f ms\n", all[i], times.again, times.again / base.again, times.first,
                times.first / base.first, times.again_bytes, times.answer_bytes, times.members, times.change);
    std::fflush(stdout);
  }
  return 0;
}
