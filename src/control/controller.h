// The controller: owner of the fabric's truth, a role of one hub's radiald. It
// makes every change a revision, gives out invitations and takes them back,
// enrols nodes, and compiles what each node must have. It has no sockets and no
// clock: the agent brings requests in and carries the results out.
//
// A call either does all of its change, durably, or nothing. The network does
// not depend on it: nodes keep what it last gave them.
//
// Threading: one object, one thread. Times are seconds since 1970.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compile/node_config.h"
#include "control/store.h"
#include "fabric/fabric.h"

namespace radial::control {

inline constexpr std::uint16_t controller_port = 51821;  // TCP, on the hub's tunnel address only

struct InviteRequest {
  std::string site;
  std::vector<std::string> lans;    // needed unless the fabric file declares the site
  std::vector<std::string> grants;
  std::int64_t seconds = 24 * 3600;
};

struct Invited {
  std::string token;  // a secret: the caller prints it once and wipes it
  std::int64_t expires = 0;
};

struct JoinRequest {
  std::string site;
  PublicKey public_key;
  std::optional<FrrVersion> frr;
  std::string token;  // its digest, in hexadecimal
  std::string proof;  // mac_of(preshared key of the token, join_message(...))
};
[[nodiscard]] std::string join_message(std::string_view token_digest, const PublicKey& key);

// What a node must have to take part, and its secrets.
struct Bundle {
  std::int64_t revision = 0;
  NodeConfig config;
  Secret node_secret;
  std::map<PublicKey, PresharedKey> preshared;  // by the peer's key
};

// A peer in quarantine: reaches the controller's port and nothing else.
struct Guest {
  std::string site;
  PublicKey public_key;
  PresharedKey preshared;
  IpAddress address;
};

// A fabric that is not the present one (yet).
struct Candidate {
  std::int64_t revision = 0;  // 0: a plan, which the store does not know
  std::string text;
  Fabric fabric;
  AddressBook addresses;
};

class Controller {
 public:
  // Makes the store with its first revision. `facts` holds the hub's own.
  [[nodiscard]] static Status create(const std::filesystem::path& file, const std::string& fabric_yaml, const std::string& hub,
                                     const NodeFacts& facts, const std::string& author, std::int64_t now);
  // `hub` is the node that it runs on.
  [[nodiscard]] static Result<Controller> open(const std::filesystem::path& file, std::string hub);

  [[nodiscard]] const std::string& fabric_text() const { return text_; }
  [[nodiscard]] const Fabric& fabric() const { return fabric_; }
  [[nodiscard]] const FabricFacts& facts() const { return facts_; }
  [[nodiscard]] std::int64_t revision() const { return revision_; }

  // A new fabric file. Nothing is changed when it is not valid, or names no
  // such hub as this one. The revision's number; the present one when nothing differs.
  [[nodiscard]] Result<std::int64_t> set_fabric(const std::string& yaml, const std::string& author, const std::string& reason,
                                                std::int64_t now);
  // As set_fabric(), but the present fabric stays until keep(). One at a time;
  // meanwhile nobody is invited and nobody joins (conflict).
  [[nodiscard]] Result<Candidate> candidate(const std::string& yaml, std::string_view file_name);
  [[nodiscard]] Result<std::int64_t> propose(Candidate candidate, const std::string& author, const std::string& reason,
                                             std::int64_t now);
  [[nodiscard]] const std::optional<Candidate>& proposed() const { return proposed_; }
  [[nodiscard]] Status keep(std::int64_t now);
  [[nodiscard]] Status drop(const std::string& why, std::int64_t now);
  [[nodiscard]] Result<NodeConfig> config_for(const std::string& node, const Candidate& candidate) const;
  // Whether a node that goes on without it could not reach this controller.
  [[nodiscard]] bool would_strand(const std::string& node, const Candidate& candidate) const;
  // Of an earlier revision; without a number, the one before the present.
  [[nodiscard]] Result<Revision> earlier(std::optional<std::int64_t> number);

  // The addresses that a fabric would have; nothing is changed.
  [[nodiscard]] Result<FabricFacts> facts_for(const Fabric& fabric);
  // An earlier revision's file as a new revision.
  [[nodiscard]] Result<std::int64_t> roll_back(std::optional<std::int64_t> to, const std::string& author, std::int64_t now);

  [[nodiscard]] Result<Invited> invite(const InviteRequest& request, const std::string& author, std::int64_t now);
  [[nodiscard]] Status withdraw(const std::string& site, const std::string& author, std::int64_t now);
  [[nodiscard]] Result<std::vector<Invitation>> invitations() { return store_.invitations(); }

  // `from` is the source address inside the tunnel, which proves the
  // invitation. The same key again gets the same answer. permission_denied or
  // conflict: one clear refusal, and nothing is changed.
  [[nodiscard]] Result<Bundle> join(const JoinRequest& request, const IpAddress& from, std::int64_t now);
  // `key` has shaken hands as itself: its invitation is burnt. True when one was.
  [[nodiscard]] Result<bool> arrived(const PublicKey& key, std::int64_t now);
  // Invitations whose time is over. True when there were some.
  [[nodiscard]] Result<bool> expire(std::int64_t now);
  // Takes a node's key, secret and preshared keys away; it stays in the fabric
  // file and can be invited again.
  [[nodiscard]] Status revoke(const std::string& node, const std::string& author, std::int64_t now);

  // The node at a tunnel address of this hub, when `mac` is right for `message`.
  [[nodiscard]] Result<std::string> authenticate(const IpAddress& from, std::string_view message, std::string_view mac);
  [[nodiscard]] Result<Bundle> bundle_for(const std::string& node);
  [[nodiscard]] Result<NodeConfig> config_for(const std::string& node) const;
  // Live invitations, as peers of this hub's wire.
  [[nodiscard]] Result<std::vector<Guest>> guests();
  // This hub's preshared keys, by the peer's public key.
  [[nodiscard]] Result<std::map<PublicKey, PresharedKey>> preshared_keys();

  [[nodiscard]] Result<std::vector<AuditLine>> log(std::int64_t most) { return store_.audit_log(most); }
  [[nodiscard]] Result<std::vector<Revision>> revisions() { return store_.revisions(); }

 private:
  Controller(Store store, std::string hub) : store_(std::move(store)), hub_(std::move(hub)) {}
  [[nodiscard]] Status load();
  [[nodiscard]] Result<AddressBook> plan(const Fabric& fabric);
  [[nodiscard]] Result<std::vector<IpAddress>> quarantine_addresses();
  [[nodiscard]] Status commit(Transaction transaction);
  [[nodiscard]] Status not_while_trying() const;

  Store store_;
  std::string hub_;
  std::string text_;
  Fabric fabric_;
  FabricFacts facts_;
  std::int64_t revision_ = 0;
  std::optional<Candidate> proposed_;
};

}  // namespace radial::control
