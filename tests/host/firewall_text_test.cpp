#include "host/firewall_text.h"

#include <gtest/gtest.h>

namespace radial::host {
namespace {

TEST(FirewallText, AcceptsOneTableWithCommentsAndSetsAround) {
  EXPECT_TRUE(check_single_table("table inet radial {\n}"));
  EXPECT_TRUE(check_single_table(R"(# made by radial }
table  inet radial {
  set s { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
  chain forward {
    type filter hook forward priority mangle; policy accept;
    iifname { "wg0", "w}g1" } accept comment "# not a comment }"
  }
}
# the end {)"));
}

TEST(FirewallText, RefusesWhatReachesBeyondOurTable) {
  for (const auto* text : {
           "",
           "flush ruleset",
           "table inet radial",
           "table inet filter { }",
           "table ip radial { }",
           "flush ruleset\ntable inet radial { }",
           "table inet radial { }\nflush ruleset",
           "table inet radial { }\ntable inet filter { }",
           "table inet radial { } # \ndelete table ip nat",
           "table inet radial { chain a { } ",
           "table inet radial { } }",
           "table inet radial { chain a { comment \"}\" }",
       }) {
    const auto status = check_single_table(text);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().code, Errc::invalid_argument);
  }
  EXPECT_NE(check_single_table("table inet radial { }\nflush ruleset").error().message.find("'flush ruleset'"),
            std::string::npos);
}

TEST(FirewallText, LearnedElementsAreNotPartOfTheTable) {
  constexpr auto with = R"(table inet radial {
	set seen {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 1m
		elements = { 192.0.2.1 expires 5s, 192.0.2.2,
			     192.0.2.3 }
	}

	set grants {
		type ipv4_addr
		flags interval
		elements = { 10.1.0.0/24, 10.9.0.0/16 }
	}

	chain forward {
		type filter hook forward priority mangle; policy accept;
		update @seen { ip saddr }
	}
}
)";
  constexpr auto without = R"(table inet radial {
	set seen {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 1m
	}

	set grants {
		type ipv4_addr
		flags interval
		elements = { 10.1.0.0/24, 10.9.0.0/16 }
	}

	chain forward {
		type filter hook forward priority mangle; policy accept;
		update @seen { ip saddr }
	}
}
)";
  EXPECT_EQ(without_learned_elements(with), without);
  EXPECT_EQ(without_learned_elements(without), without);
}

}  // namespace
}  // namespace radial::host
