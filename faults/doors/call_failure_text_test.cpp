#include "faults/doors/call_failure_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plugpull {
namespace {

using ::testing::HasSubstr;

std::string Reparsed(std::string_view text) {
  const Expected<FailurePlan> plan = ParseCallFailure(text);
  return plan ? Text(*plan) : plan.error().context;
}

TEST(CallFailureText, ShortFormsAreRulesOfAPlan) {
  EXPECT_EQ(Reparsed("fdatasync:3=EIO"),
            "fail(point=call/fdatasync,call=3,errno=EIO,then=once,after=go-on)");
  EXPECT_EQ(Reparsed("write=ENOSPC"),
            "fail(point=call/write,call=1,errno=ENOSPC,then=once,after=go-on)");
  EXPECT_EQ(Reparsed("write(*.log):2=short:100"),
            "fail(point=call/write,path=*.log,call=2,short=100,then=once,after=go-on)");
  EXPECT_EQ(Reparsed("f*sync=EIO"),
            "fail(point=call/f*sync,call=1,errno=EIO,then=once,after=go-on)");
}

TEST(CallFailureText, AllFormsOfPlacesAndResults) {
  EXPECT_EQ(Reparsed("write@*-wal:2=ENOSPC"),
            "fail(point=call/write,path=*-wal,call=2,errno=ENOSPC,then=once,after=go-on)");
  EXPECT_EQ(Reparsed("fsync:4+=EIO"),
            "fail(point=call/fsync,call=4,errno=EIO,then=always,after=go-on)");
  EXPECT_EQ(Reparsed("pwrite64:1=short(100)"),
            "fail(point=call/pwrite64,call=1,short=100,then=once,after=go-on)");
  EXPECT_THAT(Reparsed("*@a:b=EIO"), HasSubstr("write it as in"));
  EXPECT_EQ(Reparsed("*(a:b)=EIO"),
            "fail(point=call/*,path=a:b,call=1,errno=EIO,then=once,after=go-on)");
  EXPECT_EQ(Reparsed("fsync=EIO,write:2=ENOSPC"),
            "fail(point=call/fsync,call=1,errno=EIO,then=once,after=go-on)+"
            "fail(point=call/write,call=2,errno=ENOSPC,then=once,after=go-on)");
}

TEST(CallFailureText, PlansAreTaken) {
  const std::string plan =
      "fail(point=call/pwrite64,path=a*,call=2,errno=EIO,then=always,after=go-on)";
  EXPECT_EQ(Reparsed(plan), plan);
}

TEST(CallFailureText, MistakesAreExplained) {
  EXPECT_THAT(Reparsed("fdatasync"), HasSubstr("write it as in fdatasync:3=EIO"));
  EXPECT_THAT(Reparsed("=EIO"), HasSubstr("write it as in"));
  EXPECT_THAT(Reparsed("write@:1=EIO"), HasSubstr("write it as in"));
  EXPECT_THAT(Reparsed("write(x:1=EIO"), HasSubstr("write it as in"));
  EXPECT_THAT(Reparsed("write:x=EIO"), HasSubstr("write it as in"));
  EXPECT_THAT(Reparsed("fsync=EIO,"), HasSubstr("write it as in"));
  EXPECT_THAT(Reparsed("fsync=short(3)"), HasSubstr("is nothing that call/fsync can return"));
  EXPECT_THAT(Reparsed("mmap=EIO"), HasSubstr("there is no failure point 'call/mmap'"));
  EXPECT_THAT(Reparsed("fdatasink=EIO"), HasSubstr("did you mean 'call/fdatasync'?"));
  EXPECT_THAT(Reparsed("fdatasync:0=EIO"), HasSubstr("from 1"));
  EXPECT_THAT(Reparsed("fdatasync=EOI"), HasSubstr("did you mean 'EIO'?"));
  EXPECT_THAT(Reparsed("fail(point=vfs/sync,errno=EIO)"), HasSubstr("'vfs/sync'"));
}

}  // namespace
}  // namespace plugpull
