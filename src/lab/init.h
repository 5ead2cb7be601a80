// The lab's helper processes. Each is the running program executed again as
// `PROGRAM lab-init ...`, so that namespaces are entered by a fresh process
// with one thread:
//
//   lab-init hold LAB NODE     makes the namespaces of a node and leaves its
//                              init behind (what to make: InitSpec on stdin)
//   lab-init enter ...         runs a program inside a node
//
// The init holds the node's namespaces and reaps what is orphaned there.
// It is the first process of the node's PID namespace: the kernel kills every
// other process of the node when it dies.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace radial::lab {

// First thing in main() of every program that uses the lab. When the program was
// executed as a helper it does the helper's work and ends (or returns the exit
// code of a wrong use); else it returns nothing.
[[nodiscard]] std::optional<int> dispatch_lab_init(int argc, char** argv);

// Whether this program called dispatch_lab_init(). Without that, executing it
// again would start all of it again.
[[nodiscard]] bool lab_init_available();

struct InitSpec {
  struct Folder {             // a private folder of the node, in its own tmpfs
    std::string path;
    unsigned mode = 0755;
    bool frr = false;         // owned by user and group frr, and in FRR's own root too
    bool frr_root_only = false;  // nothing to see outside that root
  };
  struct File {
    std::string path;
    std::string content;
    unsigned mode = 0644;
    bool frr = false;
  };
  std::string hostname;
  std::string netns;                   // name in /run/netns
  std::vector<std::string> lan_netns;  // names; each a namespace with nothing but lo
  std::vector<Folder> folders;
  std::vector<File> files;             // in those folders, or a private file over one of the machine's
  std::vector<std::pair<std::string, std::string>> sysctls;  // keys with dots
  std::string frr_root;                // a root folder for FRR: shares the private folders, /proc and /dev
};

// A process, named so that a recycled pid is not taken for it.
struct ProcessIdentity {
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;
};
[[nodiscard]] std::optional<ProcessIdentity> identify_process(std::int64_t pid);
[[nodiscard]] bool is_running(const ProcessIdentity& process);

// Makes the node; returns when its init runs and all of the spec is in place.
[[nodiscard]] Result<ProcessIdentity> start_init(const std::string& lab, const std::string& node, const InitSpec& spec);

// How to run a program inside: put the program's arguments after these.
struct EnterSpec {
  ProcessIdentity init;
  std::string netns;                   // a LAN host's name in /run/netns; empty: the node's own
  std::string hostname;                // for a LAN host
  enum class Mode : int { foreground, captured, daemon } mode = Mode::foreground;
  std::string log;                     // of a daemon
};
[[nodiscard]] std::vector<std::string> enter_arguments(const EnterSpec& spec);

// Kills every init (and helper at work) of this lab and waits until they and
// all that ran in their nodes are gone. How many there were.
[[nodiscard]] Result<int> kill_inits(const std::string& lab);

}  // namespace radial::lab
