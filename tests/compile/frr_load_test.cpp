// Every line that the compiler writes is one that FRR prints back: the whole
// guarantee that applying a configuration twice changes nothing. Each golden
// case is loaded into real FRR of its version.
//
//   one namespace:  [ wires as TUN devices ]  [ LANs as bridges ]  zebra ospfd staticd (mgmtd)
#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "compile/fib_filter.h"
#include "compile/frr_sandbox.h"
#include "compile/golden_cases.h"
#include "compile/render.h"

namespace radial {
namespace {

using test::FrrSandbox;

struct Load {
  std::string golden;
  std::string node;
};

void PrintTo(const Load& load, std::ostream* out) { *out << load.golden << " " << load.node; }

std::vector<Load> loads() {
  std::vector<Load> result;
  for (const auto& name : test::golden_names())
    for (const auto& node : test::load_golden(name).show) result.push_back({name, node});
  return result;
}

std::optional<test::FrrInstall> install_of(const FrrVersion& version) {
  for (const auto& install : test::installed_frr())
    if (install.version == version) return install;
  return std::nullopt;
}

void make_interfaces(const FrrSandbox& frr, const NodeConfig& config, const std::vector<LocalAddress>& local) {
  std::string script;
  for (const auto& wire : config.wires) {
    script += fmt::format("ip tuntap add {0} mode tun; ip link set {0} mtu {1} addrgenmode none; ", wire.interface,
                          wire.mtu);
    for (const auto& address : wire.addresses)
      script += fmt::format("ip address add {} dev {}; ", address, wire.interface);
    script += fmt::format("ip link set {} up; ", wire.interface);
  }
  for (const auto& held : local) {
    script += fmt::format("ip link show {0} >/dev/null 2>&1 || ip link add {0} type bridge; ", held.interface);
    script += fmt::format("ip address add {0} dev {1}; ip link set {1} up; ", held.address, held.interface);
  }
  frr.sh(script);
}

// What the running configurations lack of the stanzas.
std::vector<std::string> missing(FrrSandbox& frr, const std::vector<FrrStanza>& stanzas) {
  std::vector<std::string> result;
  for (const auto& stanza : stanzas) {
    const auto running = frr.running(stanza.daemon);
    const auto found = running.find(stanza.context);
    for (const auto& line : stanza.lines)
      if (found == running.end() || std::find(found->second.begin(), found->second.end(), line) == found->second.end())
        result.push_back(stanza.daemon + ": " + stanza.context + ": " + line);
  }
  return result;
}

std::map<std::string, std::string> all_running(FrrSandbox& frr, const std::vector<FrrStanza>& stanzas) {
  std::map<std::string, std::string> result;
  for (const auto& stanza : stanzas) result[stanza.daemon] = frr.show(stanza.daemon, "show running-config");
  return result;
}

class FrrLoad : public testing::TestWithParam<Load> {};

TEST_P(FrrLoad, PrintsEveryLineBack) {
  const auto golden = test::load_golden(GetParam().golden);
  const auto config = golden.compile(GetParam().node);
  const auto local = golden.local(config);
  const auto install = install_of(golden.frr(GetParam().node));
  if (!install)
    GTEST_SKIP() << "NOT TESTED: no FRR " << golden.frr(GetParam().node).major << " here (tools/debian13-root)";

  FrrSandbox frr(*install);
  make_interfaces(frr, config, local);
  auto stanzas = config.frr;
  const auto bound = bind_lans(config, local);
  stanzas.insert(stanzas.end(), bound.stanzas.begin(), bound.stanzas.end());
  const Underlay underlay{local, {IpAddress::parse("198.51.100.1").value()}, {IpAddress::parse("203.0.113.1").value()}};
  const auto never = bind_fib_filter(config, underlay);
  stanzas.insert(stanzas.end(), never.begin(), never.end());
  for (const auto& stanza : stanzas)
    EXPECT_EQ(frr.enter(stanza.daemon, stanza.context, stanza.lines), std::vector<std::string>()) << stanza.context;
  EXPECT_EQ(missing(frr, stanzas), std::vector<std::string>());

  const auto once = all_running(frr, stanzas);
  for (const auto& stanza : stanzas) frr.enter(stanza.daemon, stanza.context, stanza.lines);
  EXPECT_EQ(all_running(frr, stanzas), once) << "entering the same lines again changes something";

  // Nothing of ours redistributes without a filter: a static route to a dead site stays at home.
  const auto ospf = frr.show("ospfd", "show running-config");
  for (auto at = ospf.find("redistribute"); at != ospf.npos; at = ospf.find("redistribute", at + 1))
    EXPECT_NE(ospf.substr(at, ospf.find('\n', at) - at).find("route-map radial-static"), std::string::npos) << ospf;

  frr.write_in_root("/etc/frr/radial-test.conf", render_frr(stanzas));
  EXPECT_NO_THROW(frr.sh_in_root("vtysh -C -f /etc/frr/radial-test.conf"));
}

TEST_P(FrrLoad, NftPrintsTheTableAsItIsWritten) {
  const auto golden = test::load_golden(GetParam().golden);
  const auto config = golden.compile(GetParam().node);
  for (const auto& root : {std::string("/"), install_of({10, 3}).value_or(test::FrrInstall{"/", {}}).root}) {
    const test::PrivateNamespace inside;
    const auto nft = "chroot " + root + " /usr/sbin/nft ";
    inside.sh("cat <<'END' | " + nft + "-c -f -\n" + config.nft + "END");
    inside.sh("cat <<'END' | " + nft + "-f -\n" + config.nft + "END");
    auto listed = inside.sh(nft + "-s list table inet radial");
    // -s: without what counters have counted. nft prints a protocol's name where /etc/protocols has it; without that file (netbase) it knows none.
    for (std::size_t at = 0; (at = listed.find("l4proto ospf ", at)) != listed.npos;) listed.replace(at, 12, "l4proto 89");
    EXPECT_EQ(listed, config.nft) << root;
  }
}

// No WireGuard is needed: wg parses the whole file before it looks for the interface.
TEST_P(FrrLoad, WgParsesItsPart) {
  const test::PrivateNamespace inside;
  for (const auto& wire : test::load_golden(GetParam().golden).compile(GetParam().node).wires) {
    inside.sh("cat <<'END' >/run/wire.conf\n" + render_wg(wire) + "END");
    const auto answer = inside.sh("wg setconf none0 /run/wire.conf 2>&1 || true");
    EXPECT_NE(answer.find("Unable to modify interface"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("parsing error"), std::string::npos) << answer;
  }
}

std::string test_name(const testing::TestParamInfo<Load>& info) {
  auto name = info.param.golden + "_" + info.param.node;
  for (auto& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Golden, FrrLoad, testing::ValuesIn(loads()), test_name);

}  // namespace
}  // namespace radial
