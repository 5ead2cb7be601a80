#include "host/netlink_socket.h"

#include <deque>
#include <vector>

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include "host/netlink_attributes.h"

namespace radial::host {
namespace {

using Bytes = std::vector<std::uint8_t>;

void append(Bytes& datagram, std::uint16_t type, std::uint16_t flags, std::uint32_t sequence, const Bytes& payload) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + payload.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  const auto* raw = reinterpret_cast<const std::uint8_t*>(&header);
  datagram.insert(datagram.end(), raw, raw + sizeof header);
  datagram.insert(datagram.end(), payload.begin(), payload.end());
  datagram.resize(NLMSG_ALIGN(datagram.size()));
}

Bytes number(int value) {
  const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
  return {raw, raw + sizeof value};
}

Bytes error_with_words(int error, std::string_view words) {
  nlmsgerr body{};
  body.error = error;
  body.msg.nlmsg_len = NLMSG_HDRLEN;
  const auto* raw = reinterpret_cast<const std::uint8_t*>(&body);
  Bytes bytes(raw, raw + sizeof body);
  const nlattr attribute{static_cast<std::uint16_t>(NLA_HDRLEN + words.size() + 1), NLMSGERR_ATTR_MSG};
  raw = reinterpret_cast<const std::uint8_t*>(&attribute);
  bytes.insert(bytes.end(), raw, raw + sizeof attribute);
  bytes.insert(bytes.end(), words.begin(), words.end());
  bytes.push_back(0);
  return bytes;
}

// Plays a script: for each request, the datagrams (made for its sequence
// number) or errors that follow it.
class ScriptedTransport final : public NetlinkTransport {
 public:
  using Answer = std::function<Result<Bytes>(std::uint32_t sequence)>;
  std::deque<std::vector<Answer>> script;
  std::vector<nlmsghdr> sent;

  Status send(std::span<const std::uint8_t> datagram) override {
    nlmsghdr header{};
    std::memcpy(&header, datagram.data(), sizeof header);
    EXPECT_EQ(header.nlmsg_len, datagram.size());
    sent.push_back(header);
    if (script.empty()) return fail(Errc::internal, "the script has ended");
    for (auto& answer : script.front()) pending_.push_back(answer(header.nlmsg_seq));
    script.pop_front();
    return {};
  }
  Result<std::size_t> receive(std::span<std::uint8_t> buffer) override {
    if (pending_.empty()) return fail(Errc::timeout, "nothing to read");
    auto next = std::move(pending_.front());
    pending_.pop_front();
    if (!next) return forward_error(std::move(next.error()));
    std::copy(next->begin(), next->end(), buffer.begin());
    return next->size();
  }
  Status set_option(int, bool) override { return {}; }

 private:
  std::deque<Result<Bytes>> pending_;
};

struct Conversation {
  ScriptedTransport* transport = new ScriptedTransport;
  NetlinkSocket socket{std::unique_ptr<NetlinkTransport>(transport)};
  std::vector<int> seen;

  NetlinkSocket::Reader reader() {
    return [this](const nlmsghdr& message) -> Status {
      seen.push_back(header_of<int>(message).value());
      return {};
    };
  }
  Status dump() {
    NetlinkMessage message(RTM_GETROUTE);
    return socket.dump(message, [this] { seen.clear(); }, reader());
  }
};

ScriptedTransport::Answer item(int value, std::uint16_t flags = NLM_F_MULTI) {
  return [=](std::uint32_t sequence) -> Result<Bytes> {
    Bytes datagram;
    append(datagram, RTM_NEWROUTE, flags, sequence, number(value));
    return datagram;
  };
}
ScriptedTransport::Answer done(std::uint16_t flags = NLM_F_MULTI, int error = 0) {
  return [=](std::uint32_t sequence) -> Result<Bytes> {
    Bytes datagram;
    append(datagram, NLMSG_DONE, flags, sequence, number(error));
    return datagram;
  };
}
ScriptedTransport::Answer acknowledged(int error, std::string_view words = "") {
  return [=](std::uint32_t sequence) -> Result<Bytes> {
    Bytes datagram;
    append(datagram, NLMSG_ERROR, words.empty() ? NLM_F_CAPPED : NLM_F_CAPPED | NLM_F_ACK_TLVS, sequence,
           error_with_words(error, words));
    return datagram;
  };
}
ScriptedTransport::Answer broken(int error) {
  return [=](std::uint32_t) -> Result<Bytes> { return fail_errno(error, "cannot read"); };
}

TEST(NetlinkSocket, ARequestEndsWithItsAcknowledgement) {
  Conversation talk;
  talk.transport->script = {{item(7, 0), acknowledged(0)}};
  NetlinkMessage message(RTM_GETLINK, NLM_F_CREATE);
  ASSERT_TRUE(talk.socket.request(message, talk.reader()));
  EXPECT_EQ(talk.seen, std::vector<int>{7});
  EXPECT_EQ(talk.transport->sent.at(0).nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE);
}

TEST(NetlinkSocket, AnErrorCarriesErrnoAndTheKernelsWords) {
  Conversation talk;
  talk.transport->script = {{acknowledged(-EEXIST, "Address already assigned")}};
  NetlinkMessage message(RTM_NEWADDR);
  const auto status = talk.socket.request(message);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::already_exists);
  EXPECT_EQ(status.error().sys_errno, EEXIST);
  EXPECT_NE(status.error().message.find("Address already assigned"), std::string::npos) << status.error().message;
}

TEST(NetlinkSocket, AnInterruptedDumpIsReadToItsEndAndRepeatedFromTheStart) {
  Conversation talk;
  talk.transport->script = {{item(1), item(2, NLM_F_MULTI | NLM_F_DUMP_INTR), item(3), done()},
                            {item(1), done(NLM_F_MULTI | NLM_F_DUMP_INTR)},
                            {item(4), item(5), done()}};
  ASSERT_TRUE(talk.dump());
  EXPECT_EQ(talk.seen, (std::vector<int>{4, 5}));
  EXPECT_EQ(talk.transport->sent.size(), 3U);
}

TEST(NetlinkSocket, ADumpOfWhichAPartWasLostIsRepeated) {
  Conversation talk;
  talk.transport->script = {{item(1), broken(ENOBUFS), item(3), done()}, {item(2), done()}};
  ASSERT_TRUE(talk.dump());
  EXPECT_EQ(talk.seen, std::vector<int>{2});
}

TEST(NetlinkSocket, PassesOverTheAnswerToAnAbandonedRequest) {
  Conversation talk;
  const auto stale = [](std::uint32_t sequence) -> Result<Bytes> {
    Bytes datagram;
    append(datagram, RTM_NEWROUTE, NLM_F_MULTI, sequence - 1, number(99));
    append(datagram, NLMSG_DONE, NLM_F_MULTI, sequence - 1, number(0));
    return datagram;
  };
  talk.transport->script = {{broken(ETIMEDOUT)}, {stale, item(2), done()}};
  EXPECT_FALSE(talk.dump());
  ASSERT_TRUE(talk.dump());
  EXPECT_EQ(talk.seen, std::vector<int>{2});
}

TEST(NetlinkSocket, ADumpThatNeverSettlesIsGivenUp) {
  Conversation talk;
  for (int i = 0; i < 1000; ++i) talk.transport->script.push_back({done(NLM_F_MULTI | NLM_F_DUMP_INTR)});
  const auto status = talk.dump();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::unavailable);
}

TEST(NetlinkSocket, ADumpMayFailAtItsEnd) {
  Conversation talk;
  talk.transport->script = {{item(1), done(NLM_F_MULTI, -ENODEV)}};
  const auto status = talk.dump();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::not_found);
}

TEST(NetlinkSocket, AReaderThatRefusesDoesNotLeaveTheDumpRunning) {
  Conversation talk;
  talk.transport->script = {{item(1), item(2), done()}};
  NetlinkMessage message(RTM_GETROUTE);
  int calls = 0;
  const auto status = talk.socket.dump(message, [] {}, [&](const nlmsghdr&) -> Status {
    ++calls;
    return fail(Errc::protocol, "odd");
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "odd");
  EXPECT_EQ(calls, 1);
  std::array<std::uint8_t, 64> buffer{};
  EXPECT_FALSE(talk.transport->receive(buffer)) << "everything must have been read";
}

TEST(NetlinkSocket, RefusesADatagramThatIsCutShort) {
  Conversation talk;
  talk.transport->script = {{[](std::uint32_t sequence) -> Result<Bytes> {
    Bytes datagram;
    append(datagram, RTM_NEWROUTE, NLM_F_MULTI, sequence, number(1));
    datagram.resize(datagram.size() - 2);
    return datagram;
  }}};
  const auto status = talk.dump();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::protocol);
}

TEST(NetlinkSocket, ListsTheLoopbackOfTheRealKernel) {
  auto socket = NetlinkSocket::open(NETLINK_ROUTE);
  ASSERT_TRUE(socket) << socket.error().message;
  NetlinkMessage message(RTM_GETLINK);
  message.put_header(ifinfomsg{});
  std::vector<int> indices;
  ASSERT_TRUE(socket->dump(message, [&] { indices.clear(); }, [&](const nlmsghdr& link) -> Status {
    indices.push_back(header_of<ifinfomsg>(link)->ifi_index);
    return {};
  }));
  EXPECT_NE(std::find(indices.begin(), indices.end(), 1), indices.end());

  NetlinkMessage absent(RTM_GETLINK);
  absent.put_header(ifinfomsg{});
  absent.put_string(IFLA_IFNAME, "no-such-link");
  const auto status = socket->request(absent);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::not_found) << status.error().message;
}

TEST(NetlinkMessage, NestsAndPads) {
  NetlinkMessage message(RTM_NEWLINK);
  message.put_header(ifinfomsg{});
  message.put_string(IFLA_IFNAME, "wg0");
  const auto nest = message.begin_nest(IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, "wireguard");
  message.end_nest(nest);
  const auto before = message.size();
  message.put_u8(1, 1);
  EXPECT_EQ(message.size(), before + 8);
  message.truncate(before);

  const auto bytes = message.finish(5, NLM_F_ACK);
  const auto* header = reinterpret_cast<const nlmsghdr*>(bytes.data());
  EXPECT_EQ(header->nlmsg_len, bytes.size());
  EXPECT_EQ(header->nlmsg_seq, 5U);
  std::vector<std::string> texts;
  for (const auto& attribute : attributes_of(*header, sizeof(ifinfomsg))) {
    if (attribute.type == IFLA_IFNAME) texts.emplace_back(attribute.text());
    if (attribute.type != IFLA_LINKINFO) continue;
    for (const auto& inner : attribute.nested()) texts.emplace_back(inner.text());
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"wg0", "wireguard"}));
}

TEST(NetlinkAttributes, EndAtWhatIsCutShort) {
  const std::vector<std::uint8_t> bytes{5, 0, 1, 0, 42, 0, 0, 0, /* claims 200 bytes: */ 200, 0, 2, 0, 1};
  std::vector<int> types;
  for (const auto& attribute : NetlinkAttributes(bytes)) {
    types.push_back(attribute.type);
    EXPECT_EQ(attribute.value<std::uint8_t>(), 42);
    EXPECT_EQ(attribute.value<std::uint32_t>(), std::nullopt);
  }
  EXPECT_EQ(types, std::vector<int>{1});
}

}  // namespace
}  // namespace radial::host
