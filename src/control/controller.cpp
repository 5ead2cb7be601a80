#include "control/controller.h"

#include <algorithm>
#include <set>

#include <fmt/ranges.h>

#include "base/digest.h"
#include "compile/compile.h"
#include "compile/json.h"
#include "compile/wires.h"
#include "control/fabric_edit.h"
#include "control/messages.h"
#include "control/token.h"
#include "fabric/address_plan.h"

namespace radial::control {
namespace {

bool holds(const std::vector<IpAddress>& addresses, const IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

bool booked(const AddressBook& book, const std::string& hub, const IpAddress& address) {
  return std::any_of(book.begin(), book.end(),
                     [&](const auto& entry) { return entry.first.first == hub && entry.second == address; });
}

// Usable addresses of a tunnel prefix: all but its first and last.
std::uint64_t size_of(const Prefix& prefix) { return std::uint64_t{1} << (32 - prefix.length()); }

// From the top, where hashed slots are no likelier than elsewhere but an
// operator's pins are rarer.
Result<IpAddress> free_from_top(const Prefix& tunnel, const std::string& hub, const AddressBook& book,
                                const std::vector<IpAddress>& taken) {
  for (auto offset = size_of(tunnel) - 2; offset >= 2; --offset) {
    const auto address = tunnel.address().plus(offset);
    if (address && !booked(book, hub, *address) && !holds(taken, *address)) return *address;
  }
  return fail(Errc::unavailable, "the tunnel prefix {} of {} has no address left: give the hub a wider 'tunnel'", tunnel, hub);
}

bool dials(const Fabric& fabric, const std::string& node, const std::string& hub) {
  const auto* site = fabric.find_site(node);
  return site != nullptr && std::find(site->hubs.begin(), site->hubs.end(), hub) != site->hubs.end();
}

// Whom a node has a wire with.
Result<std::vector<std::string>> neighbours_of(const Fabric& fabric, const std::string& node) {
  std::vector<std::string> names;
  if (const auto* site = fabric.find_site(node)) return site->hubs;
  if (fabric.find_hub(node) == nullptr) return fail(Errc::not_found, "{} is not in the fabric any more", node);
  for (const auto& hub : fabric.hubs)
    if (hub.name != node) names.push_back(hub.name);
  for (const auto& site : fabric.sites)
    if (dials(fabric, site.name, node)) names.push_back(site.name);
  return names;
}

Status refuse(std::string_view why) {
  return Unexpected(Error{Errc::permission_denied, std::string(why), 0});
}

// Guests in quarantine dial the multipoint wire, and members ask the controller there.
Status can_host_controller(const Hub& hub) {
  if (hub.site_wires == SiteWires::multipoint) return {};
  return fail(Errc::unsupported,
              "hub {} has `wire: dedicated`, which is not supported yet where the controller is: machines join over its "
              "multipoint wire. Leave `wire` out at this hub, or run the fabric from files, without a controller",
              hub.name);
}

}  // namespace

bool is_node_of(const Fabric& fabric, const std::string& name) {
  return fabric.find_hub(name) != nullptr || fabric.find_site(name) != nullptr;
}

std::string join_message(std::string_view token_digest, const PublicKey& key) {
  return fmt::format("radial join 1\n{}\n{}\n", token_digest, key);
}

Status Controller::create(const std::filesystem::path& file, const std::string& fabric_yaml, const std::string& hub,
                          const FabricFacts& facts, const std::map<std::string, PresharedKey>& preshared, const std::string& author,
                          std::int64_t now) {
  RADIAL_ASSIGN(const auto fabric, parse_or_fail(fabric_yaml, "fabric.yaml"));
  if (fabric.find_hub(hub) == nullptr)
    return fail(Errc::invalid_argument, "{} is no hub of fabric {}: a controller runs on a hub", hub, fabric.name);
  RADIAL_TRY(can_host_controller(*fabric.find_hub(hub)));
  RADIAL_ASSIGN(const auto book, plan_addresses(fabric, facts.addresses));
  RADIAL_ASSIGN(auto store, Store::create(file));
  RADIAL_ASSIGN(auto transaction, store.begin());
  RADIAL_ASSIGN(const auto number, store.add_revision({0, now, author, "radial init", line_diff("", fabric_yaml), fabric_yaml, RevisionState::active, {}}));
  for (const auto& [name, known] : facts.nodes) {
    if (!is_node_of(fabric, name)) continue;
    RADIAL_TRY(store.set_node(name, known));
  }
  for (const auto& [site, key] : preshared) RADIAL_TRY(store.set_preshared(hub, site, key));
  RADIAL_TRY(store.set_addresses(book));
  RADIAL_TRY(store.audit({now, author, fmt::format("fabric {} begun, revision {}", fabric.name, number)}));
  return transaction.commit();
}

Result<Controller> Controller::open(const std::filesystem::path& file, std::string hub) {
  RADIAL_ASSIGN(auto store, Store::open(file));
  Controller controller(std::move(store), std::move(hub));
  RADIAL_TRY(controller.load());
  // What was on its way when radiald ended is not the fabric: every node that
  // tried it goes back by itself.
  RADIAL_ASSIGN(const auto all, controller.store_.revisions());
  for (const auto& one : all)
    if (one.state == RevisionState::trying)
      RADIAL_TRY(controller.store_.set_revision_state(one.number, RevisionState::reverted, "the controller's radiald ended meanwhile"));
  return controller;
}

Status Controller::load() {
  RADIAL_ASSIGN(auto revision, store_.latest_revision());
  RADIAL_ASSIGN(auto fabric, parse_or_fail(revision.fabric, fmt::format("revision {}", revision.number)));
  RADIAL_ASSIGN(auto facts, store_.facts());
  text_ = std::move(revision.fabric);
  fabric_ = std::move(fabric);
  facts_ = std::move(facts);
  revision_ = revision.number;
  digests_.clear();
  return {};
}

Status Controller::commit(Transaction transaction) {
  RADIAL_TRY(transaction.commit());
  return load();
}

Result<std::vector<IpAddress>> Controller::quarantine_addresses() {
  RADIAL_ASSIGN(const auto all, store_.invitations());
  std::vector<IpAddress> addresses;
  for (const auto& one : all)
    if (one.live()) addresses.push_back(one.address);
  return addresses;
}

// A node that is new must not be given an address that somebody holds in
// quarantine: it takes the nearest free one from the top instead.
Result<AddressBook> Controller::plan(const Fabric& fabric) {
  RADIAL_ASSIGN(auto book, plan_addresses(fabric, facts_.addresses));
  const auto* hub = fabric.find_hub(hub_);
  if (hub == nullptr) return fail(Errc::invalid_argument, "this controller's hub {} is not in the fabric", hub_);
  RADIAL_TRY(can_host_controller(*hub));
  RADIAL_ASSIGN(const auto taken, quarantine_addresses());
  for (auto& [wire, address] : book) {
    if (wire.first != hub_ || !holds(taken, address)) continue;
    RADIAL_ASSIGN(address, free_from_top(hub->tunnel_v4, hub_, book, taken));
  }
  // Fails where the file pins what is taken.
  return plan_addresses(fabric, book);
}

Result<FabricFacts> Controller::facts_for(const Fabric& fabric) {
  auto facts = facts_;
  RADIAL_ASSIGN(facts.addresses, plan(fabric));
  return facts;
}

Status Controller::not_while_trying() const {
  if (!proposed_) return {};
  return fail(Errc::conflict, "revision {} is being tried: wait until it is kept or taken back ('radial change')", proposed_->revision);
}

Result<Candidate> Controller::candidate(const std::string& yaml, std::string_view file_name) {
  Candidate candidate{0, yaml, {}, {}};
  RADIAL_ASSIGN(candidate.fabric, parse_or_fail(yaml, file_name));
  RADIAL_ASSIGN(candidate.addresses, plan(candidate.fabric));
  const auto facts = facts_under(candidate);
  for (const auto& [node, known] : facts_.nodes)  // what cannot be compiled is not tried
    if (is_node_of(candidate.fabric, node))
      if (auto wires = compile_wires(candidate.fabric, facts, node); !wires) return forward_error(std::move(wires.error()));
  return candidate;
}

Result<std::int64_t> Controller::propose(Candidate candidate, const std::string& author, const std::string& reason, std::int64_t now) {
  RADIAL_TRY(not_while_trying());
  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_ASSIGN(candidate.revision, store_.add_revision({0, now, author, reason, line_diff(text_, candidate.text), candidate.text,
                                                         RevisionState::trying, {}}));
  RADIAL_TRY(store_.set_revision_state(candidate.revision, RevisionState::trying, {}));
  RADIAL_TRY(store_.audit({now, author, fmt::format("{}, revision {}: being tried", reason, candidate.revision)}));
  RADIAL_TRY(transaction.commit());
  proposed_ = std::move(candidate);
  return proposed_->revision;
}

Status Controller::keep(std::int64_t now) {
  if (!proposed_) return fail(Errc::internal, "no revision is being tried");
  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_TRY(store_.set_revision_state(proposed_->revision, RevisionState::active, {}));
  RADIAL_TRY(store_.set_addresses(proposed_->addresses));
  RADIAL_TRY(share_keys_of_new_pairs(proposed_->fabric));
  RADIAL_TRY(store_.audit({now, "controller", fmt::format("revision {} is kept", proposed_->revision)}));
  RADIAL_TRY(commit(std::move(transaction)));
  proposed_.reset();
  return {};
}

Status Controller::drop(const std::string& why, std::int64_t now) {
  if (!proposed_) return fail(Errc::internal, "no revision is being tried");
  const auto number = proposed_->revision;
  proposed_.reset();  // whatever the disk says, it is not the fabric
  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_TRY(store_.set_revision_state(number, RevisionState::reverted, why));
  RADIAL_TRY(store_.audit({now, "controller", fmt::format("revision {} was taken back: {}", number, why)}));
  return transaction.commit();
}

FabricFacts Controller::facts_under(const Candidate& candidate) const {
  auto facts = facts_;
  facts.addresses = candidate.addresses;
  return facts;
}

bool Controller::has_key(const std::string& node) const {
  const auto known = facts_.nodes.find(node);
  return known != facts_.nodes.end() && known->second.public_key;
}

Result<NodeConfig> Controller::config_for(const std::string& node, const Candidate& candidate) const {
  return compile_node(candidate.fabric, facts_under(candidate), node);
}

bool Controller::changes(const std::string& node, const Candidate& candidate) const {
  const auto present = config_for(node), wanted = config_for(node, candidate);
  return !present || !wanted || *present != *wanted;
}

std::set<std::string> Controller::stranded_by(const Candidate& candidate) const {
  const auto facts_then = facts_under(candidate);
  std::set<std::string> stranded;
  for (const auto& [node, known] : facts_.nodes)
    if (known.public_key && would_strand(node, candidate, facts_then)) stranded.insert(node);
  return stranded;
}

bool Controller::would_strand(const std::string& node, const Candidate& candidate, const FabricFacts& facts_then) const {
  if (node == hub_) return false;
  const auto before = compile_wires(fabric_, facts_, node), after = compile_wires(candidate.fabric, facts_then, node);
  const auto wire_here = [&](const Result<std::vector<Wire>>& wires) -> const Wire* {
    if (!wires) return nullptr;
    for (const auto& wire : *wires)
      if (wire.shape == WireShape::point_to_point)
        for (const auto& peer : wire.peers)
          if (peer.node == hub_) return &wire;
    return nullptr;
  };
  const auto* old_wire = wire_here(before);
  const auto* new_wire = wire_here(after);
  if (old_wire == nullptr) return false;  // it has no wire to lose
  if (new_wire == nullptr) return true;
  const auto& old_peer = old_wire->peers.front();
  const auto& new_peer = new_wire->peers.front();
  const bool dials_on = std::any_of(old_peer.endpoints.begin(), old_peer.endpoints.end(), [&](const auto& endpoint) {
    return std::find(new_peer.endpoints.begin(), new_peer.endpoints.end(), endpoint) != new_peer.endpoints.end();
  });
  const auto *hub_now = fabric_.find_hub(hub_), *hub_then = candidate.fabric.find_hub(hub_);
  return !dials_on || old_wire->addresses != new_wire->addresses || old_peer.addresses != new_peer.addresses ||
         old_peer.public_key != new_peer.public_key || hub_now->listen_port != hub_then->listen_port;
}

Result<Revision> Controller::earlier(std::optional<std::int64_t> number) {
  if (number) return store_.revision(*number);
  RADIAL_ASSIGN(const auto all, store_.revisions());
  for (const auto& one : all)
    if (one.number < revision_ && one.state == RevisionState::active) return store_.revision(one.number);
  return fail(Errc::not_found, "revision {} is the first", revision_);
}

Result<std::int64_t> Controller::set_fabric(const std::string& yaml, const std::string& author, const std::string& reason,
                                            std::int64_t now) {
  if (yaml == text_) return revision_;
  RADIAL_TRY(not_while_trying());
  RADIAL_ASSIGN(const auto fabric, parse_or_fail(yaml, "fabric.yaml"));
  RADIAL_ASSIGN(const auto book, plan(fabric));
  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_ASSIGN(const auto number, store_.add_revision({0, now, author, reason, line_diff(text_, yaml), yaml, RevisionState::active, {}}));
  RADIAL_TRY(store_.set_addresses(book));
  RADIAL_TRY(share_keys_of_new_pairs(fabric));
  RADIAL_TRY(store_.audit({now, author, fmt::format("{}, revision {}", reason, number)}));
  RADIAL_TRY(commit(std::move(transaction)));
  return revision_;
}

Result<std::int64_t> Controller::roll_back(std::optional<std::int64_t> to, const std::string& author, std::int64_t now) {
  RADIAL_ASSIGN(const auto revision, earlier(to));
  return set_fabric(revision.fabric, author, fmt::format("rolled back to revision {}", revision.number), now);
}

// The fabric file in which the invited node stands; it may stand there already.
Result<std::string> Controller::text_with(const InviteRequest& request) const {
  const auto& name = request.site;
  if (!request.hub && fabric_.find_hub(name) != nullptr)
    return fail(Errc::conflict, "{0} is a hub of this fabric: radial invite --hub {0}", name);
  if (request.hub && fabric_.find_site(name) != nullptr) return fail(Errc::conflict, "{} is a site of this fabric", name);
  if (!request.hub && !request.endpoints.empty())
    return fail(Errc::invalid_argument, "a site is not dialled and has no endpoint; for a hub: radial invite --hub {}", name);
  const auto* site = fabric_.find_site(name);
  if (site == nullptr && fabric_.find_hub(name) == nullptr) {
    if (!request.hub) return add_site(text_, {name, request.lans, request.grants});
    if (request.endpoints.empty())
      return fail(Errc::invalid_argument, "where do others reach the hub {}? --endpoint vpn2.example.com", name);
    if (!request.grants.empty()) return fail(Errc::invalid_argument, "a hub is invited with --lan; write its grant in the fabric file");
    return add_hub(text_, {name, request.endpoints, request.lans});
  }
  if (has_key(name))
    return fail(Errc::conflict, "{0} has joined already; to let another machine take its place: radial revoke {0}", name);
  if (!request.lans.empty() || !request.grants.empty() || !request.endpoints.empty())
    return fail(Errc::conflict, "{} is in the fabric file already, which says all of it: leave --lan, --grant and --endpoint out", name);
  if (site != nullptr && std::find(site->hubs.begin(), site->hubs.end(), hub_) == site->hubs.end())
    return fail(Errc::unsupported, "{} has no wire to {}, where the controller is: name that hub under its 'hubs:'", name, hub_);
  return text_;
}

Result<Candidate> Controller::fabric_with(const InviteRequest& request) {
  RADIAL_TRY(not_while_trying());
  RADIAL_ASSIGN(const auto text, text_with(request));
  RADIAL_ASSIGN(auto wider, candidate(text, "fabric.yaml"));
  RADIAL_ASSIGN(const auto all, store_.invitations());
  for (const auto& one : all)
    if (one.live() && one.node == request.site)
      return fail(Errc::conflict, "{0} is invited already; to print another token: radial uninvite {0}, then invite again", request.site);
  return wider;
}

Result<Invited> Controller::invite(const InviteRequest& request, const std::string& author, std::int64_t now) {
  const auto* hub = fabric_.find_hub(hub_);
  const auto own = facts_.nodes.find(hub_);
  if (hub == nullptr || own == facts_.nodes.end() || !own->second.public_key)
    return fail(Errc::internal, "the controller does not know its own hub's key");
  if (request.seconds < 60 || request.seconds > 30 * 86400)
    return fail(Errc::invalid_argument, "an invitation lasts from one minute to 30 days");
  RADIAL_ASSIGN(const auto wider, fabric_with(request));
  RADIAL_ASSIGN(const auto taken, quarantine_addresses());

  Token token;
  token.fabric = wider.fabric.name;
  token.site = request.site;
  token.hub = hub_;
  token.hub_key = *own->second.public_key;
  token.endpoints = hub->endpoints;
  token.ephemeral = PrivateKey::generate();
  token.preshared = Secret::random();
  RADIAL_ASSIGN(token.address, free_from_top(hub->tunnel_v4, hub_, wider.addresses, taken));
  token.controller = wider.addresses.at({hub_, hub_});
  token.port = controller_port;
  const auto* site = wider.fabric.find_site(request.site);
  token.mtu = static_cast<std::uint16_t>(site == nullptr ? wider.fabric.mtu : site_mtu(wider.fabric, *site));
  token.expires = now + request.seconds;

  Invited invited{to_text(token), token.expires};
  Invitation invitation;
  invitation.node = request.site;
  invitation.ephemeral = token.ephemeral.public_key();
  invitation.preshared = token.preshared.clone();
  invitation.token = digest_of_token(invited.token);
  invitation.address = token.address;
  invitation.created = now;
  invitation.expires = token.expires;
  invitation.author = author;

  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_TRY(revise_for(request.site, wider.text, author, now));
  RADIAL_TRY(store_.set_addresses(wider.addresses));
  RADIAL_TRY(store_.add_invitation(invitation));
  RADIAL_TRY(store_.audit({now, author, fmt::format("invited {}", request.site)}));
  RADIAL_TRY(commit(std::move(transaction)));
  return invited;
}

Status Controller::take_in(const InviteRequest& request, const PublicKey& key, const std::string& author, std::int64_t now) {
  if (request.hub) return fail(Errc::unsupported, "a hub runs radiald: invite it without a key");
  if (key.is_zero()) return fail(Errc::invalid_argument, "the public key is missing");
  RADIAL_TRY(is_nobodys(key));
  RADIAL_ASSIGN(const auto wider, fabric_with(request));
  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_TRY(revise_for(request.site, wider.text, author, now));
  RADIAL_TRY(store_.set_addresses(wider.addresses));
  NodeFacts facts;
  facts.public_key = key;
  RADIAL_TRY(store_.set_node(request.site, facts));
  RADIAL_TRY(share_keys(wider.fabric, request.site));
  RADIAL_TRY(store_.audit({now, author, fmt::format("took in {}, which runs no agent, with the key {}", request.site, key)}));
  return commit(std::move(transaction));
}

Status Controller::share_key(const std::string& one, const std::string& other) {
  RADIAL_ASSIGN(const auto key, store_.preshared(one, other));
  return key ? Status{} : store_.set_preshared(one, other, Secret::random());
}

Status Controller::share_keys(const Fabric& fabric, const std::string& node) {
  RADIAL_ASSIGN(const auto others, neighbours_of(fabric, node));
  for (const auto& other : others) RADIAL_TRY(share_key(node, other));
  return {};
}

// Members that get a wire to each other. Not with a router that runs no agent: it may have had that wire before, by a file that
// is rolled back to, and would not know of the key.
Status Controller::share_keys_of_new_pairs(const Fabric& fabric) {
  RADIAL_ASSIGN(const auto without, without_agent());
  const auto is_member = [&](const std::string& node) { return has_key(node) && !without.contains(node); };
  for (const auto& hub : fabric.hubs) {
    if (!is_member(hub.name)) continue;
    RADIAL_ASSIGN(const auto others, neighbours_of(fabric, hub.name));
    std::set<std::string> before;
    if (const auto had = neighbours_of(fabric_, hub.name)) before.insert(had->begin(), had->end());
    for (const auto& other : others)
      if (!before.contains(other) && is_member(other)) RADIAL_TRY(share_key(hub.name, other));
  }
  return {};
}

Status Controller::revise_for(const std::string& site, const std::string& text, const std::string& author, std::int64_t now) {
  if (text == text_) return {};
  RADIAL_ASSIGN([[maybe_unused]] const auto number,
                store_.add_revision({0, now, author, fmt::format("invite {}", site), line_diff(text_, text), text, RevisionState::active, {}}));
  return {};
}

Status Controller::is_nobodys(const PublicKey& key) {
  for (const auto& [name, facts] : facts_.nodes)
    if (facts.public_key == key || facts.next_key == key)
      return fail(Errc::conflict, "a node has this public key already: generate a new one");
  RADIAL_ASSIGN(const auto invited, store_.invitations());
  for (const auto& one : invited)
    if (one.live() && one.ephemeral == key) return fail(Errc::conflict, "this public key is a token's: generate a new one");
  return {};
}

Status Controller::withdraw(const std::string& site, const std::string& author, std::int64_t now) {
  RADIAL_ASSIGN(const auto all, store_.invitations());
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.live() && one.node == site; });
  if (found == all.end()) return fail(Errc::not_found, "no invitation of {} is open; see 'radial invitations'", site);
  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_TRY(store_.set_invitation_state(found->id, InvitationState::withdrawn, found->claimed_by));
  // A key that was posted and never shook hands goes with it.
  if (found->state == InvitationState::claimed) RADIAL_TRY(store_.forget_node(site));
  RADIAL_TRY(store_.audit({now, author, fmt::format("withdrew the invitation of {}", site)}));
  return commit(std::move(transaction));
}

Result<Bundle> Controller::join(const JoinRequest& request, const IpAddress& from, std::int64_t now) {
  constexpr auto spent = "this token was used, withdrawn or has expired: ask for a new one";
  RADIAL_ASSIGN(const auto all, store_.invitations());
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.live() && one.address == from; });
  if (found == all.end()) RADIAL_TRY(refuse(spent));
  if (now >= found->expires) RADIAL_TRY(refuse(spent));
  if (found->node != request.site || hex_of(found->token) != request.token ||
      !mac_is_right(found->preshared, join_message(request.token, request.public_key), request.proof))
    RADIAL_TRY(refuse("this token is not the one that was issued: it was altered"));
  if (found->claimed_by && *found->claimed_by != request.public_key)
    return fail(Errc::conflict, "this token is in use by another machine: if that is not yours, withdraw it: radial uninvite {}",
                request.site);
  if (request.public_key.is_zero()) return fail(Errc::invalid_argument, "the public key is missing");
  if (request.public_key == found->ephemeral)
    return fail(Errc::invalid_argument, "a node needs a key of its own, not the token's");
  RADIAL_TRY(not_while_trying());
  for (const auto& [name, facts] : facts_.nodes)
    if ((name != request.site && facts.public_key == request.public_key) || facts.next_key == request.public_key)
      return fail(Errc::conflict, "another node has this public key: generate a new one");

  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_TRY(store_.set_node(request.site, {request.public_key, request.frr, request.wireguard}));
  RADIAL_TRY(store_.set_key_age(request.site, now));
  RADIAL_ASSIGN(const auto secret, store_.node_secret(request.site));
  if (!secret) RADIAL_TRY(store_.set_node_secret(request.site, Secret::random()));
  RADIAL_TRY(share_keys(fabric_, request.site));
  if (!found->claimed_by) {
    RADIAL_TRY(store_.set_invitation_state(found->id, InvitationState::claimed, request.public_key));
    RADIAL_TRY(store_.audit({now, request.site, fmt::format("joins with the key {}", request.public_key)}));
  }
  RADIAL_TRY(commit(std::move(transaction)));
  return bundle_for(request.site);
}

Result<bool> Controller::arrived(const PublicKey& key, std::int64_t now) {
  RADIAL_ASSIGN(const auto all, store_.invitations());
  for (const auto& one : all) {
    if (one.state != InvitationState::claimed || one.claimed_by != key) continue;
    RADIAL_ASSIGN(auto transaction, store_.begin());
    RADIAL_TRY(store_.set_invitation_state(one.id, InvitationState::burnt, one.claimed_by));
    RADIAL_TRY(store_.audit({now, one.node, "joined"}));
    RADIAL_TRY(name_those_to_export(one.node, now));
    RADIAL_TRY(commit(std::move(transaction)));
    return true;
  }
  return false;
}

// Nobody but the operator can tell a router without radiald of a hub that is new.
Status Controller::name_those_to_export(const std::string& hub, std::int64_t now) {
  RADIAL_ASSIGN(auto by_hand, without_agent());
  std::erase_if(by_hand, [&](const auto& site) { return !dials(fabric_, site, hub); });
  if (by_hand.empty()) return {};
  return store_.audit({now, "controller", fmt::format("{} run{} no radiald and need{} 'radial export' again, for {}", fmt::join(by_hand, ", "),
                                                      by_hand.size() == 1 ? "s" : "", by_hand.size() == 1 ? "s" : "", hub)});
}

Result<bool> Controller::expire(std::int64_t now) {
  RADIAL_ASSIGN(const auto all, store_.invitations());
  bool some = false;
  for (const auto& one : all) {
    if (!one.live() || now < one.expires) continue;
    RADIAL_ASSIGN(auto transaction, store_.begin());
    RADIAL_TRY(store_.set_invitation_state(one.id, InvitationState::expired, one.claimed_by));
    // A node that was answered may still come with its own key.
    RADIAL_TRY(store_.audit({now, "controller", fmt::format("the invitation of {} expired", one.node)}));
    RADIAL_TRY(commit(std::move(transaction)));
    some = true;
  }
  return some;
}

Status Controller::revoke(const std::string& node, const std::string& author, std::int64_t now) {
  if (node == hub_) return fail(Errc::conflict, "{} is the controller's own hub and cannot be revoked", node);
  const auto known = facts_.nodes.find(node);
  if (known == facts_.nodes.end() || !known->second.public_key)
    return fail(Errc::not_found, "{} has no key to revoke: it has not joined", node);
  RADIAL_ASSIGN(const auto all, store_.invitations());
  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_TRY(store_.forget_node(node));
  // This hub drops the peer in the same breath; another when it is told, and until then it is named.
  for (const auto& hub : fabric_.hubs) {
    const auto there = facts_.nodes.find(hub.name);
    const bool wired = fabric_.find_hub(node) != nullptr || dials(fabric_, node, hub.name);
    if (hub.name == node || !wired || there == facts_.nodes.end() || !there->second.public_key) continue;
    RADIAL_TRY(store_.add_pending_revocation({node, *known->second.public_key, hub.name, now}));
    if (known->second.next_key) RADIAL_TRY(store_.add_pending_revocation({node, *known->second.next_key, hub.name, now}));
  }
  for (const auto& one : all)
    if (one.live() && one.node == node)
      RADIAL_TRY(store_.set_invitation_state(one.id, InvitationState::withdrawn, one.claimed_by));
  RADIAL_TRY(store_.audit({now, author, fmt::format("revoked {} and its key {}", node, *known->second.public_key)}));
  return commit(std::move(transaction));
}

Result<std::string> Controller::authenticate(const IpAddress& from, std::string_view message, std::string_view mac) {
  // Whatever wire of the node's it came by; a hub speaks from its own address.
  for (const auto& [wire, address] : facts_.addresses) {
    if (wire.second == hub_ || address != from) continue;
    RADIAL_ASSIGN(const auto secret, store_.node_secret(wire.second));
    if (secret && mac_is_right(*secret, message, mac)) return wire.second;
  }
  return fail(Errc::permission_denied, "the request is not a node's, or not signed with its secret");
}

Result<NodeConfig> Controller::config_for(const std::string& node) const { return compile_node(fabric_, facts_, node); }

Result<Bundle> Controller::bundle_for(const std::string& node) {
  RADIAL_ASSIGN(const auto rotation, rotation_step(node));
  return bundle_for(node, rotation);
}

Result<Bundle> Controller::bundle_for(const std::string& node, RotationStep rotation) {
  Bundle bundle;
  bundle.revision = revision_;
  RADIAL_ASSIGN(bundle.config, config_for(node));
  RADIAL_ASSIGN(auto secret, store_.node_secret(node));
  if (!secret) return fail(Errc::not_found, "{} has not joined", node);
  bundle.node_secret = std::move(*secret);
  bundle.rotation = rotation;
  if (const auto own = facts_.nodes.find(node); own != facts_.nodes.end()) bundle.next_key = own->second.next_key;
  RADIAL_ASSIGN(bundle.preshared, by_public_key(node));
  return bundle;
}

Result<std::map<std::string, PresharedKey>> Controller::preshared_keys_of(const std::string& node) {
  RADIAL_ASSIGN(const auto others, neighbours_of(fabric_, node));
  RADIAL_ASSIGN(auto keys, store_.preshared_of(node));
  std::erase_if(keys, [&](const auto& one) { return std::find(others.begin(), others.end(), one.first) == others.end(); });
  return keys;
}

Result<std::map<std::string, PresharedKey>> Controller::show_preshared_keys_of(const std::string& node, const std::string& author,
                                                                               std::int64_t now) {
  RADIAL_ASSIGN(auto keys, preshared_keys_of(node));
  RADIAL_TRY(store_.audit({now, author, fmt::format("was shown the preshared keys of {}", node)}));
  return keys;
}

Result<std::vector<Guest>> Controller::guests() {
  RADIAL_ASSIGN(auto all, store_.invitations());
  std::vector<Guest> guests;
  for (auto& one : all)
    if (one.live()) guests.push_back({one.node, one.ephemeral, std::move(one.preshared), one.address});
  return guests;
}

Result<std::map<PublicKey, PresharedKey>> Controller::preshared_keys() { return by_public_key(hub_); }

Result<std::map<PublicKey, PresharedKey>> Controller::by_public_key(const std::string& node) {
  RADIAL_ASSIGN(auto by_name, store_.preshared_of(node));
  std::map<PublicKey, PresharedKey> keys;
  for (auto& [other, key] : by_name) {
    const auto known = facts_.nodes.find(other);
    if (known == facts_.nodes.end() || !known->second.public_key) continue;
    if (known->second.next_key) keys.emplace(*known->second.next_key, key.clone());
    keys.emplace(*known->second.public_key, std::move(key));
  }
  return keys;
}

Result<Controller::Answer> Controller::answer_for(const std::string& node, const std::string& has) {
  RADIAL_ASSIGN(const auto rotation, rotation_step(node));
  const bool settled = rotation == RotationStep::none;
  const Answer unchanged{unchanged_to_json(revision_), rotation};
  if (const auto known = digests_.find(node); settled && !has.empty() && known != digests_.end() && known->second.answer == has)
    return unchanged;
  RADIAL_ASSIGN(const auto bundle, bundle_for(node, rotation));
  const auto config = radial::to_json(bundle.config);
  Answer answer{to_json(bundle, config), rotation};
  auto& digests = digests_[node];
  digests = {hex_digest(config), settled ? hex_digest(answer.text) : std::string()};
  if (!settled || has != digests.answer) return answer;
  wipe(answer.text);
  return unchanged;
}

}  // namespace radial::control
