// FRR of one version, running in a private namespace of the test, for loading
// configurations into and reading them back. Ends with the object, and with
// the test program even when that is killed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "fabric/facts.h"
#include "support/namespace.h"

namespace radial::test {

struct FrrInstall {
  std::string root;  // "/" or a root folder of another Debian
  FrrVersion version;
};

// The machine's own FRR, and Debian 13's when RADIAL_TRIXIE_ROOT names its
// root folder or tools/debian13-root has made it in its usual place.
[[nodiscard]] std::vector<FrrInstall> installed_frr();

// The lines of each context of a configuration ("" is the top level).
using FrrContexts = std::map<std::string, std::vector<std::string>>;

class FrrSandbox {
 public:
  explicit FrrSandbox(const FrrInstall& install);  // throws
  ~FrrSandbox();
  FrrSandbox(const FrrSandbox&) = delete;
  FrrSandbox& operator=(const FrrSandbox&) = delete;

  // Runs a shell script in the namespace, on this machine or inside the root folder.
  std::string sh(const std::string& script) const { return inside_.sh(script); }
  std::string sh_in_root(const std::string& script) const;
  void write_in_root(const std::string& path, const std::string& content) const;

  // Enters lines in a context, as radiald does; what FRR said of each it refused.
  std::vector<std::string> enter(const std::string& daemon, const std::string& context,
                                 const std::vector<std::string>& lines);
  FrrContexts running(const std::string& daemon);
  std::string show(const std::string& daemon, const std::string& command);

 private:
  struct Reply {
    std::string text;
    int status = 0;
  };
  Reply ask(const std::string& wanted, const std::string& command);
  void start();

  FrrInstall install_;
  std::string prefix_;  // of paths in the root folder; empty for "/"
  PrivateNamespace inside_;
  pid_t daemons_ = -1;
  std::map<std::string, Fd> sockets_;
};

}  // namespace radial::test
