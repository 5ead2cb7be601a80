#include "agent/peer_places.h"

#include <cerrno>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/log.h"

namespace radial::agent {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr int format_version = 1;
constexpr auto interval = 60s;
constexpr std::size_t most_bytes = 8U << 20U;

Result<std::map<PublicKey, Endpoint>> load(const std::filesystem::path& file) {
  std::map<PublicKey, Endpoint> places;
  const auto text = read_file(file, most_bytes);
  if (!text && text.error().sys_errno == ENOENT) return places;
  if (!text) return Unexpected(text.error());
  try {
    const auto json = Json::parse(*text);
    if (json.at("version") != format_version) return fail(Errc::unsupported, "written by another version of Radial");
    for (const auto& [peer, place] : json.at("places").items()) {
      RADIAL_ASSIGN(const auto key, PublicKey::parse(peer));
      RADIAL_ASSIGN(const auto endpoint, Endpoint::parse(place.get<std::string>()));
      if (endpoint.address()) places.emplace(key, endpoint);
    }
  } catch (const Json::exception& error) {
    return fail(Errc::protocol, "damaged: {}", error.what());
  }
  return places;
}

}  // namespace

PeerPlaces::PeerPlaces(std::filesystem::path file) : file_(std::move(file)) {
  if (auto loaded = load(file_)) places_ = std::move(*loaded);
  else spdlog::warn("{}: {}; peers that dial in are spoken to when they come", file_.string(), loaded.error().message);
}

void PeerPlaces::remember(const PublicKey& peer, const Endpoint& place) {
  const auto [known, added] = places_.try_emplace(peer, place);
  if (!added && known->second == place) return;
  known->second = place;
  changed_ = true;
}

std::optional<Endpoint> PeerPlaces::of(const PublicKey& peer) const {
  const auto found = places_.find(peer);
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

void PeerPlaces::keep_only(const std::set<PublicKey>& peers) {
  if (std::erase_if(places_, [&](const auto& one) { return !peers.contains(one.first); }) > 0) changed_ = true;
}

Status PeerPlaces::save() {
  if (!changed_) return {};
  auto places = Json::object();
  for (const auto& [peer, place] : places_) places[peer.to_string()] = place.to_string();
  RADIAL_TRY(write_file_atomically(file_, Json{{"version", format_version}, {"places", std::move(places)}}.dump(2) + "\n", 0600));
  changed_ = false;
  return {};
}

bool PeerPlaces::due(Time now) {
  if (!changed_ || (was_due_ && now - *was_due_ < interval)) return false;
  was_due_ = now;
  return true;
}

}  // namespace radial::agent
