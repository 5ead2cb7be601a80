#include <sys/prctl.h>

#include "cli/commands.h"
#include "lab/init.h"

int main(int argc, char** argv) {
  // The lab executes this program again as the init of a node.
  if (const auto code = radial::lab::dispatch_lab_init(argc, argv)) return *code;
  ::prctl(PR_SET_DUMPABLE, 0);  // a token or a key may be in memory: no core dumps, no ptrace by others
  return radial::cli::run(argc, argv);
}
