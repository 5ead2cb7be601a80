#include <csignal>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <sys/prctl.h>

#include "agent/daemon.h"
#include "base/log.h"
#include "base/version.h"

int main(int argc, char** argv) {
  radial::agent::DaemonOptions options;
  CLI::App app{"radiald: the Radial agent of one node. Applies its configuration, watches the node and repairs drift.\n"
               "On SIGTERM it leaves the network running; 'radial down' removes it."};
  app.set_version_flag("--version", std::string(radial::version()));
  app.add_option("--config", options.paths.config, "folder of fabric.yaml, facts.json, node and private.key")->capture_default_str();
  app.add_option("--state", options.paths.state, "folder of what must outlive a restart")->capture_default_str();
  app.add_option("--run", options.paths.run, "folder of radiald.sock")->capture_default_str();
  app.add_option("--wireguard", options.userspace_wireguard, "userspace WireGuard programs to try where the kernel has none")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  ::prctl(PR_SET_DUMPABLE, 0);  // keys are in memory: no core dumps, no ptrace by others
  std::signal(SIGPIPE, SIG_IGN);
  radial::start_log("radiald");
  if (const auto status = radial::agent::run_daemon(options); !status) {
    spdlog::error("{}", status.error().message);
    return 1;
  }
  return 0;
}
