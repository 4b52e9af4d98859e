// Goal: what a case lacks on this machine is said before it is replayed.
#include "harness/case_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/user_program.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

Case Of(const std::string& target, const std::string& check = "") {
  Case some;
  some.settings.target = target;
  some.settings.check = check;
  return some;
}

TEST(CaseProgram, OfLinkedEnginesIsHere) {
  EXPECT_TRUE(CheckProgram(Of("cow_tree")).has_value());
  EXPECT_EQ(CheckProgram(Of("cow_tre")).error().code, ErrorCode::kInvalidArgument);
}

TEST(CaseProgram, ThatIsADriverMayBeMissing) {
  const Expected<void> here = CheckProgram(Of("driver:/nowhere/driver"));
  ASSERT_FALSE(here);
  EXPECT_EQ(here.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(here.error().context, HasSubstr("the driver of the case is not here"));
  EXPECT_THAT(here.error().context, HasSubstr("/nowhere/driver"));
  EXPECT_TRUE(CheckProgram(Of("driver:/bin/sh")).has_value());
}

TEST(CaseProgram, ThatIsACheckMayBeMissing) {
  for (const char* check : {"/nowhere/verify.sh --all", "no-such-program-here x | wc", "./none"}) {
    const Expected<void> here = CheckProgram(Of("", check));
    ASSERT_FALSE(here) << check;
    EXPECT_EQ(here.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(here.error().context, HasSubstr("the check command of the case is not here"));
  }
  for (const char* check :
       {"test -f data", "/bin/sh -c true", "  grep x data", "if true; then :; fi", "$HOME/verify",
        "X=1 no-such-program", "(cd .)"}) {
    EXPECT_TRUE(CheckProgram(Of("", check)).has_value()) << check;
  }
}

TEST(CaseProgram, OfAnotherVersionIsWarnedOf) {
  Case some = Of("sqlite");
  const std::string here = VersionOfTarget(some.settings);
  EXPECT_THAT(here, testing::StartsWith("SQLite 3."));
  EXPECT_EQ(VersionWarning(some), "") << "older cases do not say";
  some.target_version = here;
  EXPECT_EQ(VersionWarning(some), "");
  some.target_version = "SQLite 3.99.0";
  EXPECT_THAT(VersionWarning(some), HasSubstr("recorded with SQLite 3.99.0, and this is " + here));
  some.settings.target = "cow_tree";
  EXPECT_EQ(VersionWarning(some), "") << "that of plugpull";
}

}  // namespace
}  // namespace plugpull
