// What plugpull says about update protocols: those that are right hold under the weakest model, and
// each sync that is left out is missed.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using ::testing::IsSupersetOf;

class RightProtocols : public ::testing::TestWithParam<const char*> {};

TEST_P(RightProtocols, HoldAndTheSearchIsExhaustive) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", std::string("files:") + GetParam(), "--transactions", "40"}, 0);
  EXPECT_EQ(result["verdict"], "held");
  EXPECT_EQ(result["coverage"]["mode"], "exhaustive");
  EXPECT_EQ(result["model"], "posix-minimal");
  EXPECT_EQ(result["promise"], "durable");
  EXPECT_GT(result["coverage"]["recoveries"], result["coverage"]["crash_points"]);
}

INSTANTIATE_TEST_SUITE_P(Files, RightProtocols,
                         ::testing::Values("protocol=append", "protocol=append,sync=fdatasync",
                                           "protocol=append,sync=dsync", "protocol=append,every=1",
                                           "protocol=append,rotate=off", "protocol=replace",
                                           "protocol=replace,sync=file+directory",
                                           "protocol=double-write", "protocol=wal",
                                           "protocol=wal,every=1", "protocol=wal,group=4",
                                           "protocol=wal,group=3,every=7", "protocol=preallocated",
                                           "protocol=preallocated,sync=fsync", "protocol=manifest",
                                           "protocol=manifest,every=2"));

TEST(Protocols, ThatHoldForMostWorkloadsHoldForOthersToo) {
  for (const char* workload : {"single", "append"}) {
    for (const char* protocol :
         {"append", "replace", "double-write", "wal", "preallocated", "manifest"}) {
      Sandbox sandbox;
      const json result =
          sandbox.Result({"run", std::string("files:protocol=") + protocol, "--workload", workload,
                          "--seed", "3", "--transactions", "20"},
                         0);
      EXPECT_EQ(result["coverage"]["mode"], "exhaustive") << workload << protocol;
    }
  }
}

// A protocol that leaves something out, and what that must be seen to do.
struct Wrong {
  const char* options;
  std::set<std::string> classes;
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.options; }

class WrongProtocols : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongProtocols, AreViolated) {
  Sandbox sandbox;
  const json result = sandbox.Result(
      {"run", std::string("files:") + GetParam().options, "--transactions", "16"}, 1);
  EXPECT_EQ(result["verdict"], "violated");
  EXPECT_THAT(Classes(result), IsSupersetOf(GetParam().classes));
}

INSTANTIATE_TEST_SUITE_P(
    Files, WrongProtocols,
    ::testing::Values(
        Wrong{"protocol=in-place", {"partial-commit", "wrong-value"}},
        Wrong{"protocol=in-place,sync=fdatasync", {"partial-commit", "wrong-value"}},
        Wrong{"protocol=in-place,sync=none", {"partial-commit", "lost-commit"}},
        Wrong{"protocol=append,sync=none", {"lost-commit", "refuses-to-open"}},
        Wrong{"protocol=append,sync=range", {"lost-commit", "refuses-to-open"}},
        Wrong{"protocol=append,directory=off", {"lost-commit", "refuses-to-open"}},
        Wrong{"protocol=append,directory=off,rotate=off", {"lost-commit"}},
        Wrong{"protocol=append,checksum=off", {"wrong-value"}},
        Wrong{"protocol=replace,sync=none", {"refuses-to-open", "lost-commit"}},
        Wrong{"protocol=replace,sync=directory", {"refuses-to-open"}},
        Wrong{"protocol=double-write,sync=no-journal", {"partial-commit", "wrong-value"}},
        Wrong{"protocol=double-write,sync=no-table", {"partial-commit", "wrong-value"}},
        Wrong{"protocol=double-write,sync=none", {"partial-commit", "wrong-value"}},
        Wrong{"protocol=wal,sync=no-log", {"partial-commit", "lost-commit"}},
        Wrong{"protocol=wal,sync=no-table", {"partial-commit"}},
        Wrong{"protocol=wal,sync=none", {"partial-commit", "lost-commit"}},
        Wrong{"protocol=preallocated,sync=none", {"lost-commit", "refuses-to-open"}},
        Wrong{"protocol=manifest,sync=no-data", {"refuses-to-open"}},
        Wrong{"protocol=manifest,sync=no-directory", {"refuses-to-open", "lost-commit"}},
        Wrong{"protocol=manifest,sync=no-manifest", {"refuses-to-open", "lost-commit"}},
        Wrong{"protocol=manifest,sync=no-current", {"refuses-to-open"}},
        Wrong{"protocol=manifest,sync=none", {"refuses-to-open", "lost-commit"}}));

// Those that lose the last commits and nothing else.
class ForgetfulProtocols : public ::testing::TestWithParam<const char*> {};

TEST_P(ForgetfulProtocols, LoseCommitsAndKeepAPrefix) {
  Sandbox sandbox;
  const std::string target = std::string("files:") + GetParam();
  const json durable = sandbox.Result({"run", target, "--transactions", "16"}, 1);
  EXPECT_EQ(Classes(durable), std::set<std::string>{"lost-commit"});
  const json prefix =
      sandbox.Result({"run", target, "--transactions", "16", "--promise", "prefix"}, 0, "prefix");
  EXPECT_EQ(prefix["coverage"]["mode"], "exhaustive");
}

INSTANTIATE_TEST_SUITE_P(Files, ForgetfulProtocols,
                         ::testing::Values("protocol=replace,sync=file",
                                           "protocol=wal,group=4,ack=early"));

TEST(Protocols, AreATargetLikeAnyOther) {
  Sandbox sandbox;
  const Outcome targets = sandbox.Run({"list", "targets"});
  EXPECT_NE(targets.out.find("files "), std::string::npos);
  EXPECT_NE(targets.out.find("protocol=in-place|append|replace|"), std::string::npos);
  ExpectComplaint(sandbox.Run({"run", "files:protocol=replace,sync=fsync"}), 2,
                  "protocol=replace has no sync=fsync");
  ExpectComplaint(sandbox.Run({"run", "files:protocol=append,group=4"}), 2,
                  "does not use option 'group'");
}

TEST(Protocols, ReplayTheirCases) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", "files:protocol=replace,sync=directory", "--transactions", "8"}, 1);
  for (const json& finding : result["findings"]) {
    const std::string file = "out/" + finding["case"].get<std::string>();
    EXPECT_EQ(sandbox.Run({"replay", file, "--times", "3"}).exit_code, 0) << file;
  }
}

}  // namespace
}  // namespace plugpull::e2e
