#include "host/ospf_reflood.h"

#include <algorithm>
#include <utility>

#include "host/ospf_reader.h"

namespace radial::host {
namespace {

using namespace ospf;

constexpr std::size_t ip_header = 20;
constexpr int transit_delay = 1;  // InfTransDelay, in seconds
// A burst that is larger is FRR's to pass on: this is for a change here and there, and
// costs each LSA times the sites.
constexpr std::size_t most_waiting = 64;
constexpr std::size_t most_known = 100'000;
// A router that lost its own memory begins to count anew.
constexpr auto remembered = std::chrono::seconds(60);

// A Link State Update (RFC 2328, A.3.5) while it is written.
class UpdateWriter {
 public:
  UpdateWriter(const IpAddress& router, const IpAddress& area) : bytes_(v2_header + 4) {
    bytes_[0] = 2;
    bytes_[1] = link_state_update;
    put32(bytes_, 4, router.to_v4());
    put32(bytes_, 8, area.to_v4());
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  void add(Bytes lsa) {
    bytes_.insert(bytes_.end(), lsa.begin(), lsa.end());
    ++count_;
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  std::vector<std::uint8_t> finish() && {
    put16(bytes_, 2, static_cast<std::uint16_t>(bytes_.size()));
    put32(bytes_, v2_header, count_);
    put16(bytes_, 12, internet_checksum(bytes_));  // the authentication that it leaves out is all zero
    return std::move(bytes_);
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::uint32_t count_ = 0;
};

int age_of(Bytes lsa) { return u16(lsa, 0) & age_mask; }

std::vector<std::uint8_t> older_by_the_way(Bytes lsa) {
  std::vector<std::uint8_t> copy(lsa.begin(), lsa.end());
  if ((u16(lsa, 0) & ~age_mask) == 0)
    put16(copy, 0, static_cast<std::uint16_t>(std::min(age_of(lsa) + transit_delay, lsa_max_age)));
  return copy;
}

}  // namespace

void OspfReflood::configure(const IpAddress& own, const IpAddress& area, std::vector<Site> sites) {
  if (own == own_ && area == area_ && sites == sites_) return;
  own_ = own;
  area_ = area;
  sites_ = std::move(sites);
  known_.clear();
  waiting_.clear();
}

bool OspfReflood::is_news(Time now, const Key& key, Bytes lsa) {
  const Known instance{u32(lsa, 12), u16(lsa, 16), age_of(lsa) >= lsa_max_age, now};
  const auto found = known_.find(key);
  if (found == known_.end()) {
    if (known_.size() >= most_known) std::erase_if(known_, [&](const auto& one) { return now - one.second.when >= remembered; });
    if (known_.size() >= most_known) return false;
    known_.emplace(key, instance);
    return true;
  }
  auto& known = found->second;
  const bool same = instance.sequence == known.sequence && instance.checksum == known.checksum && instance.withdrawn == known.withdrawn;
  // Sequence numbers are signed (RFC 2328, 12.1.6).
  const bool older = static_cast<std::int32_t>(instance.sequence) < static_cast<std::int32_t>(known.sequence);
  if ((same || older) && now - known.when < remembered) return false;
  known = instance;
  return true;
}

void OspfReflood::hear(Time now, const IpAddress& sender, Bytes packet) {
  const auto ospf = v2_packet_in(packet);
  if (!ospf || (*ospf)[1] != link_state_update) return;
  const auto router = address(*ospf, 4);
  const auto known = [&](const Site& site) { return site.address == sender && site.router_id == router; };
  if (address(*ospf, 8) != area_ || std::none_of(sites_.begin(), sites_.end(), known)) return;
  for (const auto lsa : lsas_of(ospf->subspan(v2_header))) {
    const Key key{address(lsa, 8), lsa[3], address(lsa, 4)};
    if (std::get<0>(key) != router || !is_news(now, key, lsa)) continue;
    if (waiting_.size() < most_waiting || waiting_.contains(key)) waiting_[key] = older_by_the_way(lsa);
  }
}

std::vector<OspfReflood::Update> OspfReflood::take(std::size_t mtu) {
  std::vector<Update> updates;
  for (const auto& site : sites_) {
    UpdateWriter writer(own_, area_);
    const auto send = [&] { updates.push_back({site.address, std::exchange(writer, {own_, area_}).finish()}); };
    for (const auto& [key, lsa] : waiting_) {
      if (std::get<0>(key) == site.router_id) continue;
      if (!writer.empty() && ip_header + writer.size() + lsa.size() > mtu) send();
      writer.add(lsa);
    }
    if (!writer.empty()) send();
  }
  waiting_.clear();
  return updates;
}

}  // namespace radial::host
