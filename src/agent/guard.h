// Guards a hub against sites that abuse OSPF, v2 and v3: listens to what each sends,
// judges it (observe/lsdb_rules.h), and cuts a proven offender off until the
// operator lets it back (`radial readmit SITE`). Who is cut off survives a
// restart. What this contains and what not: docs/security.md.
// Threading: the event loop's thread; a call blocks for an answer of ospfd or ospf6d at most.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/hub_talk.h"
#include "agent/paths.h"
#include "agent/refusal_findings.h"
#include "compile/node_config.h"
#include "host/frr.h"
#include "host/ospf_listener.h"
#include "host/ospf_mtu.h"
#include "observe/lsdb_rules.h"
#include "observe/snapshot.h"

namespace radial::agent {

struct CutOff {
  std::string what;        // the first offence
  std::string since;       // RFC 3339, UTC
  bool operator==(const CutOff&) const = default;
};
using CutOffs = std::map<std::string, CutOff>;  // by site

// None when the file is absent; a damaged one, whose copy is damaged too, is an error: nobody is let back by accident.
[[nodiscard]] Result<CutOffs> load_cut_offs(const std::filesystem::path& file);
[[nodiscard]] Status save_cut_offs(const std::filesystem::path& file, const CutOffs& cut_offs);

class Guard {
 public:
  // One listener a version of OSPF at most; frr and paths are borrowed.
  Guard(host::Frr& frr, const Paths& paths, std::vector<host::OspfListener> listeners, CutOffs cut_offs);

  void configure(const NodeConfig& config);
  [[nodiscard]] std::vector<int> fds() const;
  // When one of fds() is readable; and about once a second. True when somebody was
  // cut off just now: the caller reconciles.
  bool hear(observe::OspfTime now);
  bool tick(observe::OspfTime now);
  // What other hubs are to be asked, and their answers: agent/hub_talk.h. answered(): as tick().
  struct Question {
    IpAddress hub;
    HubMessage message;
  };
  [[nodiscard]] std::vector<Question> questions(observe::OspfTime now) const;
  [[nodiscard]] HubMessage answer(const HubMessage& question) const;
  bool answered(observe::OspfTime now, const IpAddress& hub, const HubMessage& answer);
  // A change of the fabric makes every router say, withdraw and repeat its LSAs
  // at once: until then what looks like an offence is let pass and forgotten.
  void expect_turmoil(observe::OspfTime until) { turmoil_until_ = until; }

  [[nodiscard]] NodeConfig guarded(NodeConfig config) const;
  // not_found: it was not cut off. unavailable: OSPF has not let go of it yet. Only an
  // adjacency that begins anew makes a site answer what stands in its own name in our
  // database, and what it forged there would be held against it again.
  Status readmit(const std::string& site, const std::vector<Router>& routers);

  [[nodiscard]] const CutOffs& cut_offs() const { return cut_offs_; }
  [[nodiscard]] const host::OspfMtus& mtus() const { return mtus_; }  // at every node
  [[nodiscard]] std::vector<observe::Finding> findings() const;

 private:
  // One version of OSPF: what is heard of it, and who judges that.
  struct Ear {
    host::OspfListener listener;
    observe::LsaJudge judge;
    observe::OspfTime next_audit{};
    std::optional<std::int64_t> incarnation{};  // of its daemon, when that was there last
  };

  bool hear(observe::OspfTime now, Ear& ear);
  bool tick(observe::OspfTime now, Ear& ear);
  void forget(const std::string& site);
  bool act_at(observe::OspfTime now, const std::vector<observe::Offence>& offences);
  bool act(const std::vector<observe::Offence>& offences);
  void note_refused();
  [[nodiscard]] std::set<std::string> names() const;
  [[nodiscard]] bool is_neighbor(const std::string& site, const std::vector<Router>& routers);

  host::Frr& frr_;
  const Paths& paths_;
  std::vector<Ear> ears_;
  host::OspfMtus mtus_;
  CutOffs cut_offs_;
  observe::OspfTime turmoil_until_{};
  RefusalFindings refused_;
};

}  // namespace radial::agent
