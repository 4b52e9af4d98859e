// The real Mavibot from end to end: a program in Java is recorded, and every kill of it is
// explored. No write is lost here, so that all that is found is Mavibot's own.
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

TEST(Mavibot, LosesAcknowledgedUpdatesWhenItIsKilled) {
  Sandbox sandbox;
  const Outcome recorded = sandbox.Run(
      {"record", "-o", "t", "--target", "mavibot", "--workload", "single", "--transactions", "30"});
  if (recorded.err.find("libmavibot-java") != std::string::npos) GTEST_SKIP() << recorded.err;
  ASSERT_EQ(recorded.exit_code, 0) << recorded.err;
  const json result = sandbox.Result({"explore", "t", "--model", "process-kill"}, 1);
  EXPECT_EQ(result["door"], "traced");
  EXPECT_EQ(result["trace"]["acks"], 30);
  EXPECT_EQ(result["trace"]["syncs"], 0) << "none before it is closed, which a record does not";
  EXPECT_TRUE(result["coverage"]["unknown"].empty()) << result["coverage"]["unknown"];
  const std::set<std::string> classes = Classes(result);
  for (const char* expected : {"refuses-to-open", "structure", "lost-commit"}) {
    EXPECT_TRUE(classes.contains(expected)) << expected;
  }
}

}  // namespace
}  // namespace plugpull::e2e
