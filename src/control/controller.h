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
#include <set>
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
  bool hub = false;                     // `site` is to be another hub
  std::vector<std::string> endpoints;   // of a hub, with ports; needed unless the file declares it
};

struct Invited {
  std::string token;  // a secret: the caller prints it once and wipes it
  std::int64_t expires = 0;
};

struct JoinRequest {
  std::string site;
  PublicKey public_key;
  std::optional<FrrVersion> frr;
  std::string wireguard;  // what the machine has; empty: not known
  std::string token;  // its digest, in hexadecimal
  std::string proof;  // mac_of(preshared key of the token, join_message(...))
};
[[nodiscard]] std::string join_message(std::string_view token_digest, const PublicKey& key);

// How far a key rotation is, as its node sees it.
enum class RotationStep : std::uint8_t {
  none,
  make_key,   // generate a key pair and post its public part
  wait,       // it is known; not every hub has it yet
  switch_key, // every hub of the node has it: use it
};

// What a node must have to take part, and its secrets.
struct Bundle {
  std::int64_t revision = 0;
  NodeConfig config;
  std::string digest;                           // of the text that `config` was read from, at the node
  Secret node_secret;
  RotationStep rotation = RotationStep::none;
  std::optional<PublicKey> next_key;            // that the node has posted
  std::map<PublicKey, PresharedKey> preshared;  // by the peer's key
};

// What a node says of itself each time it asks for its configuration.
struct Report {
  PublicKey key;                   // that its wires use now
  std::string applied;             // digest of the configuration that it runs; empty: nothing whole
  std::optional<FrrVersion> frr;
  std::string wireguard;           // "kernel", "radial-wire", ...; empty: not known
  std::vector<std::string> findings;  // a hub's: what it refuses, and whom it cut off
  std::int64_t held_back = 0;      // a revision that it went back from alone; 0: none
  std::string radial;              // its version, "0.1.0"; empty: not said
  std::string answer;              // hex_digest of the last answer, by which it goes on; empty: it needs one in full
};

// A hub or a site.
[[nodiscard]] bool is_node_of(const Fabric& fabric, const std::string& name);

// hex_digest (base/digest.h) of its JSON, which is what a node is sent.
[[nodiscard]] std::string digest_of_config(const NodeConfig& config);

struct Member {
  std::string name;
  bool hub = false;
  bool agent = true;                 // false: a peer by its key, whose router runs no radiald
  std::optional<PublicKey> key;
  std::optional<std::int64_t> key_since;
  std::optional<std::int64_t> seen;  // its last report; since this controller started
  bool current = false;              // it reported that it runs the newest configuration
  std::int64_t held_back = 0;        // a revision that it went back from alone; 0: none
  std::optional<FrrVersion> frr;
  std::string wireguard;
  std::string radial;                // the version that it said; empty: none since this controller started
  std::optional<RotationStep> rotation;
  std::vector<std::string> awaited;  // hubs that the rotation waits for
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
  // Makes the store with its first revision. `facts` holds the hub's own, and those of sites whose
  // keys are known already: they are peers from the start, though nobody joined. `preshared`: the hub's with such a site, by its name.
  [[nodiscard]] static Status create(const std::filesystem::path& file, const std::string& fabric_yaml, const std::string& hub,
                                     const FabricFacts& facts, const std::map<std::string, PresharedKey>& preshared, const std::string& author,
                                     std::int64_t now);
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
  // Whether its configuration is another one by it; true where that cannot be known.
  [[nodiscard]] bool changes(const std::string& node, const Candidate& candidate) const;
  // Nodes that could not reach this controller if they went on without it.
  [[nodiscard]] std::set<std::string> stranded_by(const Candidate& candidate) const;
  // Of an earlier revision; without a number, the one before the present.
  [[nodiscard]] Result<Revision> earlier(std::optional<std::int64_t> number);

  // The addresses that a fabric would have; nothing is changed.
  [[nodiscard]] Result<FabricFacts> facts_for(const Fabric& fabric);
  // An earlier revision's file as a new revision.
  [[nodiscard]] Result<std::int64_t> roll_back(std::optional<std::int64_t> to, const std::string& author, std::int64_t now);

  [[nodiscard]] Result<Invited> invite(const InviteRequest& request, const std::string& author, std::int64_t now);
  // A site whose router runs no agent: a peer by its key, at once. `seconds` is not looked at.
  [[nodiscard]] Status take_in(const InviteRequest& request, const PublicKey& key, const std::string& author, std::int64_t now);
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

  // Asks a site for a new key; asked already: fine.
  [[nodiscard]] Status rotate(const std::string& node, const std::string& author, std::int64_t now);
  // Hubs of the fabric that a revoked key may still reach.
  [[nodiscard]] Result<std::vector<PendingRevocation>> pending_revocations();
  [[nodiscard]] Result<std::vector<std::string>> rotating();
  // Sites whose radiald can be asked for a new key.
  [[nodiscard]] Result<std::vector<std::string>> joined_sites();
  // Peers by their key whose routers run no radiald: they report nothing and take their configuration by `radial export`.
  [[nodiscard]] Result<std::set<std::string>> without_agent();
  // Sites whose key is older than the fabric allows, one at a time. True when one was asked.
  [[nodiscard]] Result<bool> rotate_by_age(std::int64_t now);
  // The public part of the key that a node made when it was asked to.
  [[nodiscard]] Status offer_key(const std::string& node, const PublicKey& key, std::int64_t now);
  // A node's report, authenticated. True: the fabric's facts changed, and with
  // them configurations.
  [[nodiscard]] Result<bool> report(const std::string& node, const Report& report, std::int64_t now);
  // All that a hub has of its sites, whose changes stand in the log; not more lines than its quota.
  [[nodiscard]] Status serves(const std::string& hub, const ServedSites& served, std::int64_t now);
  // This hub itself runs what it should.
  [[nodiscard]] Status applied_here(const std::string& digest);
  [[nodiscard]] Result<std::vector<Member>> members();

  // The node at a tunnel address, when `mac` is right for `message`.
  [[nodiscard]] Result<std::string> authenticate(const IpAddress& from, std::string_view message, std::string_view mac);
  [[nodiscard]] Result<Bundle> bundle_for(const std::string& node);
  // The same as a message (messages.h), or that it is what the node has: `has` is a Report's. Nothing is compiled for
  // a node that has it, so that a thousand may ask every few seconds.
  struct Answer {
    std::string text;
    RotationStep rotation = RotationStep::none;
  };
  [[nodiscard]] Result<Answer> answer_for(const std::string& node, const std::string& has);
  [[nodiscard]] Result<NodeConfig> config_for(const std::string& node) const;
  // Live invitations, as peers of this hub's wire.
  [[nodiscard]] Result<std::vector<Guest>> guests();
  // This hub's preshared keys, by the peer's public key.
  [[nodiscard]] Result<std::map<PublicKey, PresharedKey>> preshared_keys();

  // Those of any node, by the name of the peer: for a router that runs no agent.
  [[nodiscard]] Result<std::map<std::string, PresharedKey>> preshared_keys_of(const std::string& node);
  // The same, to be shown to somebody: the log says so.
  [[nodiscard]] Result<std::map<std::string, PresharedKey>> show_preshared_keys_of(const std::string& node, const std::string& author,
                                                                                  std::int64_t now);

  [[nodiscard]] Result<std::vector<AuditLine>> log(std::int64_t most) { return store_.audit_log(most); }
  [[nodiscard]] Result<std::vector<Revision>> revisions() { return store_.revisions(); }

 private:
  Controller(Store store, std::string hub) : store_(std::move(store)), hub_(std::move(hub)) {}
  [[nodiscard]] Status load();
  [[nodiscard]] Result<std::string> text_with(const InviteRequest& request) const;
  [[nodiscard]] Result<Candidate> fabric_with(const InviteRequest& request);
  [[nodiscard]] Result<AddressBook> plan(const Fabric& fabric);
  [[nodiscard]] Result<std::vector<IpAddress>> quarantine_addresses();
  [[nodiscard]] Status commit(Transaction transaction);
  [[nodiscard]] Status not_while_trying() const;
  // The preshared keys of a node, by the peer's key; by a key to come as well.
  [[nodiscard]] Result<std::map<PublicKey, PresharedKey>> by_public_key(const std::string& node);
  [[nodiscard]] Status name_those_to_export(const std::string& hub, std::int64_t now);
  // A preshared key for a pair that has none: of two nodes; of one and all that it has a wire with in `fabric`; of
  // nodes with radiald that have a wire in `fabric` and had none.
  [[nodiscard]] Status share_key(const std::string& one, const std::string& other);
  [[nodiscard]] Status share_keys(const Fabric& fabric, const std::string& node);
  [[nodiscard]] Status share_keys_of_new_pairs(const Fabric& fabric);
  // The fabric file with the one who is invited, as a revision, where it says something new.
  [[nodiscard]] Status revise_for(const std::string& site, const std::string& text, const std::string& author, std::int64_t now);
  [[nodiscard]] Status is_nobodys(const PublicKey& key);
  [[nodiscard]] bool has_key(const std::string& node) const;
  // What is known, with the addresses that a candidate would give.
  [[nodiscard]] FabricFacts facts_under(const Candidate& candidate) const;
  [[nodiscard]] bool would_strand(const std::string& node, const Candidate& candidate, const FabricFacts& facts_then) const;
  [[nodiscard]] Result<RotationStep> rotation_step(const std::string& node);
  [[nodiscard]] Result<Bundle> bundle_for(const std::string& node, RotationStep rotation);
  [[nodiscard]] Result<bool> runs_newest(const std::string& node);
  [[nodiscard]] Result<std::vector<std::string>> hubs_behind(const std::string& node);
  [[nodiscard]] Status note_applied(const std::string& node, const std::string& digest);
  [[nodiscard]] Status note_held_back(const std::string& node, std::int64_t revision, std::int64_t now);
  [[nodiscard]] Status note_findings(const std::string& node, std::vector<std::string> findings, std::int64_t now);
  // At most so many lines an hour; the last of them is `over`.
  struct Quota {
    std::int64_t since = 0;
    int lines = 0;
  };
  [[nodiscard]] Status tell(Quota& quota, int most, const AuditLine& line, std::string_view over);

  Store store_;
  std::string hub_;
  std::string text_;
  Fabric fabric_;
  FabricFacts facts_;
  std::int64_t revision_ = 0;
  std::optional<Candidate> proposed_;
  // What nodes said since this controller started. A restart forgets it; they say it again.
  struct Said {
    std::int64_t at = 0;
    std::string applied;
    std::vector<std::string> findings;
    bool told_findings = false;
    std::optional<ServedSites> served;  // as the store has it
    Quota findings_quota;
    Quota served_quota;
    std::optional<std::int64_t> held_back;
    std::string radial;
  };
  std::map<std::string, Said> said_;
  // Of what was compiled since the store changed last: digests only, as a large fabric's texts are megabytes.
  struct Digests {
    std::string config;
    std::string answer;  // empty: its key is being replaced, and each answer counts
  };
  std::map<std::string, Digests> digests_;
};

}  // namespace radial::control
