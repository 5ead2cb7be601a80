// The store: what it keeps, what it refuses, and that it survives kill -9, a
// full disk and a torn file.
#include "control/store.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temporary_folder.h"

namespace radial::control {
namespace {

class StoreTest : public testing::Test {
 protected:
  Store fresh() {
    auto store = Store::create(file_);
    if (!store) ADD_FAILURE() << store.error().message;
    return std::move(*store);
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "controller.db";
};

Invitation invitation_of(const std::string& node, const std::string& address, std::uint8_t mark) {
  Invitation one;
  one.node = node;
  one.ephemeral = PrivateKey::generate().public_key();
  one.preshared = Secret::random();
  one.token.fill(mark);
  one.address = IpAddress::parse(address).value();
  one.created = 100;
  one.expires = 200;
  one.author = "root";
  return one;
}

TEST_F(StoreTest, KeepsAllOfItOverReopening) {
  const auto key = PrivateKey::generate().public_key();
  const auto psk = Secret::random();
  const auto secret = Secret::random();
  {
    auto store = fresh();
    ASSERT_TRUE(store.add_revision({0, 7, "root", "begin", "+fabric: a\n", "fabric: a\n", RevisionState::active, {}}));
    ASSERT_TRUE(store.set_node("berlin", {key, FrrVersion{8, 4}}));
    ASSERT_TRUE(store.set_node_secret("berlin", secret));
    ASSERT_TRUE(store.set_preshared("fra1", "berlin", psk));
    ASSERT_TRUE(store.set_addresses({{{"fra1", "berlin"}, IpAddress::parse("10.255.0.9").value()}}));
    ASSERT_TRUE(store.add_invitation(invitation_of("paris", "10.255.0.254", 1)));
    ASSERT_TRUE(store.audit({8, "root", "did it"}));
    ASSERT_TRUE(store.set_served("fra1", {{"berlin", {Prefix::parse("10.1.0.0/16").value()}}}));
    ASSERT_TRUE(store.set_served("fra1", {{"berlin", {Prefix::parse("10.2.0.0/16").value(), Prefix::parse("2001:db8::/64").value()}}}));
  }
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);

  auto store = Store::open(file_);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(store->latest_revision()->fabric, "fabric: a\n");
  const auto facts = store->facts();
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->nodes.at("berlin"), (NodeFacts{key, FrrVersion{8, 4}}));
  EXPECT_EQ(facts->addresses.at({"fra1", "berlin"}).to_string(), "10.255.0.9");
  EXPECT_TRUE((*store->preshared("berlin", "fra1"))->equals(psk));
  EXPECT_TRUE((*store->node_secret("berlin"))->equals(secret));
  EXPECT_FALSE(store->node_secret("nobody")->has_value());
  EXPECT_EQ(store->invitations()->at(0).node, "paris");
  EXPECT_EQ(store->audit_log(10)->at(0).what, "did it");
  EXPECT_EQ(store->served("fra1").value(),
            (ServedSites{{"berlin", {Prefix::parse("10.2.0.0/16").value(), Prefix::parse("2001:db8::/64").value()}}}));
  EXPECT_TRUE(store->served("fra2")->empty());
}

TEST_F(StoreTest, AStoreOfAnEarlierRadialIsTakenOver) {
  {
    auto store = fresh();
    ASSERT_TRUE(store.set_node("berlin", {PrivateKey::generate().public_key(), FrrVersion{8, 4}}));
  }
  {
    auto database = Database::open(file_);
    ASSERT_TRUE(database);
    ASSERT_TRUE((*database)->execute("DROP TABLE detail; DROP TABLE rotation; DROP TABLE revocation; DROP TABLE served"));
  }
  auto store = Store::open(file_);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE(store->facts()->nodes.at("berlin").public_key);
  ASSERT_TRUE(store->set_rotation({"berlin", 7, "root", std::nullopt}));
  EXPECT_EQ(store->rotations()->at(0).asked, 7);
}

TEST_F(StoreTest, HoldsItsRules) {
  auto store = fresh();
  ASSERT_TRUE(store.add_invitation(invitation_of("berlin", "10.255.0.254", 1)));
  const auto again = store.add_invitation(invitation_of("berlin", "10.255.0.253", 2));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::conflict);
  EXPECT_FALSE(store.add_invitation(invitation_of("paris", "10.255.0.254", 3)));  // the address is taken
  // Spent, it makes room, and its preshared key is gone.
  ASSERT_TRUE(store.set_invitation_state(1, InvitationState::burnt, std::nullopt));
  EXPECT_TRUE(store.invitations()->at(0).preshared.is_zero());
  EXPECT_TRUE(store.add_invitation(invitation_of("berlin", "10.255.0.254", 4)));
  // One key, one node.
  const auto key = PrivateKey::generate().public_key();
  ASSERT_TRUE(store.set_node("berlin", {key, std::nullopt}));
  EXPECT_FALSE(store.set_node("paris", {key, std::nullopt}));
  EXPECT_FALSE(store.set_node_secret("nobody", Secret::random()));
}

TEST_F(StoreTest, SpentSecretsAreOverwrittenOnDisk) {
  auto invitation = invitation_of("berlin", "10.255.0.254", 1);
  const auto& bytes = invitation.preshared.bytes();
  const std::string needle(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto on_disk = [&] {
    std::ifstream file(file_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {}).find(needle) != std::string::npos;
  };
  auto store = fresh();
  ASSERT_TRUE(store.add_invitation(invitation));
  EXPECT_TRUE(on_disk());  // the test can fail
  ASSERT_TRUE(store.set_invitation_state(1, InvitationState::withdrawn, std::nullopt));
  EXPECT_FALSE(on_disk());
}

TEST_F(StoreTest, AnUncommittedChangeLeavesNothing) {
  auto store = fresh();
  {
    auto transaction = store.begin();
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(store.audit({1, "root", "half"}));
  }
  EXPECT_TRUE(store.audit_log(10)->empty());
}

TEST_F(StoreTest, SurvivesKillAtAnyMoment) {
  { auto store = fresh(); }
  for (int round = 0; round < 10; ++round) {
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const auto child = ::fork();
    if (child == 0) {
      auto store = Store::open(file_);
      for (std::int64_t i = 0;; ++i) {
        auto transaction = store->begin();
        const std::string text(5000, 'x');
        if (!store->audit({i, "child", text}) || !store->audit({i, "child", text}) || !transaction->commit()) ::_exit(1);
        if (::write(acknowledged[1], "k", 1) != 1) ::_exit(2);
      }
    }
    ::close(acknowledged[1]);
    std::int64_t done = 0;
    char c = 0;
    while (done < 3 + round && ::read(acknowledged[0], &c, 1) == 1) ++done;
    ::kill(child, SIGKILL);
    while (::read(acknowledged[0], &c, 1) == 1) ++done;
    ::close(acknowledged[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));

    auto store = Store::open(file_);
    ASSERT_TRUE(store) << store.error().message;
    const auto lines = store->audit_log(1000000);
    ASSERT_TRUE(lines);
    EXPECT_EQ(lines->size() % 2, 0U) << "half a transaction";
    EXPECT_GE(static_cast<std::int64_t>(lines->size()), 2 * done) << "an acknowledged commit is lost";
    auto database = Database::open(file_);
    ASSERT_TRUE((*database)->execute("DELETE FROM audit"));
  }
}

TEST_F(StoreTest, FullDiskChangesNothing) {
  auto store = fresh();
  ASSERT_TRUE(store.audit({1, "root", "before"}));
  // A file that may not grow stands for a disk that is full (EFBIG rather than
  // ENOSPC, the same path); SIGXFSZ must not end us.
  const auto size = std::filesystem::file_size(file_);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{size, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto status = store.audit({2, "root", std::string(500000, 'x')});
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::io);
  EXPECT_NE(status.error().message.find("nothing was changed"), std::string::npos) << status.error().message;
  ASSERT_EQ(store.audit_log(10)->size(), 1U);
  EXPECT_TRUE(store.audit({3, "root", "after"}));  // and it goes on
  EXPECT_TRUE(Store::open(file_));
}

TEST_F(StoreTest, SaysWhenTheDiskIsFull) {
  { auto store = fresh(); }
  auto database = Database::open(file_);
  ASSERT_TRUE(database);
  auto pages = (*database)->prepare("PRAGMA max_page_count = 1");
  ASSERT_TRUE(pages);
  ASSERT_TRUE(pages->step());
  const auto status = (*database)->execute("INSERT INTO audit (at, who, what) VALUES (1, 'root', hex(zeroblob(200000)))");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("full"), std::string::npos) << status.error().message;
}

TEST_F(StoreTest, ATornFileIsFoundAndNamed) {
  {
    auto store = fresh();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(store.audit({i, "root", std::string(1000, 'x')}));
  }
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);
  const auto torn = Store::open(file_);
  ASSERT_FALSE(torn);
  EXPECT_NE(torn.error().message.find("damaged"), std::string::npos) << torn.error().message;
  std::ofstream(file_, std::ios::trunc) << "this is no database, and longer than a header of one hundred bytes would have to be ............";
  const auto garbage = Store::open(file_);
  ASSERT_FALSE(garbage);
  EXPECT_NE(garbage.error().message.find("damaged"), std::string::npos) << garbage.error().message;
  EXPECT_EQ(Store::open(folder_.path() / "none").error().code, Errc::not_found);
}

TEST_F(StoreTest, ANewerFormatIsRefused) {
  { auto store = fresh(); }
  auto database = Database::open(file_);
  ASSERT_TRUE((*database)->execute("PRAGMA user_version = 99"));
  const auto newer = Store::open(file_);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Errc::unsupported);
}

TEST_F(StoreTest, DoubleQuotesAreNoStrings) {
  { auto store = fresh(); }
  auto database = Database::open(file_);
  EXPECT_FALSE((*database)->execute("INSERT INTO audit (at, who, what) VALUES (1, \"root\", \"x\")"));
  EXPECT_FALSE((*database)->execute("INSERT INTO audit (at, who, what) VALUES ('word', 'root', 'x')"));  // STRICT
}

}  // namespace
}  // namespace radial::control
