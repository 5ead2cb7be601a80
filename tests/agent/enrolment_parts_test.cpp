// The pure parts of enrolment at a node.
#include <gtest/gtest.h>

#include "agent/frr_service.h"
#include "agent/quarantine.h"

namespace radial::agent {
namespace {

TEST(FrrDaemons, EnablesWhatIsMissingAndKeepsTheRest) {
  std::set<std::string> enabled;
  const std::string file = "# FRR\nbgpd=no\nospfd=no\nbfdd=yes\nospfd_options=\"-A 127.0.0.1\"\n";
  EXPECT_EQ(with_daemons(file, {"ospfd", "bfdd", "ospf6d"}, enabled),
            "# FRR\nbgpd=no\nospfd=yes\nbfdd=yes\nospfd_options=\"-A 127.0.0.1\"\nospf6d=yes\n");
  EXPECT_EQ(enabled, (std::set<std::string>{"ospfd", "ospf6d"}));
}

TEST(FrrDaemons, ZebraReplacesIpv6RoutesInOneStep) {
  EXPECT_EQ(with_ipv6_replaced_in_place("ospfd=no\nzebra_options=\"  -A 127.0.0.1 -s 90000000\"\nospfd_options=\"\"\n"),
            "ospfd=no\nzebra_options=\"  -A 127.0.0.1 -s 90000000 --v6-rr-semantics\"\nospfd_options=\"\"\n");
  EXPECT_EQ(with_ipv6_replaced_in_place("zebra_options=\"\"\n"), "zebra_options=\"--v6-rr-semantics\"\n");
  EXPECT_EQ(with_ipv6_replaced_in_place("ospfd=no\n"), "ospfd=no\nzebra_options=\"--v6-rr-semantics\"\n");
  const std::string has_it = "zebra_options=\"--v6-rr-semantics -A 127.0.0.1\"\n";
  EXPECT_EQ(with_ipv6_replaced_in_place(has_it), has_it);
  const std::string strange = "zebra_options=( -A 127.0.0.1 )\n";
  EXPECT_EQ(with_ipv6_replaced_in_place(strange), strange);
}

TEST(QuarantineTable, LetsAGuestReachTheControllerAlone) {
  Quarantine quarantine{"wg0", {}, IpAddress::parse("10.255.0.1").value(), 51821, {}};
  const std::string table = "table inet radial {\n\tchain forward {\n\t}\n}\n";
  EXPECT_EQ(with_quarantine(table, {}), table);
  const std::string head =
      "table inet radial {\n\tchain forward {\n\t}\n\n\tchain controller {\n\t\ttype filter hook input priority filter; policy accept;\n";
  const std::string end = "\t\tiifname != \"wg0\" ip daddr 10.255.0.1 tcp dport 51821 drop\n\t}\n";
  EXPECT_EQ(with_quarantine(table, quarantine), head + end + "}\n");
  quarantine.guests.push_back({"berlin", {}, {}, IpAddress::parse("10.255.0.254").value()});
  EXPECT_EQ(with_quarantine(table, quarantine),
            head +
                "\t\tiifname \"wg0\" ip saddr 10.255.0.254 ip daddr 10.255.0.1 tcp dport 51821 accept\n"
                "\t\tip saddr 10.255.0.254 drop\n" +
                end +
                "\n\tchain quarantine {\n\t\ttype filter hook forward priority filter; policy accept;\n"
                "\t\tip saddr 10.255.0.254 drop\n\t\tip daddr 10.255.0.254 drop\n\t}\n}\n");
}

}  // namespace
}  // namespace radial::agent
