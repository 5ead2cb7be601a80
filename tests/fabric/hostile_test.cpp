// Files that mean harm, and files that are merely large: each must be answered
// soon, and with sense.
#include <ctime>

#include <gtest/gtest.h>

#include "fabric/parse.h"

namespace radial {
namespace {

constexpr std::size_t largest = std::size_t{4} << 20U;
constexpr std::string_view head =
    "fabric: acme\nhubs: { fra1: { endpoint: vpn.example.com, tunnel: 10.128.0.0/12 } }\n";

struct Answer {
  std::vector<Mistake> mistakes;
  double seconds = 0;  // of this process's CPU: a busy machine is no mistake
};

Answer ask(std::string_view text) {
  const auto start = std::clock();
  auto result = parse_fabric(text);
  const double taken = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  auto* mistakes = std::get_if<std::vector<Mistake>>(&result);
  return {mistakes ? std::move(*mistakes) : std::vector<Mistake>{}, taken};
}

std::string repeated(std::string_view part, std::size_t bytes) {
  std::string text;
  text.reserve(bytes + part.size());
  while (text.size() + part.size() <= bytes) text += part;
  return text;
}

TEST(Hostile, TwoThousandSitesAreReadWellWithinASecond) {
  std::string text = std::string(head) + "sites:\n";
  for (int i = 0; i < 2000; ++i)
    text += fmt::format("  site-{}: {{ lans: [172.{}.{}.0/24], grant: [11.{}.{}.0/24] }}\n", i, 16 + i / 256, i % 256,
                        i / 256, i % 256);
  const auto answer = ask(text);
  EXPECT_TRUE(answer.mistakes.empty());
  EXPECT_LT(answer.seconds, 1.0);
}

TEST(Hostile, MoreThanFourMebibytesAreNotRead) {
  EXPECT_EQ(ask(std::string(largest + 1, '#')).mistakes.size(), 1U);
}

TEST(Hostile, RepeatedMarkupIsAnswered) {
  for (const auto* part : {"[",    "{",     "- ",  "? ",     "a: ",  "*a ",     "&a ",   "!",           "\"",   "'",
                           "|",    ">",     ",",   "\n",     "--- ", "---\n",   "...\n", "%YAML 1.2\n", "{a: ", "[{",
                           "- - ", "#",     "a\n", "- \n",   "[]\n", "a: b: ",  "\t",    ": ",          "? - ", "a",
                           "\\",   "- a\n", "a, ", "!!str ", "\"\\", "x: {}\n", "\n ",   "a #"}) {
    const auto answer = ask(repeated(part, largest / 8));
    EXPECT_FALSE(answer.mistakes.empty()) << part;
    EXPECT_LT(answer.seconds, 10) << part;
  }
}

TEST(Hostile, MistakesBeyondAThousandAreCounted) {
  std::string text = std::string(head) + "sites:\n";
  for (int i = 0; i < 3000; ++i) text += fmt::format("  s{}: {{ nothing: 1 }}\n", i);
  const auto answer = ask(text);
  ASSERT_EQ(answer.mistakes.size(), 1001U);
  EXPECT_EQ(answer.mistakes.back().line, 0);
}

TEST(Hostile, ManyClaimsOnOnePrefixAreJudgedInTime) {
  for (const auto* site : {"{ lans: [10.1.0.0/24] }", "{ lans: [10.1.0.0/24], grant: [10.1.0.0/24] }"}) {
    std::string text = std::string(head) + "sites:\n";
    for (int i = 0; i < 30000; ++i) text += fmt::format("  s{}: {}\n", i, site);
    EXPECT_LT(ask(text).seconds, 10) << site;
  }
}

TEST(Hostile, OneNodeWithManyPrefixesIsJudgedInTime) {
  std::string lans;
  std::string grant;
  for (int i = 0; i < 60000; ++i) {
    lans += fmt::format("11.{}.{}.0/24, ", i / 256, i % 256);
    grant += fmt::format("11.{}.{}.0/24, ", i / 256, i % 256);
  }
  const auto answer = ask(fmt::format("{}sites:\n  a: {{ lans: [{}], grant: [{}] }}\n", head, lans, grant));
  EXPECT_TRUE(answer.mistakes.empty());
  EXPECT_LT(answer.seconds, 10);
}

TEST(Hostile, LongWordsAreShortenedInWhatIsSaid) {
  const auto answer = ask(std::string(1'000'000, 'k') + ": " + std::string(1'000'000, 'v') + "\n");
  for (const auto& mistake : answer.mistakes) EXPECT_LT(to_string(mistake, "f").size(), 1000U);
}

TEST(Hostile, DepthIsRefusedAndNotRecursedInto) {
  for (const int depth : {33, 1000, 100'000}) {
    const auto flow = ask(std::string(static_cast<std::size_t>(depth), '['));
    ASSERT_EQ(flow.mistakes.size(), 1U);
    std::string block;
    for (int i = 0; i < std::min(depth, 1500); ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    EXPECT_EQ(ask(block).mistakes.size(), 1U);
  }
}

}  // namespace
}  // namespace radial
