#include "fabric/address_plan.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "fabric/stable_hash.h"

namespace radial {
namespace {

using Slot = std::uint32_t;  // an address's distance from the network address

// The wire of one hub while its slots are handed out.
class SlotPlan {
 public:
  explicit SlotPlan(const Hub& hub)
      : hub_(hub), last_((Slot{1} << (32 - hub.tunnel_v4.length())) - 2), taken_(std::size_t{last_} + 1) {}

  // Slots 1 to last: the network and the broadcast address are nobody's.
  [[nodiscard]] Slot last() const { return last_; }
  [[nodiscard]] bool is_free(Slot slot) const { return !taken_[slot]; }
  [[nodiscard]] Slot home(std::string_view node) const { return static_cast<Slot>(stable_hash(node) % last_) + 1; }
  [[nodiscard]] IpAddress address(Slot slot) const { return *hub_.tunnel_v4.address().plus(slot); }

  [[nodiscard]] std::optional<Slot> slot_of(const IpAddress& address) const {
    if (!hub_.tunnel_v4.contains(address)) return std::nullopt;
    const Slot slot = address.to_v4() - hub_.tunnel_v4.address().to_v4();
    return slot >= 1 && slot <= last_ ? std::optional(slot) : std::nullopt;
  }

  void take(Slot slot) {
    taken_[slot] = true;
    ++used_;
  }

  // The first free slot from `slot` on, round the end; nothing when all are taken.
  [[nodiscard]] std::optional<Slot> next_free(Slot slot) const {
    if (used_ >= last_) return std::nullopt;
    while (taken_[slot]) slot = slot == last_ ? 1 : slot + 1;
    return slot;
  }

 private:
  const Hub& hub_;
  Slot last_;
  std::vector<bool> taken_;
  Slot used_ = 0;
};

struct Member {
  std::string_view name;
  std::optional<IpAddress> pinned;
};

bool dials(const Site& site, std::string_view hub) {
  return std::find(site.hubs.begin(), site.hubs.end(), hub) != site.hubs.end();
}

// Who has an address on the wire of `hub`, by name.
std::vector<Member> members_of(const Fabric& fabric, const Hub& hub) {
  std::vector<Member> members{{hub.name, hub.address}};
  for (const auto& other : fabric.hubs)
    if (other.name != hub.name) members.push_back({other.name, std::nullopt});
  for (const auto& site : fabric.sites)
    if (dials(site, hub.name)) members.push_back({site.name, site.address});
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.name < b.name; });
  return members;
}

// What the file pins and the book holds. Members without either go to `rest`.
Status settle(const Hub& hub, const std::vector<Member>& members, const AddressBook& previous, SlotPlan& plan,
              AddressBook& book, std::vector<Member>& rest) {
  std::unordered_map<Slot, std::string_view> holders;
  const auto give = [&](const Member& member, const IpAddress& address, std::string_view source) -> Status {
    const auto slot = plan.slot_of(address);
    if (!slot)
      return fail(
          Errc::conflict,
          "{} has the {} tunnel address {} at {}, which is no host of {}; change `tunnel` back, or let the node "
          "be enrolled anew",
          member.name, source, address, hub.name, hub.tunnel_v4);
    if (const auto [holder, is_new] = holders.emplace(*slot, member.name); !is_new)
      return fail(Errc::conflict, "the tunnel address {} at {} belongs to {} and is {} for {}; pin another address",
                  address, hub.name, holder->second, source, member.name);
    plan.take(*slot);
    book.emplace(std::pair(hub.name, std::string(member.name)), address);
    return {};
  };
  std::vector<Member> unpinned;
  for (const auto& member : members) {
    if (member.pinned)
      RADIAL_TRY(give(member, *member.pinned, "pinned"));
    else
      unpinned.push_back(member);
  }
  for (const auto& member : unpinned) {
    const auto booked = previous.find(std::pair(hub.name, std::string(member.name)));
    if (booked != previous.end())
      RADIAL_TRY(give(member, booked->second, "booked"));
    else
      rest.push_back(member);
  }
  return {};
}

Status plan_hub(const Fabric& fabric, const Hub& hub, const AddressBook& previous, AddressBook& book) {
  if (hub.tunnel_v4.family() != Family::v4 || hub.tunnel_v4.length() < 8 || hub.tunnel_v4.length() > 30)
    return fail(Errc::invalid_argument, "{} is no tunnel prefix for {}; its length must be 8 to 30", hub.tunnel_v4,
                hub.name);
  const auto members = members_of(fabric, hub);
  SlotPlan plan(hub);
  if (members.size() > plan.last())
    return fail(
        Errc::invalid_argument,
        "the tunnel prefix {} of {} has room for {} nodes, and {} have an address there; write a wider `tunnel`",
        hub.tunnel_v4, hub.name, plan.last(), members.size());
  std::vector<Member> rest;
  RADIAL_TRY(settle(hub, members, previous, plan, book, rest));

  const auto place = [&](const Member& member, Slot slot) {
    plan.take(slot);
    book.emplace(std::pair(hub.name, std::string(member.name)), plan.address(slot));
  };
  // The hub first, then who finds its own slot free, then the others: nobody
  // is pushed from a slot that it alone hashes to.
  std::vector<Member> homeless;
  const auto own = std::find_if(rest.begin(), rest.end(), [&](const Member& m) { return m.name == hub.name; });
  if (own != rest.end()) {
    place(*own, *plan.next_free(1));
    rest.erase(own);
  }
  for (const auto& member : rest) {
    const Slot home = plan.home(member.name);
    if (plan.is_free(home))
      place(member, home);
    else
      homeless.push_back(member);
  }
  for (const auto& member : homeless) place(member, *plan.next_free(plan.home(member.name)));
  return {};
}

}  // namespace

Result<AddressBook> plan_addresses(const Fabric& fabric, const AddressBook& previous) {
  AddressBook book;
  for (const auto& hub : fabric.hubs) RADIAL_TRY(plan_hub(fabric, hub, previous, book));
  return book;
}

WireAddresses wire_addresses(const Fabric& fabric, const AddressBook& book, std::string_view hub,
                             std::string_view node) {
  const Hub& at = *fabric.find_hub(hub);
  const IpAddress v4 = book.at(std::pair(std::string(hub), std::string(node)));
  const Slot slot = v4.to_v4() - at.tunnel_v4.address().to_v4();
  WireAddresses addresses{v4, std::nullopt, std::nullopt};
  if (at.tunnel_v6) {
    constexpr std::array<std::uint8_t, 16> link_local{0xfe, 0x80};  // RFC 4291, section 2.5.6
    addresses.v6 = at.tunnel_v6->address().plus(slot);
    addresses.link_local = IpAddress::from_bytes(link_local).plus(slot);
  }
  return addresses;
}

IpAddress router_id(const Fabric& fabric, const AddressBook& book, std::string_view node) {
  const Site* site = fabric.find_site(node);
  return wire_addresses(fabric, book, site ? site->hubs.front() : node, node).v4;
}

}  // namespace radial
