// Goal: a plan prints as what it parses from, and whatever makes no sense is refused in one line
// that names the word and the nearest one that is known. A plan at work fails the calls that it
// names, and no others.
#include "faults/inject/failure_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "faults/inject/failure_injector.h"

namespace plugpull {
namespace {

using ::testing::HasSubstr;

std::string Error(std::string_view text) {
  const Expected<FailurePlan> plan = ParseFailurePlan(text);
  if (plan) return "parsed";
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
  return plan.error().context;
}

TEST(FailurePlanTest, PrintsWhatItParses) {
  for (const char* text :
       {"fail(point=vfs/sync,path=*-wal,call=3,errno=EIO,then=once,after=go-on,aftermath=keep)",
        "fail(point=vfs/sync,call=1,errno=EIO,then=always,after=restart,aftermath=keep-evict)",
        "fail(point=vfs/write,offset=4096,call=2,short=512,then=once,after=go-on)",
        "fail(point=vfs/*,share=1/100,seed=7,errno=EIO,after=go-on,aftermath=revert)",
        "fail(point=cow_tree/write_meta,call=1,errno=ENOSPC,then=once,after=go-on)+"
        "fail(point=vfs/open,call=9,errno=EINTR,then=once,after=restart)"}) {
    const Expected<FailurePlan> plan = ParseFailurePlan(text);
    ASSERT_TRUE(plan.has_value()) << text << ": " << plan.error().context;
    EXPECT_EQ(Text(*plan), text);
    EXPECT_EQ(ParseFailurePlan(Text(*plan)).value(), *plan);
  }
}

TEST(FailurePlanTest, WhatIsNotSaidHasADefault) {
  const Expected<FailurePlan> plan = ParseFailurePlan("fail(point=vfs/sync,errno=EIO)");
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(Text(*plan),
            "fail(point=vfs/sync,call=1,errno=EIO,then=once,after=go-on,aftermath=keep)");
}

TEST(FailurePlanTest, RefusesWhatMakesNoSense) {
  const std::map<std::string, std::string> refused = {
      {"", "is empty"},
      {"vfs/sync", "is not of the form"},
      {"fail(point=vfs/snyc,errno=EIO)", "did you mean 'vfs/sync'?"},
      {"fail(point=nfs/*,errno=EIO)", "there is no failure point 'nfs/*'"},
      {"fail(pont=vfs/sync,errno=EIO)", "did you mean 'point'?"},
      {"fail(point=vfs/sync,errno=EIOO)", "did you mean 'EIO'?"},
      {"fail(point=vfs/read,errno=ENOSPC)", "is nothing that vfs/read can return"},
      {"fail(point=vfs/sync,short=5)", "is nothing that vfs/sync can return"},
      {"fail(point=vfs/sync,call=0,errno=EIO)", "from 1 to"},
      {"fail(point=vfs/sync,call=-1,errno=EIO)", "from 1 to"},
      {"fail(point=vfs/sync,call=1,call=2,errno=EIO)", "second of its key"},
      {"fail(point=vfs/sync)", "needs one of errno and short"},
      {"fail(point=vfs/write,errno=EIO,short=5)", "needs one of errno and short"},
      {"fail(errno=EIO)", "needs a point"},
      {"fail(point=vfs/read,errno=EINTR,then=always)", "would never end"},
      {"fail(point=vfs/read,errno=EIO,then=twice)", "there is no then 'twice'"},
      {"fail(point=vfs/write,errno=EIO,aftermath=keep)", "vfs/sync has"},
      {"fail(point=vfs/sync,errno=EIO,aftermath=kept)", "did you mean 'keep'?"},
      {"fail(point=vfs/read,errno=EIO,share=1)", "is no share"},
      {"fail(point=vfs/read,errno=EIO,share=3/2)", "from 3 to"},
      {"fail(point=vfs/read,errno=EIO,share=1/2,call=2)", "exclude each other"},
      {"fail(point=vfs/read,errno=EIO,seed=2)", "needs a share"},
      {"fail(point=vfs/read,errno=)", "has no value"},
      {"fail(point=vfs/read,errno=EIO)+", "is not of the form"},
  };
  for (const auto& [text, message] : refused) {
    EXPECT_THAT(Error(text), HasSubstr(message)) << text;
    EXPECT_EQ(Error(text).find('\n'), std::string::npos);
  }
}

TEST(FailurePlanTest, GlobsKnowStarsAndQuestionMarks) {
  EXPECT_TRUE(MatchesGlob("*", ""));
  EXPECT_TRUE(MatchesGlob("*-wal", "test.db-wal"));
  EXPECT_FALSE(MatchesGlob("*-wal", "test.db-wal2"));
  EXPECT_TRUE(MatchesGlob("t?st*db", "test.x.db.db"));
  EXPECT_FALSE(MatchesGlob("t?st", "tst"));
  EXPECT_FALSE(MatchesGlob("", "x"));
}

// Returns: of `count` calls that all ask the same, the numbers of those that fail under the plan.
std::vector<int> Failing(std::string_view text, const FailureQuestion& question, int count) {
  FailureInjector injector(*ParseFailurePlan(text));
  std::vector<int> failing;
  for (int i = 1; i <= count; ++i) {
    if (AskWhetherToFail(question)) failing.push_back(i);
  }
  EXPECT_EQ(injector.failures(), failing.size());
  return failing;
}

TEST(FailureInjectorTest, FailsTheCallThatThePlanNames) {
  const FailureQuestion write{FailurePoint::kWrite, "a-wal", 4096, 1000};
  using Numbers = std::vector<int>;
  EXPECT_EQ(Failing("fail(point=vfs/write,call=3,errno=EIO)", write, 5), Numbers({3}));
  EXPECT_EQ(Failing("fail(point=vfs/write,call=3,errno=EIO,then=always)", write, 5),
            Numbers({3, 4, 5}));
  EXPECT_EQ(Failing("fail(point=vfs/write,path=*-journal,errno=EIO)", write, 5), Numbers());
  EXPECT_EQ(Failing("fail(point=vfs/write,path=?-wal,errno=EIO)", write, 5), Numbers({1}));
  EXPECT_EQ(Failing("fail(point=vfs/write,offset=5095,errno=EIO)", write, 5), Numbers({1}));
  EXPECT_EQ(Failing("fail(point=vfs/write,offset=5096,errno=EIO)", write, 5), Numbers());
  EXPECT_EQ(Failing("fail(point=vfs/read,errno=EIO)", write, 5), Numbers());
  EXPECT_EQ(Failing("fail(point=vfs/*,call=2,errno=ENOSPC)", write, 5), Numbers({2}));
  EXPECT_EQ(Failing("fail(point=vfs/*,call=2,errno=ENOLCK)", write, 5), Numbers());
  EXPECT_EQ(Failing("fail(point=vfs/write,short=999)", write, 5), Numbers({1}));
  EXPECT_EQ(Failing("fail(point=vfs/write,short=1000)", write, 5), Numbers());
}

TEST(FailureInjectorTest, AShareDependsOnItsSeedAlone) {
  const FailureQuestion read{FailurePoint::kRead, "f", 0, 8};
  const std::string some = "fail(point=vfs/read,share=1/10,errno=EIO,seed=";
  const std::vector<int> seven = Failing(some + "7)", read, 1000);
  EXPECT_EQ(Failing(some + "7)", read, 1000), seven);
  EXPECT_NE(Failing(some + "8)", read, 1000), seven);
  EXPECT_GT(seven.size(), 60U);
  EXPECT_LT(seven.size(), 140U);
}

TEST(FailureInjectorTest, NothingFailsWhereNothingIsArmed) {
  const FailureQuestion read{FailurePoint::kRead, "f", 0, 8};
  EXPECT_FALSE(AskWhetherToFail(read));
  FailureInjector injector(*ParseFailurePlan("fail(point=vfs/read,errno=EIO,then=always)"));
  EXPECT_TRUE(AskWhetherToFail(read));
  injector.Suspend();
  EXPECT_FALSE(AskWhetherToFail(read));
  injector.Resume();
  EXPECT_TRUE(AskWhetherToFail(read));
}

TEST(FailureInjectorTest, EveryPointFailsInEveryWayThatItHas) {
  for (size_t i = 0; i < kFailurePoints; ++i) {
    const FailurePoint point = static_cast<FailurePoint>(i);
    for (const int os_errno : InfoOf(point).errnos) {
      FailureRule rule;
      rule.point = InfoOf(point).name;
      rule.os_errno = os_errno;
      ASSERT_EQ(ParseFailurePlan(Text(rule)).value(), FailurePlan{{rule}}) << Text(rule);
      FailureInjector injector(FailurePlan{{rule}});
      const auto failure = AskWhetherToFail({.point = point});
      ASSERT_TRUE(failure.has_value()) << Text(rule);
      EXPECT_EQ(failure->os_errno, os_errno);
    }
  }
}

}  // namespace
}  // namespace plugpull
