// Goal: roles come from the patterns of a trace, the first that fits, and else from the engine.
#include "harness/role_patterns.h"

#include <gtest/gtest.h>

#include "harness/crash_state.h"
#include "harness/user_program.h"

namespace plugpull {
namespace {

TEST(RolePatternsTest, TheFirstPatternThatFitsCounts) {
  const Expected<RolePatterns> roles =
      RolePatterns::Parse("log=*.wal,log=*.log,table=data/*,x=*.db");
  ASSERT_TRUE(roles.has_value());
  EXPECT_EQ(roles->RoleOf("a/000012.wal"), "log");
  EXPECT_EQ(roles->RoleOf("000013.log"), "log");
  EXPECT_EQ(roles->RoleOf("data/3.db"), "table");
  EXPECT_EQ(roles->RoleOf("other/3.db"), "x") << "without a slash: of the last part";
  EXPECT_EQ(roles->RoleOf("CURRENT"), "");
}

TEST(RolePatternsTest, SaysWhichPartIsNone) {
  for (const std::string text : {"log", "=*.wal", "log=", "a=b,c"}) {
    const Expected<RolePatterns> roles = RolePatterns::Parse(text);
    ASSERT_FALSE(roles.has_value()) << text;
    EXPECT_EQ(roles.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(roles.error().context.find("role=pattern"), std::string::npos) << text;
  }
}

TEST(RolePatternsTest, NameWhatIsLostInAProgramsTrace) {
  Trace trace;
  trace.ops.push_back(
      {.kind = OpKind::kCreate, .inode = 2, .directory = kRootInode, .name = "7.wal"});
  const std::vector<AtomId> lost = {{.op = 0, .kind = AtomKind::kName, .index = 1}};
  EXPECT_EQ(StateInspector(trace, UserProgramType()).Roles(lost),
            std::vector<std::string>{"N.wal"});
  trace.facts[kRolesFact] = "log=*.wal";
  EXPECT_EQ(StateInspector(trace, UserProgramType()).Roles(lost), std::vector<std::string>{"log"});
}

}  // namespace
}  // namespace plugpull
