#include "agent/resolver.h"

#include <algorithm>

#include "base/log.h"

namespace radial::agent {

Resolver::Resolver(boost::asio::io_context& loop, std::function<void()> changed)
    : resolver_(loop), changed_(std::move(changed)) {}

std::optional<Endpoint> Resolver::resolve(const std::vector<Endpoint>& endpoints) {
  std::optional<Endpoint> answer;
  for (const auto& endpoint : endpoints) {
    if (endpoint.address()) {
      if (!answer) answer = endpoint;
    } else if (const auto found = known_.find(endpoint.host); found != known_.end()) {
      if (!answer) answer = Endpoint::of(found->second, endpoint.port);
    } else if (!failures_.contains(endpoint.host)) {
      look_up(endpoint.host);
    }
  }
  return answer;
}

void Resolver::refresh() {
  std::set<std::string> names;
  for (const auto& [name, address] : known_) names.insert(name);
  for (const auto& [name, why] : failures_) names.insert(name);
  for (const auto& name : names) look_up(name);
}

void Resolver::look_up(const std::string& host) {
  if (!pending_.insert(host).second) return;
  resolver_.async_resolve(host, "", [this, host](const boost::system::error_code& error, const auto& results) {
    pending_.erase(host);
    if (error == boost::asio::error::operation_aborted) return;
    std::vector<IpAddress> addresses;
    for (const auto& result : results)
      if (auto parsed = IpAddress::parse(result.endpoint().address().to_string())) addresses.push_back(*parsed);
    const auto known = known_.find(host);
    if (addresses.empty()) {
      const auto why = error ? error.message() : std::string("no address");
      if (failures_[host] != why) spdlog::warn("cannot resolve {}: {}", host, why);
      failures_[host] = why;  // an address known before stays in use
      return;
    }
    failures_.erase(host);
    // A server that rotates its answers must not move a peer about: stay with
    // the address in use as long as it is among them.
    if (known != known_.end() && std::find(addresses.begin(), addresses.end(), known->second) != addresses.end()) return;
    known_[host] = addresses.front();
    changed_();
  });
}

}  // namespace radial::agent
