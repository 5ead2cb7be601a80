#include "host/bgp_stream.h"

#include <algorithm>
#include <utility>

#include "host/bgp_message.h"

namespace radial::host {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 3s;                 // for a segment that TCP sends again
constexpr std::size_t most_early = 128 << 10; // bytes behind a gap

}  // namespace

void BgpStream::give_up() {
  next_.reset();
  pending_.clear();
  early_.clear();
  early_bytes_ = 0;
  gap_since_.reset();
  lost_ = true;
}

void BgpStream::append(std::span<const std::uint8_t> bytes, std::vector<std::vector<std::uint8_t>>& messages) {
  *next_ += static_cast<std::uint32_t>(bytes.size());
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  std::span<const std::uint8_t> rest(pending_);
  while (rest.size() >= bgp_header) {
    const auto length = bgp_message_length(rest);
    if (!length) return give_up();
    if (rest.size() < *length) break;
    messages.emplace_back(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(*length));
    rest = rest.subspan(*length);
  }
  pending_.erase(pending_.begin(), pending_.end() - static_cast<std::ptrdiff_t>(rest.size()));
}

bool BgpStream::use(std::uint32_t sequence, std::span<const std::uint8_t> bytes,
                    std::vector<std::vector<std::uint8_t>>& messages) {
  if (!next_) {
    if (!bgp_message_length(bytes)) return true;
    next_ = sequence;
  }
  const auto ahead = static_cast<std::int32_t>(sequence - *next_);
  if (ahead < 0) {  // said before, or partly
    const auto known = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
    if (known < bytes.size()) append(bytes.subspan(known), messages);
    return true;
  }
  // KEEPALIVEs, which we are not shown.
  if (ahead > 0 && pending_.empty() && ahead % static_cast<std::int32_t>(bgp_header) == 0 && bgp_message_length(bytes))
    next_ = sequence;
  else if (ahead > 0)
    return false;
  append(bytes, messages);
  return true;
}

std::vector<std::vector<std::uint8_t>> BgpStream::take(Time now, const TcpSegment& segment) {
  std::vector<std::vector<std::uint8_t>> messages;
  if (segment.opens) {
    *this = {};
    next_ = segment.sequence + 1;
    return messages;
  }
  if (segment.payload.empty()) return messages;
  if (!use(segment.sequence, segment.payload, messages)) {
    if (early_bytes_ + segment.payload.size() > most_early) {
      give_up();
      return messages;
    }
    if (early_.emplace(segment.sequence, segment.payload).second) early_bytes_ += segment.payload.size();
    if (!gap_since_) gap_since_ = now;
    return messages;
  }
  // What waited for this. Numbers wrap round, so it is not the first of them that fits.
  auto waiting = std::exchange(early_, {});
  for (bool more = true; more && next_;) {
    more = false;
    for (auto one = waiting.begin(); one != waiting.end() && next_;) {
      if (!use(one->first, one->second, messages)) {
        ++one;
        continue;
      }
      early_bytes_ -= std::min(early_bytes_, one->second.size());
      one = waiting.erase(one);
      more = true;
    }
  }
  if (next_) early_ = std::move(waiting);
  if (early_.empty()) gap_since_.reset();
  return messages;
}

bool BgpStream::lost(Time now) {
  if (gap_since_ && now - *gap_since_ > patience) give_up();
  return std::exchange(lost_, false);
}

}  // namespace radial::host
