#include "cli/table.h"

#include <sstream>

#include <gtest/gtest.h>

namespace radial::cli {
namespace {

TEST(Table, AlignsColumnsAndStaysWithin80) {
  Table table({"A", "B"});
  table.add({"long cell", std::string(100, 'x')});
  table.add({"x", "y"});
  std::istringstream lines(table.to_string());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), terminal_columns);
  EXPECT_NE(table.to_string().find("x          y\n"), std::string::npos) << table.to_string();
}

TEST(Table, ALongNameLeavesTheVerdictOnTheScreen) {
  Table table({"NODE", "ROLE", "ENDPOINT", "VERDICT"});
  table.add({std::string(63, 'n'), "site", "[2001:db8:1234:5678:9abc:def0:1234:5678]:51820", "healthy"});
  const auto text = table.to_string();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), terminal_columns);
  EXPECT_NE(text.find("...  healthy\n"), std::string::npos) << text;
  EXPECT_NE(text.find("...  site  "), std::string::npos) << text;
}

TEST(Text, DurationsAndBytes) {
  EXPECT_EQ(duration_text(12), "12 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(90000), "1 d 1 h");
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(12ULL << 20U), "12 MiB");
}

TEST(Text, WrapsAtWords) { EXPECT_EQ(wrapped("aa bb cc", 2, 8), "aa bb\n  cc"); }

}  // namespace
}  // namespace radial::cli
