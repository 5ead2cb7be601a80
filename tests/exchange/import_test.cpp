// A hub's files as people have them (data/), and what becomes of them: the
// fabric file and every note, in golden/NAME.txt. RADIAL_UPDATE_GOLDEN=1
// writes those anew; look at the difference before it is committed.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "exchange/import.h"
#include "fabric/parse.h"
#include "support/paths.h"

namespace radial::exchange {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::filesystem::path folder = std::filesystem::path(test::source_dir()) / "tests/exchange";

std::string data(const std::string& name) { return read_file(folder / "data" / name).value(); }

std::string told(const Imported& imported) {
  std::string text;
  for (const auto& note : imported.notes) text += to_string(note) + "\n";
  return text;
}

void expect_golden(const std::string& name, const Imported& imported) {
  const auto text = imported.yaml + "\n---- notes ----\n" + told(imported) + "\n---- facts ----\n" + imported.facts.to_json();
  const auto path = folder / "golden" / name;
  if (std::getenv("RADIAL_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, text));
  }
  EXPECT_EQ(text, read_file(path).value_or("")) << "RADIAL_UPDATE_GOLDEN=1 writes " << path;
}

ImportOptions with_endpoint() {
  ImportOptions options;
  options.endpoint = Endpoint::parse("vpn.example.com:51820").value();
  return options;
}

TEST(Import, TheArticlesOwnFilesAreADraftWithEveryGapNamed) {
  const auto imported = import_hub(data("article.conf"), data("article-frr.conf"), {});
  EXPECT_FALSE(imported.usable());
  EXPECT_TRUE(imported.private_key.is_zero());
  expect_golden("article.txt", imported);
}

TEST(Import, TwoSpokesWithEverythingAllowedAreNamedByTheirLines) {
  const auto imported = import_hub(data("two-spokes.conf"), data("article-frr.conf"), with_endpoint());
  EXPECT_THAT(told(imported), HasSubstr("wg0.conf:17: warning: 0.0.0.0/0 stands at 2 peers (also line 12)"));
  expect_golden("two-spokes.txt", imported);
}

TEST(Import, HintsMakeTheArticlesHubUsable) {
  auto options = with_endpoint();
  options.sites = {SiteHint::parse("spoke-1=10.255.0.2,192.168.20.0/24").value(),
                   SiteHint::parse("paris=10.255.0.3,192.168.30.0/24").value()};
  const auto imported = import_hub(data("two-spokes.conf"), data("article-frr.conf"), options);
  EXPECT_TRUE(imported.usable()) << told(imported);
  const auto parsed = parse_fabric(imported.yaml);
  const auto* fabric = std::get_if<Fabric>(&parsed);
  ASSERT_NE(fabric, nullptr);
  EXPECT_EQ(fabric->find_site("paris")->address, IpAddress::parse("10.255.0.3").value());
  EXPECT_EQ(fabric->ospf.hello, 10) << "the sites' own timers are kept";
  EXPECT_EQ(fabric->find_hub("hub")->lans.front().prefix, Prefix::parse("192.168.1.0/24").value());
}

TEST(Import, AHubOfTodayBecomesTheSameHub) {
  auto options = with_endpoint();
  options.fabric = "acme";
  options.hub = "fra1";
  const auto imported = import_hub(data("sound.conf"), data("sound-frr.conf"), options);
  EXPECT_TRUE(imported.usable()) << told(imported);
  EXPECT_EQ(imported.facts.nodes.at("fra1").public_key, imported.private_key.public_key());
  expect_golden("sound.txt", imported);
}

TEST(Import, EverythingThatPeopleWriteIsTakenOrNamed) {
  const auto imported = import_hub(data("quick.conf"), std::nullopt, with_endpoint());
  expect_golden("quick.txt", imported);
}

TEST(Import, NoSecretIsEverTold) {
  for (const auto* name : {"two-spokes.conf", "quick.conf", "sound.conf"}) {
    const auto text = data(name);
    const auto imported = import_hub(text, std::nullopt, with_endpoint());
    const auto all = imported.yaml + told(imported) + imported.facts.to_json();
    EXPECT_THAT(all, Not(HasSubstr(imported.private_key.reveal_base64())));
    EXPECT_THAT(all, Not(HasSubstr("hunter2")));
    for (std::size_t at = text.find("PresharedKey = "); at != std::string::npos; at = text.find("PresharedKey = ", at + 1))
      EXPECT_THAT(all, Not(HasSubstr(text.substr(at + 15, 20))));
  }
}

TEST(Import, ASitesFileIsToldFromAHubs) {
  const auto imported = import_hub("[Interface]\nAddress = 10.8.0.2/24\nPrivateKey = x\n[Peer]\nEndpoint = a:1\nAllowedIPs = 0.0.0.0/0\n",
                                   std::nullopt, with_endpoint());
  EXPECT_FALSE(imported.usable());
  EXPECT_THAT(told(imported), HasSubstr("this looks like a site's file"));
}

TEST(Import, AHintNeedsANameAndPrefixes) {
  EXPECT_FALSE(SiteHint::parse("10.0.0.1"));
  EXPECT_FALSE(SiteHint::parse("berlin=10.0.0.1/8"));
  EXPECT_TRUE(SiteHint::parse("berlin=192.168.20.0/24"));
}

}  // namespace
}  // namespace radial::exchange
