// What Radial expects of any WireGuard, as one suite: a program that links
// wireguard_semantics.cpp says with INSTANTIATE_TEST_SUITE_P which
// implementation it holds against it. Each test has a private namespace with
// nothing in it; wires that it made go with it.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "host/wireguard.h"
#include "support/namespace.h"

namespace radial::test {

struct Implementation {
  std::string name;
  std::function<Result<std::unique_ptr<host::WireGuard>>()> open;
};
inline std::ostream& operator<<(std::ostream& out, const Implementation& implementation) {
  return out << implementation.name;
}

// A namespace, WireGuard in it, and the end of every wire made by it.
class WireGuardTest : public testing::Test {
 protected:
  void start(const Implementation& implementation) {
    auto opened = implementation.open();
    ASSERT_TRUE(opened) << opened.error().message;
    wireguard = std::move(*opened);
  }
  void create(const std::string& interface) {
    const auto status = wireguard->create(interface);
    ASSERT_TRUE(status) << status.error().message;
    made_.insert(interface);
  }
  void TearDown() override {
    for (const auto& interface : made_) (void)wireguard->remove(interface);
  }

  PrivateNamespace space;
  std::unique_ptr<host::WireGuard> wireguard;

 private:
  std::set<std::string> made_;
};

class WireGuardSemantics : public WireGuardTest, public testing::WithParamInterface<Implementation> {
 protected:
  void SetUp() override { start(GetParam()); }
};

}  // namespace radial::test
