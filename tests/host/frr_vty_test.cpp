// The vty client against a daemon made of a socket and a script of answers.
#include "host/frr_vty.h"

#include <cstring>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "host/frr.h"
#include "host/frr_config.h"

namespace radial::host::frr {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

// Answers each command with what `script` makes of it; bytes as they are. An
// empty answer hangs up.
class FakeDaemon {
 public:
  using Script = std::function<std::string(const std::string& command)>;

  explicit FakeDaemon(Script script, std::size_t chunk = 1U << 20U) : chunk_(chunk) {
    std::string name = std::filesystem::temp_directory_path() / "radial-vty.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    thread_ = std::thread([this, script = std::move(script)] { serve(script); });
  }
  ~FakeDaemon() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] std::string path() const { return folder_ + "/ospfd.vty"; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  void serve(const Script& script) {
    while (true) {
      Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      std::string command;
      char byte = 0;
      while (::recv(client.get(), &byte, 1, 0) == 1) {
        if (byte != '\0') {
          command += byte;
          continue;
        }
        const auto answer = command == "enable" ? "\0\0\0\0"s : script(command);
        if (answer.empty()) break;
        for (std::size_t at = 0; at < answer.size(); at += chunk_)
          if (::send(client.get(), answer.data() + at, std::min(chunk_, answer.size() - at), MSG_NOSIGNAL) < 0) break;
        command.clear();
      }
    }
  }

  std::string folder_;
  std::size_t chunk_;
  Fd listener_;
  std::thread thread_;
};

std::string with_status(std::string text, char status = 0) { return std::move(text) + "\0\0\0"s + status; }
VtySession::Clock::time_point soon() { return VtySession::Clock::now() + 5s; }

TEST(FrrVty, TextAndStatusHoweverTheyArrive) {
  for (const std::size_t chunk : {1, 3, 4096}) {
    const FakeDaemon daemon([](const std::string& command) { return with_status("answer to " + command + "\n", 13); },
                            chunk);
    auto session = VtySession::open(daemon.path(), soon()).value();
    const auto answer = session.ask("show x", soon()).value();
    EXPECT_EQ(answer.text, "answer to show x\n");
    EXPECT_EQ(answer.status, 13);
    EXPECT_EQ(answer.words(), "answer to show x");
    EXPECT_EQ(session.ask("show y", soon()).value().text, "answer to show y\n");
  }
}

TEST(FrrVty, AnAnswerOfManyMegabytes) {
  const std::string large(20U << 20U, 'x');
  const FakeDaemon daemon([&](const std::string&) { return with_status(large); });
  auto session = VtySession::open(daemon.path(), soon()).value();
  EXPECT_EQ(session.ask("show all", soon()).value().text, large);
}

TEST(FrrVty, CommandsSentAheadGetTheirAnswersInOrder) {
  const FakeDaemon daemon(
      [](const std::string& command) { return with_status(command, static_cast<char>(command.size())); }, 2);
  auto session = VtySession::open(daemon.path(), soon()).value();
  std::vector<std::string> commands;
  for (int i = 0; i < 300; ++i) commands.push_back("line " + std::to_string(i));
  const auto answers = session.ask_ahead(commands, 5s).value();
  ASSERT_EQ(answers.size(), commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    EXPECT_EQ(answers[i].text, commands[i]);
    EXPECT_EQ(answers[i].status, commands[i].size());
  }
}

TEST(FrrVty, ADaemonThatFallsSilentIsATimeout) {
  const FakeDaemon daemon([](const std::string&) { return "half an answer"s; });
  auto session = VtySession::open(daemon.path(), soon()).value();
  const auto answer = session.ask("show x", VtySession::Clock::now() + 50ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::timeout);
}

TEST(FrrVty, ADaemonThatHangsUpIsUnavailable) {
  const FakeDaemon daemon([](const std::string&) { return ""s; });
  auto session = VtySession::open(daemon.path(), soon()).value();
  const auto answer = session.ask("show x", soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_TRUE(session.hung_up());
}

TEST(FrrVty, NulsWithinAnAnswerAreAProtocolError) {
  const FakeDaemon daemon([](const std::string&) { return "a\0b"s + with_status("c"); });
  auto session = VtySession::open(daemon.path(), soon()).value();
  const auto answer = session.ask("show x", soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::protocol);
}

TEST(FrrVty, NobodyThereNamesThePath) {
  const auto session = VtySession::open("/nonexistent/ospfd.vty", soon());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, Errc::unavailable);
  EXPECT_THAT(session.error().message, testing::HasSubstr("/nonexistent/ospfd.vty"));
  EXPECT_FALSE(VtySession::open("/" + std::string(200, 'x'), soon()));
}

TEST(FrrVty, AContextThatIsRefusedKeepsItsLinesOut) {
  std::vector<std::string> seen;
  const FakeDaemon daemon([&](const std::string& command) {
    seen.push_back(command);
    return with_status(command == "router ospf" ? "% no" : "", command == "router ospf" ? '\2' : '\0');
  });
  auto session = VtySession::open(daemon.path(), soon()).value();
  for (const bool one_by_one : {false, true}) {
    seen.clear();
    const auto refusals = enter_lines(session, "router ospf", {"a", "b"}, 5s, one_by_one).value();
    EXPECT_EQ(refusals.size(), 2U);
    EXPECT_THAT(seen, testing::ElementsAre("configure terminal", "router ospf", "end"));
  }
}

TEST(FrrVty, ALockIsWaitedForButNotForEver) {
  int tries = 0;
  const FakeDaemon daemon([&](const std::string& command) {
    if (command != "ip route") return with_status("");
    return ++tries < 4 ? with_status("% command failed, could not lock running DS\n", '\xff') : with_status("");
  });
  auto session = VtySession::open(daemon.path(), soon()).value();
  EXPECT_TRUE(enter_lines(session, "", {"ip route"}, 5s, true).value().empty());
  EXPECT_EQ(tries, 4);
  tries = -1000;
  const auto refusals = enter_lines(session, "", {"ip route"}, 60ms, true).value();
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_TRUE(refusals[0].answer.locked());
}

TEST(FrrVty, TheAdapterReconnectsAfterAHangUp) {
  int commands = 0;
  const FakeDaemon daemon([&](const std::string&) { return ++commands == 2 ? ""s : with_status("{}"); });
  host::Frr frr(daemon.folder(), 5s);
  EXPECT_TRUE(frr.ospf_neighbors());
  EXPECT_FALSE(frr.ospf_neighbors()) << "in the middle of an answer";
  EXPECT_TRUE(frr.ospf_neighbors());
  EXPECT_FALSE(frr.serves("zebra"));
}

}  // namespace
}  // namespace radial::host::frr
