// A hostile site that forges on the wire (tests/support/forger.cpp), and what is
// asserted of every forgery: it is found within seconds, the site is named and
// cut off, and the fabric is whole again. The topology is attack_lab.h's.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "net/attack/attack_lab.h"
#include "support/paths.h"

namespace radial::test {

class ForgingSite : public HostileSite {
 protected:
  using Json = nlohmann::json;
  // Generous: the machine may be busy. What it takes is printed.
  static constexpr auto found_within = 40s;
  static constexpr auto whole_within = 60s;

  // Of the honest nodes: every adjacency Full, every route to an honest LAN from
  // OSPF itself, every ping answered.
  virtual bool whole() = 0;
  // Where the forger sends from and to, on which of mallory's wires, and which hub is to find it.
  virtual std::string source() = 0;
  virtual std::string hub() = 0;
  virtual std::string wire() { return "wg0"; }
  virtual std::string judge() { return "fra1"; }
  virtual std::string database() = 0;  // the hub's, for a failure's text
  // That mallory is no neighbour of the hub's by configuration any more.
  virtual void expect_no_neighbor_line() = 0;

  // A node's router-id, which is its address in the tunnel.
  static std::string router_id_of(const std::string& node) {
    return lab().tunnel_address(node);
  }
  // `node` has a route of `prefix` that OSPF itself says.
  static bool has_route(const std::string& node, const std::string& prefix) {
    const bool v6 = prefix.find(':') != std::string::npos;
    return lab().vtysh(node, fmt::format("show {} route {}", v6 ? "ipv6" : "ip", prefix)).find(v6 ? "\"ospf6\"" : "\"ospf\"") != std::string::npos;
  }
  // The forger runs until it is stopped, or for half a minute.
  void forge(const std::string& type, const std::string& id, const std::string& originator, const std::string& words) {
    forge_as(router_id_of("mallory"), type, id, originator, words);
  }
  void forge_as(const std::string& router_id, const std::string& type, const std::string& id, const std::string& originator,
                const std::string& words) {
    lab().sh("mallory", fmt::format("{}/tests/forger {} {} {} {} {} {} {} 80000100 100 {} >/dev/null 2>&1 &",
                                    binary_dir(), wire(), source(), hub(), router_id, type, id, originator, words));
  }
  void stop_forging() { lab().sh("mallory", "pkill -x forger; true"); }

  // The subject and text of who is cut off, or nothing.
  std::string cut_off() { return cut_off_at(judge()); }
  static std::string cut_off_at(const std::string& hub) {
    const auto status = lab().status(hub);
    if (!status) return {};
    for (const auto& one : status->findings)
      if (one.what.find("is cut off") != std::string::npos) return one.subject + " " + one.what;
    return {};
  }

  void expect_cut_off(const std::string& what) {
    const auto began = std::chrono::steady_clock::now();
    std::string found;
    const auto took = wait_until(found_within, [&] { found = cut_off(); return !found.empty(); });
    ASSERT_TRUE(took) << "not found\n" << cli::status_text(lab().status(judge()).value()) << database();
    EXPECT_THAT(found, testing::StartsWith("site mallory"));
    EXPECT_THAT(found, testing::HasSubstr(what));
    EXPECT_THAT(lab().sh(judge(), "nft list table inet radial"), testing::HasSubstr("mallory is cut off"));
    expect_no_neighbor_line();
    const auto again = wait_until(whole_within, [&] { return whole(); });
    const auto all = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    EXPECT_TRUE(again) << database() << lab().vtysh("paris", "show ip route") << lab().vtysh("paris", "show ipv6 route");
    std::printf("  %s: found and cut off after %lld ms, whole after %lld ms\n", what.c_str(), static_cast<long long>(took->count()),
                static_cast<long long>(all.count()));
  }
  // Not before OSPF has let go of it, by the dead interval on some wires.
  static bool readmitted_at(const std::string& hub) {
    return wait_until(20s, [&] { return static_cast<bool>(lab().post(hub, "/v1/readmit", Json{{"site", "mallory"}}.dump())); }).has_value();
  }
  void readmit(const std::string& from, const std::string& mallorys) {
    ASSERT_TRUE(readmitted_at(judge()));
    EXPECT_THAT(lab().sh(judge(), "nft list table inet radial"), testing::Not(testing::HasSubstr("mallory is cut off")));
    EXPECT_TRUE(wait_until(60s, [&] { return lab().pings(from, mallorys); })) << "mallory did not come back";
  }
  // What it forged before it was let back is not held against it by the two audits, 5 s apart, that a false link takes.
  void expect_to_stay() { EXPECT_FALSE(wait_until(11s, [&] { return !cut_off().empty(); })) << cut_off() << "\n" << database(); }
};

}  // namespace radial::test
