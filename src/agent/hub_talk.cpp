#include "agent/hub_talk.h"

#include "agent/tunnel_socket.h"
#include "fabric/strict_json.h"

namespace radial::agent {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;

constexpr std::size_t most_bytes = 4096;
constexpr auto last_type = static_cast<int>(host::LsaType::intra_prefix);

Json lsa_to_json(const observe::HeardLsa& lsa) {
  return {{"type", static_cast<int>(lsa.type)}, {"id", lsa.id.to_string()},     {"originator", lsa.originator.to_string()},
          {"sequence", lsa.sequence},           {"checksum", lsa.checksum},     {"withdrawn", lsa.withdrawn},
          {"age", lsa.age}};
}

Result<observe::HeardLsa> lsa_from_json(const Json& json) {
  if (!json.is_object()) return fail(Errc::protocol, "an LSA is no object");
  const auto address = [&](const char* key) -> Result<IpAddress> {
    if (!json.contains(key) || !json[key].is_string()) return fail(Errc::protocol, "'{}' is missing or no text", key);
    return IpAddress::parse(json[key].get_ref<const std::string&>());
  };
  observe::HeardLsa lsa;
  RADIAL_ASSIGN(const auto type, json_integer<int>(json.value("type", Json()), "type", 0, last_type));
  lsa.type = static_cast<host::LsaType>(type);
  RADIAL_ASSIGN(lsa.id, address("id"));
  RADIAL_ASSIGN(lsa.originator, address("originator"));
  RADIAL_ASSIGN(lsa.sequence, json_integer<std::uint32_t>(json.value("sequence", Json()), "sequence", 0));
  RADIAL_ASSIGN(lsa.checksum, json_integer<std::uint16_t>(json.value("checksum", Json()), "checksum", 0));
  RADIAL_ASSIGN(lsa.age, json_integer<int>(json.value("age", Json()), "age", -1, host::lsa_max_age));
  lsa.withdrawn = json.value("withdrawn", Json()) == true;
  return lsa;
}

}  // namespace

std::string to_json(const HubMessage& message) {
  Json lsas = Json::array();
  for (const auto& lsa : message.lsas) lsas.push_back(lsa_to_json(lsa));
  return Json{{"version", 1}, {"ospf", static_cast<int>(message.ospf)}, {message.answers ? "heard" : "asked", std::move(lsas)}}.dump();
}

Result<HubMessage> hub_message_from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse_strict_json(text, {most_bytes, 4}));
  if (!json.is_object() || json.value("version", Json()) != 1) return fail(Errc::unsupported, "hubs talk in version 1 here");
  HubMessage message;
  RADIAL_ASSIGN(const auto version, json_integer<int>(json.value("ospf", Json()), "ospf", 2, 3));
  message.ospf = static_cast<host::OspfVersion>(version);
  message.answers = json.contains("heard");
  const auto& lsas = json.contains("heard") ? json["heard"] : json.contains("asked") ? json["asked"] : Json();
  if (!lsas.is_array() || lsas.size() > observe::most_questions) return fail(Errc::protocol, "neither 'asked' nor 'heard' is a short list");
  for (const auto& one : lsas) {
    RADIAL_ASSIGN(auto lsa, lsa_from_json(one));
    message.lsas.push_back(std::move(lsa));
  }
  return message;
}

Status HubTalk::configure(const NodeConfig& config) {
  std::set<IpAddress> hubs;
  if (config.role == NodeRole::hub && config.routing == RoutingEngine::ospf)
    for (const auto& router : config.routers)
      if (router.hub && router.id != config.router_id) hubs.insert(router.id);
  if (hubs == hubs_ && config.router_id == own_) return {};
  boost::system::error_code ignored;
  socket_.close(ignored);
  hubs_.clear();
  if (hubs.empty()) return {};
  RADIAL_TRY(bind_in_tunnel(socket_, config.router_id, hub_talk_port));
  own_ = config.router_id;
  hubs_ = std::move(hubs);
  wait();
  return {};
}

void HubTalk::send(const IpAddress& hub, const HubMessage& message) {
  if (!socket_.is_open()) return;
  boost::system::error_code ignored;
  const asio::ip::udp::endpoint to(asio::ip::make_address(hub.to_string(), ignored), hub_talk_port);
  socket_.send_to(asio::buffer(to_json(message)), to, 0, ignored);
}

void HubTalk::wait() {
  socket_.async_receive_from(asio::buffer(buffer_), from_, [this](const boost::system::error_code& error, std::size_t size) {
    if (error == asio::error::operation_aborted) return;
    const auto from = IpAddress::parse(from_.address().to_string());
    if (!error && from && hubs_.contains(*from))
      if (const auto message = hub_message_from_json({buffer_.data(), size})) heard_(*from, *message);
    wait();
  });
}

}  // namespace radial::agent
