// What hubs ask each other about LSAs that a site of several hubs brought to one of
// them (observe/lsdb_rules.h): whether it came to another before. Datagrams
// between the hubs' own tunnel addresses (UDP, inside the tunnel), as JSON:
//   {"version": 1, "ospf": 2, "asked": [LSA...]}    is answered by
//   {"version": 1, "ospf": 2, "heard": [LSA...]}    with an "age" in each, -1: never heard.
// No site can send from a hub's address: it is in nobody's grant. One that is lost is asked again.
//
// Threading: the io_context's thread.
#pragma once

#include <array>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "base/ip.h"
#include "base/result.h"
#include "compile/node_config.h"
#include "observe/lsdb_rules.h"

namespace radial::agent {

// Below poke_port.
inline constexpr std::uint16_t hub_talk_port = 51818;

struct HubMessage {
  host::OspfVersion ospf = host::OspfVersion::v2;
  bool answers = false;
  std::vector<observe::HeardLsa> lsas;
  bool operator==(const HubMessage&) const = default;
};
[[nodiscard]] std::string to_json(const HubMessage& message);
[[nodiscard]] Result<HubMessage> hub_message_from_json(std::string_view text);

class HubTalk {
 public:
  HubTalk(boost::asio::io_context& loop, std::function<void(const IpAddress& hub, const HubMessage&)> heard)
      : socket_(loop), heard_(std::move(heard)) {}

  // A hub of a fabric of several hubs under OSPF talks to the others; nobody else does.
  [[nodiscard]] Status configure(const NodeConfig& config);
  void send(const IpAddress& hub, const HubMessage& message);

 private:
  void wait();
  boost::asio::ip::udp::socket socket_;
  std::function<void(const IpAddress& hub, const HubMessage&)> heard_;
  IpAddress own_;
  std::set<IpAddress> hubs_;
  boost::asio::ip::udp::endpoint from_;
  std::array<char, 4096> buffer_{};
};

}  // namespace radial::agent
