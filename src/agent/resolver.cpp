#include "agent/resolver.h"

#include <algorithm>

#include "base/log.h"

namespace radial::agent {
namespace {

constexpr auto again_after = std::chrono::seconds(30);

}  // namespace

Resolver::Resolver(boost::asio::io_context& loop, std::function<void()> changed)
    : resolver_(loop), changed_(std::move(changed)) {}

std::vector<Endpoint> Resolver::resolve(const std::vector<Endpoint>& endpoints) {
  std::vector<Endpoint> all;
  for (const auto& endpoint : endpoints) {
    if (endpoint.address()) {
      all.push_back(endpoint);
    } else if (const auto found = known_.find(endpoint.host); found != known_.end()) {
      for (const auto& address : found->second) all.push_back(Endpoint::of(address, endpoint.port));
    } else if (const auto failed = failures_.find(endpoint.host);
               failed == failures_.end() || std::chrono::steady_clock::now() - failed->second.at >= again_after) {
      look_up(endpoint.host);
    }
  }
  return all;
}

bool Resolver::knows_all(const std::vector<Endpoint>& endpoints) const {
  return std::all_of(endpoints.begin(), endpoints.end(), [&](const auto& one) { return one.address() || known_.contains(one.host); });
}

void Resolver::refresh(const std::vector<Endpoint>& endpoints) {
  for (const auto& endpoint : endpoints)
    if (!endpoint.address()) look_up(endpoint.host);
}

void Resolver::look_up(const std::string& host) {
  if (!pending_.insert(host).second) return;
  resolver_.async_resolve(host, "", [this, host](const boost::system::error_code& error, const auto& results) {
    pending_.erase(host);
    if (error == boost::asio::error::operation_aborted) return;
    std::vector<IpAddress> addresses;
    for (const auto& result : results)
      if (auto parsed = IpAddress::parse(result.endpoint().address().to_string());
          parsed && std::find(addresses.begin(), addresses.end(), *parsed) == addresses.end())
        addresses.push_back(*parsed);
    if (addresses.empty()) {
      const auto why = error ? error.message() : std::string("no address");
      if (failures_[host].why != why) spdlog::warn("cannot resolve {}: {}", host, why);
      failures_[host] = {why, std::chrono::steady_clock::now()};  // an address known before stays in use
      return;
    }
    failures_.erase(host);
    // A server may rotate its answers: whoever dials stays with an address as
    // long as it is among them.
    auto& known = known_[host];
    if (std::is_permutation(addresses.begin(), addresses.end(), known.begin(), known.end())) return;
    if (!known.empty()) spdlog::info("{} is now {}", host, fmt::join(addresses, ", "));
    known = std::move(addresses);
    changed_();
  });
}

}  // namespace radial::agent
