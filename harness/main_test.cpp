// The test program of the harness is its own child program, so that children know the engines that
// only tests have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/registry.h"
#include "harness/child.h"
#include "harness/testing.h"
#include "workloads/strategies/files_engine.h"

int main(int argc, char** argv) {
  plugpull::AddEngineType(plugpull::FragileLogType());
  plugpull::AddEngineType(plugpull::FilesType());
  if (plugpull::IsChild(argc, argv)) return plugpull::ServeChild(argc, argv);
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
