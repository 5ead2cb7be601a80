#include <gtest/gtest.h>

#include "host/network.h"
#include "host/sysctl_path.h"

namespace radial::host {
namespace {

TEST(SysctlPath, PutsAnInterfaceWithDotsIntoOnePart) {
  const std::pair<const char*, const char*> cases[] = {
      {"net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"},
      {"net.ipv4.conf.wg0.rp_filter", "/proc/sys/net/ipv4/conf/wg0/rp_filter"},
      {"net.ipv6.conf.all.forwarding", "/proc/sys/net/ipv6/conf/all/forwarding"},
      {"net.ipv4.conf.eth0.100.rp_filter", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"},
      {"net.ipv6.conf.br.lan.7.disable_ipv6", "/proc/sys/net/ipv6/conf/br.lan.7/disable_ipv6"},
      {"net.ipv4.neigh.eth0.100.gc_stale_time", "/proc/sys/net/ipv4/neigh/eth0.100/gc_stale_time"},
      {"net.ipv4.igmp_max_memberships", "/proc/sys/net/ipv4/igmp_max_memberships"},
      {"fs.inotify.max_user_instances", "/proc/sys/fs/inotify/max_user_instances"},
  };
  for (const auto& [key, path] : cases) EXPECT_EQ(sysctl_path(key).value(), path);
}

TEST(SysctlPath, NeverLeavesProcSys) {
  for (const auto* key : {"", ".", "..", "net..ipv4", "net.ipv4.", ".net", "net/ipv4/ip_forward", "../../etc/passwd",
                          "net.ipv4.conf...rp_filter", "net.ipv4.conf.a/../../x.rp_filter"}) {
    const auto path = sysctl_path(key);
    ASSERT_FALSE(path) << key << " gives " << *path;
    EXPECT_EQ(path.error().code, Errc::invalid_argument);
  }
}

TEST(Sysctl, ReadsAValueWithoutItsNewline) {
  EXPECT_EQ(read_sysctl("kernel.ostype").value(), "Linux");
  const auto missing = read_sysctl("net.ipv4.conf.no-such-if.rp_filter");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_NE(missing.error().message.find("net.ipv4.conf.no-such-if.rp_filter"), std::string::npos);
}

}  // namespace
}  // namespace radial::host
