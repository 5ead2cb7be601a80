// What the controller remembers: revisions of the fabric, what nodes reported,
// tunnel addresses given, preshared keys, node secrets, invitations, and who
// did what. Tables are STRICT; the schema has a version, and a store written
// by a newer Radial is refused rather than guessed at.
//
// Every changing call is one statement; a caller groups them with begin() and
// commit(). Threading: one object, one thread. Times are seconds since 1970.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "control/database.h"
#include "fabric/facts.h"

namespace radial::control {

using Digest = std::array<std::uint8_t, 32>;

enum class RevisionState : std::uint8_t {
  active,    // it was, or is, the fabric
  trying,    // on its way to the nodes
  reverted,  // taken back; never pushed again
};
[[nodiscard]] std::string_view to_string(RevisionState state);

struct Revision {
  std::int64_t number = 0;
  std::int64_t at = 0;
  std::string author;
  std::string reason;
  std::string diff;    // lines of the fabric file, "+" and "-"
  std::string fabric;  // the whole text
  RevisionState state = RevisionState::active;
  std::string why;     // it was taken back
};

enum class InvitationState : std::uint8_t {
  open,       // nobody came yet
  claimed,    // a key was posted; its first handshake is awaited
  burnt,      // used
  withdrawn,
  expired,
};
[[nodiscard]] std::string_view to_string(InvitationState state);

struct Invitation {
  std::int64_t id = 0;
  std::string node;
  PublicKey ephemeral;             // of the quarantined peer
  PresharedKey preshared;          // likewise
  Digest token{};                  // of the token's very bytes
  IpAddress address;               // its quarantine address
  std::int64_t created = 0;
  std::int64_t expires = 0;
  std::string author;
  InvitationState state = InvitationState::open;
  std::optional<PublicKey> claimed_by;
  [[nodiscard]] bool live() const { return state == InvitationState::open || state == InvitationState::claimed; }
};

struct AuditLine {
  std::int64_t at = 0;
  std::string who;
  std::string what;
};

// A key that is being replaced. `next` is what the node made; nothing: it has not answered yet.
struct Rotation {
  std::string node;
  std::int64_t asked = 0;
  std::string author;
  std::optional<PublicKey> next;
};

// What a hub's FIB has over its wires from each of its sites by a routing protocol: announced, granted, and in use.
using ServedSites = std::map<std::string, std::set<Prefix>>;

// A hub that may still carry a key that was revoked.
struct PendingRevocation {
  std::string node;
  PublicKey key;
  std::string hub;
  std::int64_t at = 0;
};

class Store {
 public:
  [[nodiscard]] static Result<Store> create(const std::filesystem::path& file);
  [[nodiscard]] static Result<Store> open(const std::filesystem::path& file);

  [[nodiscard]] Result<Transaction> begin() { return Transaction::begin(*database_); }

  [[nodiscard]] Result<std::int64_t> add_revision(const Revision& revision);  // `number` is given by the store
  [[nodiscard]] Result<Revision> latest_revision();  // that is active
  [[nodiscard]] Result<Revision> revision(std::int64_t number);
  [[nodiscard]] Result<std::vector<Revision>> revisions();  // newest first, without their texts

  [[nodiscard]] Status set_revision_state(std::int64_t number, RevisionState state, const std::string& why);

  [[nodiscard]] Result<FabricFacts> facts();
  [[nodiscard]] Status set_node(const std::string& name, const NodeFacts& facts);
  [[nodiscard]] Status set_addresses(const AddressBook& book);  // replaces the book

  // Nothing: the node has none.
  [[nodiscard]] Result<std::optional<Secret>> node_secret(const std::string& name);
  [[nodiscard]] Result<std::set<std::string>> nodes_with_secret();
  [[nodiscard]] Status set_node_secret(const std::string& name, const Secret& secret);
  [[nodiscard]] Result<std::optional<PresharedKey>> preshared(const std::string& one, const std::string& other);
  [[nodiscard]] Result<std::map<std::string, PresharedKey>> preshared_of(const std::string& node);  // by the other's name
  [[nodiscard]] Status set_preshared(const std::string& one, const std::string& other, const PresharedKey& key);
  // Since when a node has its key; nothing: it has none.
  [[nodiscard]] Result<std::map<std::string, std::int64_t>> key_ages();
  [[nodiscard]] Status set_key_age(const std::string& name, std::int64_t since);

  [[nodiscard]] Result<std::vector<Rotation>> rotations();
  [[nodiscard]] Status set_rotation(const Rotation& rotation);
  [[nodiscard]] Status end_rotation(const std::string& node);

  [[nodiscard]] Result<std::vector<PendingRevocation>> pending_revocations();
  [[nodiscard]] Status add_pending_revocation(const PendingRevocation& pending);
  [[nodiscard]] Status end_pending_revocations(const std::string& hub);

  [[nodiscard]] Result<ServedSites> served(const std::string& hub);
  [[nodiscard]] Status set_served(const std::string& hub, const ServedSites& served);  // replaces what it had

  // Its key (and one to come), secret and preshared keys.
  [[nodiscard]] Status forget_node(const std::string& name);

  [[nodiscard]] Status add_invitation(const Invitation& invitation);  // `id` is given by the store
  [[nodiscard]] Result<std::vector<Invitation>> invitations();        // newest first
  // Spent ones lose their preshared key.
  [[nodiscard]] Status set_invitation_state(std::int64_t id, InvitationState state, const std::optional<PublicKey>& claimed_by);

  [[nodiscard]] Status audit(const AuditLine& line);
  [[nodiscard]] Result<std::vector<AuditLine>> audit_log(std::int64_t most);  // newest first

 private:
  explicit Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  std::unique_ptr<Database> database_;
};

}  // namespace radial::control
