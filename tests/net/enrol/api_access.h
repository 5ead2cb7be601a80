// What the API of running daemons tells whom, by every door: for tests that
// have a controller and nodes that joined it.
#pragma once

#include <string>

#include "support/live_lab.h"

namespace radial::test {

// Every route on a node's UNIX socket answers as docs/openapi.json says, asked
// well and asked wrongly; nothing is changed.
void every_route_answers(LiveLab& lab, const std::string& node, bool controller);

// What a program of somebody in the group radial, and of somebody in no group
// of ours, may do on the UNIX socket. Restarts the node's radiald.
void group_radial_reads(LiveLab& lab, const std::string& node);

// Inside the tunnel a node gets what is its own and nothing else.
// `controller`: the tunnel address of `hub`.
void a_node_sees_its_own(LiveLab& lab, const std::string& hub, const std::string& controller, const std::string& node,
                         const std::string& other);

}  // namespace radial::test
