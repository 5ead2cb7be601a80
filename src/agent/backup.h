// The controller's hub as one file: the store, who it is, and its keys. What
// 'radial restore' makes of it on another machine takes the lost one's place:
// sites dial the same key and need no change.
//
// The file is JSON: names and contents (base64), and a checksum over all. It
// holds every secret of the fabric that the hub holds; mode 0600.
//
// Blocking; for the command line.
#pragma once

#include <filesystem>
#include <string>

#include "agent/daemon.h"
#include "agent/paths.h"
#include "agent/setup.h"
#include "base/result.h"

namespace radial::agent {

// radiald may run meanwhile: the store is copied as of one moment. conflict:
// this node has no store.
[[nodiscard]] Status write_backup(const Paths& paths, const std::filesystem::path& file, const Tell& tell);

// Everything is read and checked before the first file is written; the node's
// name is written last. already_exists: this machine is a node.
[[nodiscard]] Status restore_backup(const DaemonOptions& options, const std::filesystem::path& file, const Tell& tell);

// The files alone; restore_backup() also enables FRR's daemons and starts radiald.
[[nodiscard]] Status restore_files(const Paths& paths, const std::filesystem::path& file);

}  // namespace radial::agent
