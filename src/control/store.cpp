#include "control/store.h"

#include <algorithm>

#include <unistd.h>

namespace radial::control {
namespace {

constexpr int schema_version = 1;

// A live invitation is the only one of its node, and alone at its address.
constexpr std::string_view schema = R"(
CREATE TABLE revision (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  diff TEXT NOT NULL,
  fabric TEXT NOT NULL
) STRICT;
CREATE TABLE node (
  name TEXT PRIMARY KEY,
  public_key BLOB UNIQUE CHECK (length(public_key) = 32),
  frr TEXT,
  secret BLOB CHECK (length(secret) = 32)
) STRICT;
CREATE TABLE address (
  hub TEXT NOT NULL,
  node TEXT NOT NULL,
  address TEXT NOT NULL,
  PRIMARY KEY (hub, node)
) STRICT;
CREATE TABLE preshared (
  one TEXT NOT NULL,
  other TEXT NOT NULL,
  key BLOB NOT NULL CHECK (length(key) = 32),
  PRIMARY KEY (one, other),
  CHECK (one < other)
) STRICT;
CREATE TABLE invitation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  node TEXT NOT NULL,
  ephemeral BLOB NOT NULL UNIQUE CHECK (length(ephemeral) = 32),
  preshared BLOB CHECK (length(preshared) = 32),
  token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),
  address TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  author TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'burnt', 'withdrawn', 'expired')),
  claimed_by BLOB CHECK (length(claimed_by) = 32),
  CHECK (state NOT IN ('open', 'claimed') OR preshared IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX live_node ON invitation (node) WHERE state IN ('open', 'claimed');
CREATE UNIQUE INDEX live_address ON invitation (address) WHERE state IN ('open', 'claimed');
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL
) STRICT;
)";

// Beside the schema, so that an earlier Radial opens the store as well: which
// revisions are not, or were never, the fabric. One that is not named is active.
constexpr std::string_view trials = R"(
CREATE TABLE IF NOT EXISTS trial (
  revision INTEGER PRIMARY KEY REFERENCES revision (number),
  state TEXT NOT NULL CHECK (state IN ('active', 'trying', 'reverted')),
  why TEXT NOT NULL
) STRICT;
)";

constexpr std::array revision_states = {std::pair{RevisionState::active, "active"}, std::pair{RevisionState::trying, "trying"},
                                        std::pair{RevisionState::reverted, "reverted"}};

// What a later Radial keeps besides. Made when a store is opened, so that an
// earlier one opens it as well.
constexpr std::string_view members_schema = R"(
CREATE TABLE IF NOT EXISTS detail (
  node TEXT PRIMARY KEY,
  wireguard TEXT NOT NULL DEFAULT '',
  key_since INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS rotation (
  node TEXT PRIMARY KEY,
  asked INTEGER NOT NULL,
  author TEXT NOT NULL,
  next BLOB UNIQUE CHECK (length(next) = 32)
) STRICT;
CREATE TABLE IF NOT EXISTS revocation (
  node TEXT NOT NULL,
  key BLOB NOT NULL CHECK (length(key) = 32),
  hub TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (key, hub)
) STRICT;
CREATE TABLE IF NOT EXISTS served (
  hub TEXT NOT NULL,
  site TEXT NOT NULL,
  prefix TEXT NOT NULL,
  PRIMARY KEY (hub, site, prefix)
) STRICT;
)";

constexpr std::array states = {std::pair{InvitationState::open, "open"}, std::pair{InvitationState::claimed, "claimed"},
                               std::pair{InvitationState::burnt, "burnt"}, std::pair{InvitationState::withdrawn, "withdrawn"},
                               std::pair{InvitationState::expired, "expired"}};

std::array<std::uint8_t, 32> bytes_of(std::span<const std::uint8_t> blob) {
  std::array<std::uint8_t, 32> bytes{};
  if (blob.size() == bytes.size()) std::copy(blob.begin(), blob.end(), bytes.begin());
  return bytes;
}

std::optional<PublicKey> key_of(const Statement& row, int column) {
  if (row.null(column)) return std::nullopt;
  return PublicKey(bytes_of(row.blob(column)));
}

Revision revision_of(const Statement& row) {
  Revision one{row.integer(0), row.integer(1), row.text(2), row.text(3), row.text(4), row.text(5), RevisionState::active, {}};
  if (row.null(6)) return one;
  const auto state = row.text(6);
  for (const auto& [value, name] : revision_states)
    if (state == name) one.state = value;
  one.why = row.text(7);
  return one;
}

Result<Invitation> invitation_of(const Statement& row) {
  Invitation one;
  one.id = row.integer(0);
  one.node = row.text(1);
  one.ephemeral = PublicKey(bytes_of(row.blob(2)));
  if (!row.null(3)) one.preshared = Secret::from_bytes(bytes_of(row.blob(3)));
  one.token = bytes_of(row.blob(4));
  RADIAL_ASSIGN(one.address, IpAddress::parse(row.text(5)));
  one.created = row.integer(6);
  one.expires = row.integer(7);
  one.author = row.text(8);
  const auto state = row.text(9);
  for (const auto& [value, name] : states)
    if (state == name) one.state = value;
  one.claimed_by = key_of(row, 10);
  return one;
}

std::pair<std::string, std::string> ordered(const std::string& one, const std::string& other) {
  return one < other ? std::pair(one, other) : std::pair(other, one);
}

Result<std::optional<Secret>> secret_of(Statement& query) {
  RADIAL_ASSIGN(const bool row, query.step());
  if (!row || query.null(0)) return std::optional<Secret>();
  return std::optional<Secret>(Secret::from_bytes(bytes_of(query.blob(0))));
}

}  // namespace

std::string_view to_string(RevisionState state) {
  for (const auto& [value, name] : revision_states)
    if (value == state) return name;
  return "?";
}

std::string_view to_string(InvitationState state) {
  for (const auto& [value, name] : states)
    if (value == state) return name;
  return "?";
}

Result<Store> Store::create(const std::filesystem::path& file) {
  RADIAL_ASSIGN(auto database, Database::create(file));
  const auto fill = [&]() -> Status {
    RADIAL_ASSIGN(auto transaction, Transaction::begin(*database));
    RADIAL_TRY(database->execute(schema));
    RADIAL_TRY(database->execute(trials));
    RADIAL_TRY(database->execute(members_schema));
    RADIAL_TRY(database->execute(fmt::format("PRAGMA user_version = {}", schema_version)));
    return transaction.commit();
  };
  if (auto filled = fill(); !filled) {
    database.reset();
    ::unlink(file.c_str());
    return forward_error(std::move(filled.error()));
  }
  return Store(std::move(database));
}

Result<Store> Store::open(const std::filesystem::path& file) {
  RADIAL_ASSIGN(auto database, Database::open(file));
  RADIAL_ASSIGN(auto query, database->prepare("PRAGMA user_version"));
  RADIAL_ASSIGN(const bool row, query.step());
  const auto found = row ? query.integer(0) : 0;
  if (found != schema_version)
    return fail(Errc::unsupported, "{} has format {}, and this Radial knows format {}: use the version that wrote it",
                file.string(), found, schema_version);
  RADIAL_TRY(database->execute(trials));
  RADIAL_TRY(database->execute(members_schema));
  return Store(std::move(database));
}

Result<std::int64_t> Store::add_revision(const Revision& revision) {
  RADIAL_ASSIGN(auto insert, database_->prepare("INSERT INTO revision (at, author, reason, diff, fabric) VALUES (?, ?, ?, ?, ?)"));
  RADIAL_TRY(insert.bind(revision.at).bind(revision.author).bind(revision.reason).bind(revision.diff).bind(revision.fabric).run());
  return database_->last_row();
}

Result<Revision> Store::latest_revision() {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT number, at, author, reason, diff, fabric, state, why FROM revision LEFT JOIN trial "
                                                "ON revision = number WHERE state IS NULL OR state = 'active' ORDER BY number DESC LIMIT 1"));
  RADIAL_ASSIGN(const bool row, query.step());
  if (!row) return fail(Errc::not_found, "the store has no revision");
  return revision_of(query);
}

Result<Revision> Store::revision(std::int64_t number) {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT number, at, author, reason, diff, fabric, state, why FROM revision LEFT JOIN trial "
                                                "ON revision = number WHERE number = ?"));
  RADIAL_ASSIGN(const bool row, query.bind(number).step());
  if (!row) return fail(Errc::not_found, "there is no revision {}", number);
  return revision_of(query);
}

Result<std::vector<Revision>> Store::revisions() {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT number, at, author, reason, diff, '', state, why FROM revision LEFT JOIN trial "
                                                "ON revision = number ORDER BY number DESC"));
  std::vector<Revision> all;
  for (;;) {
    RADIAL_ASSIGN(const bool row, query.step());
    if (!row) return all;
    all.push_back(revision_of(query));
  }
}

Status Store::set_revision_state(std::int64_t number, RevisionState state, const std::string& why) {
  RADIAL_ASSIGN(auto upsert, database_->prepare("INSERT INTO trial (revision, state, why) VALUES (?, ?, ?) ON CONFLICT (revision) "
                                                "DO UPDATE SET state = excluded.state, why = excluded.why"));
  return upsert.bind(number).bind(to_string(state)).bind(why).run();
}

Result<FabricFacts> Store::facts() {
  FabricFacts facts;
  RADIAL_ASSIGN(auto nodes, database_->prepare("SELECT name, public_key, frr, wireguard, next FROM node LEFT JOIN detail ON "
                                               "detail.node = name LEFT JOIN rotation ON rotation.node = name"));
  for (;;) {
    RADIAL_ASSIGN(const bool row, nodes.step());
    if (!row) break;
    NodeFacts one;
    one.public_key = key_of(nodes, 1);
    if (!nodes.null(2)) { RADIAL_ASSIGN(one.frr, FrrVersion::parse(nodes.text(2))); }
    if (!nodes.null(3)) one.wireguard = nodes.text(3);
    if (one.public_key) one.next_key = key_of(nodes, 4);
    facts.nodes.emplace(nodes.text(0), std::move(one));
  }
  RADIAL_ASSIGN(auto addresses, database_->prepare("SELECT hub, node, address FROM address"));
  for (;;) {
    RADIAL_ASSIGN(const bool row, addresses.step());
    if (!row) return facts;
    RADIAL_ASSIGN(const auto address, IpAddress::parse(addresses.text(2)));
    facts.addresses.emplace(std::pair(addresses.text(0), addresses.text(1)), address);
  }
}

Status Store::set_node(const std::string& name, const NodeFacts& facts) {
  RADIAL_ASSIGN(auto upsert, database_->prepare("INSERT INTO node (name, public_key, frr) VALUES (?, ?, ?) ON CONFLICT (name) "
                                                "DO UPDATE SET public_key = excluded.public_key, frr = excluded.frr"));
  upsert.bind(name);
  if (facts.public_key) upsert.bind(std::span<const std::uint8_t>(facts.public_key->bytes()));
  else upsert.bind_null();
  if (facts.frr) upsert.bind(fmt::format("{}.{}", facts.frr->major, facts.frr->minor));
  else upsert.bind_null();
  RADIAL_TRY(upsert.run());
  RADIAL_ASSIGN(auto detail, database_->prepare("INSERT INTO detail (node, wireguard) VALUES (?, ?) ON CONFLICT (node) "
                                                "DO UPDATE SET wireguard = excluded.wireguard"));
  return detail.bind(name).bind(facts.wireguard).run();
}

Status Store::set_addresses(const AddressBook& book) {
  RADIAL_TRY(database_->execute("DELETE FROM address"));
  for (const auto& [wire, address] : book) {
    RADIAL_ASSIGN(auto insert, database_->prepare("INSERT INTO address (hub, node, address) VALUES (?, ?, ?)"));
    RADIAL_TRY(insert.bind(wire.first).bind(wire.second).bind(address.to_string()).run());
  }
  return {};
}

Result<std::optional<Secret>> Store::node_secret(const std::string& name) {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT secret FROM node WHERE name = ?"));
  query.bind(name);
  return secret_of(query);
}

Result<std::set<std::string>> Store::nodes_with_secret() {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT name FROM node WHERE secret IS NOT NULL"));
  std::set<std::string> names;
  for (;;) {
    RADIAL_ASSIGN(const bool row, query.step());
    if (!row) return names;
    names.insert(query.text(0));
  }
}

Status Store::set_node_secret(const std::string& name, const Secret& secret) {
  RADIAL_ASSIGN(auto update, database_->prepare("UPDATE node SET secret = ? WHERE name = ?"));
  RADIAL_TRY(update.bind(std::span<const std::uint8_t>(secret.bytes())).bind(name).run());
  if (database_->changed_rows() != 1) return fail(Errc::not_found, "the store knows no node {}", name);
  return {};
}

Result<std::optional<PresharedKey>> Store::preshared(const std::string& one, const std::string& other) {
  const auto pair = ordered(one, other);
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT key FROM preshared WHERE one = ? AND other = ?"));
  query.bind(pair.first).bind(pair.second);
  return secret_of(query);
}

Result<std::map<std::string, PresharedKey>> Store::preshared_of(const std::string& node) {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT other, key FROM preshared WHERE one = ? UNION ALL "
                                               "SELECT one, key FROM preshared WHERE other = ?"));
  query.bind(node).bind(node);
  std::map<std::string, PresharedKey> keys;
  for (;;) {
    RADIAL_ASSIGN(const bool row, query.step());
    if (!row) return keys;
    keys.emplace(query.text(0), Secret::from_bytes(bytes_of(query.blob(1))));
  }
}

Status Store::set_preshared(const std::string& one, const std::string& other, const PresharedKey& key) {
  const auto pair = ordered(one, other);
  RADIAL_ASSIGN(auto upsert, database_->prepare("INSERT INTO preshared (one, other, key) VALUES (?, ?, ?) "
                                                "ON CONFLICT (one, other) DO UPDATE SET key = excluded.key"));
  return upsert.bind(pair.first).bind(pair.second).bind(std::span<const std::uint8_t>(key.bytes())).run();
}

Result<std::map<std::string, std::int64_t>> Store::key_ages() {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT node, key_since FROM detail WHERE key_since IS NOT NULL"));
  std::map<std::string, std::int64_t> ages;
  for (;;) {
    RADIAL_ASSIGN(const bool row, query.step());
    if (!row) return ages;
    ages.emplace(query.text(0), query.integer(1));
  }
}

Status Store::set_key_age(const std::string& name, std::int64_t since) {
  RADIAL_ASSIGN(auto upsert, database_->prepare("INSERT INTO detail (node, key_since) VALUES (?, ?) ON CONFLICT (node) "
                                                "DO UPDATE SET key_since = excluded.key_since"));
  return upsert.bind(name).bind(since).run();
}

Result<std::vector<Rotation>> Store::rotations() {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT node, asked, author, next FROM rotation ORDER BY node"));
  std::vector<Rotation> all;
  for (;;) {
    RADIAL_ASSIGN(const bool row, query.step());
    if (!row) return all;
    all.push_back({query.text(0), query.integer(1), query.text(2), key_of(query, 3)});
  }
}

Status Store::set_rotation(const Rotation& rotation) {
  RADIAL_ASSIGN(auto upsert, database_->prepare("INSERT INTO rotation (node, asked, author, next) VALUES (?, ?, ?, ?) "
                                                "ON CONFLICT (node) DO UPDATE SET next = excluded.next"));
  upsert.bind(rotation.node).bind(rotation.asked).bind(rotation.author);
  if (rotation.next) upsert.bind(std::span<const std::uint8_t>(rotation.next->bytes()));
  else upsert.bind_null();
  return upsert.run();
}

Status Store::end_rotation(const std::string& node) {
  RADIAL_ASSIGN(auto remove, database_->prepare("DELETE FROM rotation WHERE node = ?"));
  return remove.bind(node).run();
}

Result<std::vector<PendingRevocation>> Store::pending_revocations() {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT node, key, hub, at FROM revocation ORDER BY at, node, hub"));
  std::vector<PendingRevocation> all;
  for (;;) {
    RADIAL_ASSIGN(const bool row, query.step());
    if (!row) return all;
    all.push_back({query.text(0), PublicKey(bytes_of(query.blob(1))), query.text(2), query.integer(3)});
  }
}

Status Store::add_pending_revocation(const PendingRevocation& pending) {
  RADIAL_ASSIGN(auto insert, database_->prepare("INSERT OR REPLACE INTO revocation (node, key, hub, at) VALUES (?, ?, ?, ?)"));
  return insert.bind(pending.node).bind(std::span<const std::uint8_t>(pending.key.bytes())).bind(pending.hub).bind(pending.at).run();
}

Status Store::end_pending_revocations(const std::string& hub) {
  RADIAL_ASSIGN(auto remove, database_->prepare("DELETE FROM revocation WHERE hub = ?"));
  return remove.bind(hub).run();
}

Status Store::forget_node(const std::string& name) {
  RADIAL_TRY(end_rotation(name));
  RADIAL_ASSIGN(auto age, database_->prepare("UPDATE detail SET key_since = NULL WHERE node = ?"));
  RADIAL_TRY(age.bind(name).run());
  RADIAL_ASSIGN(auto clear, database_->prepare("UPDATE node SET public_key = NULL, secret = NULL WHERE name = ?"));
  RADIAL_TRY(clear.bind(name).run());
  RADIAL_ASSIGN(auto remove, database_->prepare("DELETE FROM preshared WHERE one = ? OR other = ?"));
  return remove.bind(name).bind(name).run();
}

Status Store::add_invitation(const Invitation& invitation) {
  RADIAL_ASSIGN(auto insert,
                database_->prepare("INSERT INTO invitation (node, ephemeral, preshared, token, address, created, expires, author, "
                                   "state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open')"));
  insert.bind(invitation.node)
      .bind(std::span<const std::uint8_t>(invitation.ephemeral.bytes()))
      .bind(std::span<const std::uint8_t>(invitation.preshared.bytes()))
      .bind(std::span<const std::uint8_t>(invitation.token))
      .bind(invitation.address.to_string())
      .bind(invitation.created)
      .bind(invitation.expires)
      .bind(invitation.author);
  return insert.run();
}

Result<std::vector<Invitation>> Store::invitations() {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT id, node, ephemeral, preshared, token, address, created, expires, author, "
                                               "state, claimed_by FROM invitation ORDER BY id DESC"));
  std::vector<Invitation> all;
  for (;;) {
    RADIAL_ASSIGN(const bool row, query.step());
    if (!row) return all;
    RADIAL_ASSIGN(auto one, invitation_of(query));
    all.push_back(std::move(one));
  }
}

Status Store::set_invitation_state(std::int64_t id, InvitationState state, const std::optional<PublicKey>& claimed_by) {
  const bool live = state == InvitationState::open || state == InvitationState::claimed;
  RADIAL_ASSIGN(auto update, database_->prepare(live ? "UPDATE invitation SET state = ?, claimed_by = ? WHERE id = ?"
                                                     : "UPDATE invitation SET state = ?, claimed_by = ?, preshared = NULL WHERE id = ?"));
  update.bind(to_string(state));
  if (claimed_by) update.bind(std::span<const std::uint8_t>(claimed_by->bytes()));
  else update.bind_null();
  RADIAL_TRY(update.bind(id).run());
  if (database_->changed_rows() != 1) return fail(Errc::not_found, "the store knows no invitation {}", id);
  return {};
}

Result<ServedSites> Store::served(const std::string& hub) {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT site, prefix FROM served WHERE hub = ?"));
  query.bind(hub);
  ServedSites all;
  for (;;) {
    RADIAL_ASSIGN(const bool row, query.step());
    if (!row) return all;
    if (const auto prefix = Prefix::parse(query.text(1))) all[query.text(0)].insert(*prefix);
  }
}

Status Store::set_served(const std::string& hub, const ServedSites& served) {
  RADIAL_ASSIGN(auto clear, database_->prepare("DELETE FROM served WHERE hub = ?"));
  RADIAL_TRY(clear.bind(hub).run());
  for (const auto& [site, prefixes] : served)
    for (const auto& prefix : prefixes) {
      RADIAL_ASSIGN(auto insert, database_->prepare("INSERT INTO served (hub, site, prefix) VALUES (?, ?, ?)"));
      RADIAL_TRY(insert.bind(hub).bind(site).bind(prefix.to_string()).run());
    }
  return {};
}

Status Store::audit(const AuditLine& line) {
  RADIAL_ASSIGN(auto insert, database_->prepare("INSERT INTO audit (at, who, what) VALUES (?, ?, ?)"));
  return insert.bind(line.at).bind(line.who).bind(line.what).run();
}

Result<std::vector<AuditLine>> Store::audit_log(std::int64_t most) {
  RADIAL_ASSIGN(auto query, database_->prepare("SELECT at, who, what FROM audit ORDER BY id DESC LIMIT ?"));
  query.bind(most);
  std::vector<AuditLine> lines;
  for (;;) {
    RADIAL_ASSIGN(const bool row, query.step());
    if (!row) return lines;
    lines.push_back({query.integer(0), query.text(1), query.text(2)});
  }
}

}  // namespace radial::control
