// A site's side of a change: tells the controller how this node stands, and
// brings its instructions to NodeChange.
//
// Threading: the io_context's thread.
#pragma once

#include <chrono>

#include <boost/asio/io_context.hpp>

#include "agent/member_role.h"
#include "agent/node_change.h"

namespace radial::agent {

class ChangeMember {
 public:
  ChangeMember(boost::asio::io_context& loop, MemberRole& member, NodeChange& change);  // borrowed

  // Once a second.
  void step(std::chrono::steady_clock::time_point now);
  // The controller has something new.
  void soon();

 private:
  void ask();

  boost::asio::io_context& loop_;
  MemberRole& member_;
  NodeChange& change_;
  bool asking_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace radial::agent
