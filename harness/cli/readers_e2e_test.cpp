// Readers and rollbacks as a user asks for them: what is found is replayed, what cannot be is said.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using testing::HasSubstr;

TEST(Readers, AChangeIsFoundAndReplayed) {
  Sandbox sandbox;
  const json result = sandbox.Result(
      {"run", "cow_tree:mutant=M6", "--transactions", "12", "--keys", "10", "--readers", "2"}, 1);
  ASSERT_TRUE(Classes(result).contains("reader-changed"));
  for (const json& finding : result["findings"]) {
    const Outcome replayed =
        sandbox.Run({"replay", "out/" + finding["case"].get<std::string>(), "--times", "3"});
    EXPECT_EQ(replayed.exit_code, 0) << replayed.out << replayed.err;
  }
  EXPECT_EQ(sandbox.Result({"run", "cow_tree:mutant=M6", "--transactions", "12"}, 0)["verdict"],
            "held");
}

TEST(Readers, ARecordedTraceTellsTheSame) {
  Sandbox sandbox;
  const Words how = {"--transactions", "12", "--keys", "10", "--readers", "2", "--rollbacks", "3"};
  Words record = {"record", "--target", "cow_tree:mutant=M6", "-o", "t.trace"};
  record.insert(record.end(), how.begin(), how.end());
  ASSERT_EQ(sandbox.Run(record).exit_code, 0);
  Words run = {"run", "cow_tree:mutant=M6"};
  run.insert(run.end(), how.begin(), how.end());
  const json explored = sandbox.Result({"explore", "t.trace"}, 1, "explored");
  EXPECT_EQ(explored["findings"], sandbox.Result(run, 1, "ran")["findings"]);
}

TEST(Readers, AConfigurationFileMaySetThem) {
  Sandbox sandbox;
  WriteText(sandbox.path("plugpull.toml"), "readers = 2\nrollbacks = 3\ntransactions = 12\n");
  EXPECT_TRUE(Classes(sandbox.Result({"run", "cow_tree:mutant=M6", "--config", "plugpull.toml"}, 1))
                  .contains("reader-changed"));
}

TEST(Readers, AnEngineWithoutThemIsNotRunInSilence) {
  Sandbox sandbox;
  const auto refused = [&sandbox](const Words& words, const std::string& why) {
    const Outcome outcome = sandbox.Run(words);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(why));
  };
  refused({"run", "sqlite", "--readers", "1", "--quiet"},
          "plugpull: sqlite has no readers beside its writer; leave out --readers\n");
  refused({"record", "--target", "sqlite", "--rollbacks", "1", "-o", "t"},
          "plugpull: sqlite has no way to roll a transaction back");
  refused({"run", "driver:/bin/true", "--readers", "1"}, "need an engine that is linked");
  refused({"run", "--readers", "1", "--check", "true", "--", "true"},
          "need an engine that is linked");
  refused({"run", "cow_tree", "--readers", "1", "--errors", "each"}, "--errors");
  refused({"run", "cow_tree", "--readers", "many"}, "takes a whole number");
}

}  // namespace
}  // namespace plugpull::e2e
