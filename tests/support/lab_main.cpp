// main() of a test program that uses labs.
#include <gtest/gtest.h>

#include "lab/init.h"

int main(int argc, char** argv) {
  if (const auto code = radial::lab::dispatch_lab_init(argc, argv)) return *code;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
