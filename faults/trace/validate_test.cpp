// Goal: each rule of validate.h fires on a trace that breaks it and on nothing else.
// Method: one sound trace, and small edits of it.
#include "faults/trace/validate.h"

#include <gtest/gtest.h>

#include <bit>
#include <cerrno>
#include <functional>

#include "faults/trace/random_trace.h"

namespace plugpull {
namespace {

// 0 create 2 "a"   1 mkdir 3 "d"   2 begin 1   3 write 2   4 rename 2 to d/b   5 acknowledge 1
// 6 sync 2         7 sync-directory 3          8 link 2 as "c"                 9 unlink 2 "c"
Trace SoundTrace() {
  Trace trace;
  trace.transactions.resize(2);
  trace.payload.resize(10);
  trace.ops.resize(10);
  trace.ops[0] = {.kind = OpKind::kCreate, .inode = 2, .directory = 1, .name = "a"};
  trace.ops[1] = {.kind = OpKind::kMakeDirectory, .inode = 3, .directory = 1, .name = "d"};
  trace.ops[2] = {.kind = OpKind::kBegin, .transaction = 1};
  trace.ops[3] = {.kind = OpKind::kWrite, .inode = 2, .size_bytes = 10};
  trace.ops[4] = {.kind = OpKind::kRename,
                  .inode = 2,
                  .directory = 1,
                  .name = "a",
                  .other_directory = 3,
                  .other_name = "b"};
  trace.ops[5] = {.kind = OpKind::kAcknowledge, .transaction = 1};
  trace.ops[6] = {.kind = OpKind::kSync, .inode = 2};
  trace.ops[7] = {.kind = OpKind::kSyncDirectory, .inode = 3};
  trace.ops[8] = {.kind = OpKind::kLink, .inode = 2, .other_directory = 1, .other_name = "c"};
  trace.ops[9] = {.kind = OpKind::kUnlink, .inode = 2, .directory = 1, .name = "c"};
  return trace;
}

// Returns: the complaint after `edit`, or "".
std::string ComplaintAfter(const std::function<void(Trace&)>& edit) {
  Trace trace = SoundTrace();
  edit(trace);
  auto valid = ValidateTrace(trace);
  if (!valid) {
    EXPECT_EQ(valid.error().code, ErrorCode::kCorrupt);
  }
  return valid ? "" : valid.error().context;
}

TEST(ValidateTrace, AcceptsSoundTraces) {
  EXPECT_EQ(ComplaintAfter([](Trace&) {}), "");
  EXPECT_TRUE(ValidateTrace(Trace()));
  for (uint64_t seed = 0; seed < 200; ++seed) {
    auto valid = ValidateTrace(RandomTrace(seed, 300));
    EXPECT_TRUE(valid) << Describe(valid.error());
  }
}

TEST(ValidateTrace, ChecksEachOperationByItself) {
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[6].kind = std::bit_cast<OpKind>(uint8_t{200}); }),
            "operation 6, unknown: its kind is unknown");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[6].result_errno = -5; }),
            "operation 6, sync: its error number is unknown");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[6].name.push_back('x'); }),
            "operation 6, sync: a field is set that its kind does not use");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[3].offset_bytes = ~uint64_t{0}; }),
            "operation 3, write: the file would be too large");
  for (const char* name : {"", ".", "..", "a/b"}) {
    EXPECT_EQ(ComplaintAfter([&](Trace& t) { t.ops[0].name = name; }),
              "operation 0, create: its name is not legal");
    EXPECT_EQ(ComplaintAfter([&](Trace& t) { t.ops[4].other_name = name; }),
              "operation 4, rename: its other name is not legal");
  }
  EXPECT_NE(ComplaintAfter([](Trace& t) { t.ops[0].name = std::string(1, '\0'); }), "");
  EXPECT_NE(ComplaintAfter([](Trace& t) { t.ops[0].name = std::string(256, 'x'); }), "");
}

TEST(ValidateTrace, ChecksPayloads) {
  const std::string expected = "operation 3, write: its payload is not there";
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.payload.pop_back(); }), expected);
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[3].payload_offset = 1; }), expected);
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[3].payload_offset = ~uint64_t{0}; }), expected);
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.payload.push_back({}); }), "");
}

TEST(ValidateTrace, ChecksTransactions) {
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.transactions.clear(); }),
            "operation 2, begin: there is no transaction of that number");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[2].transaction = 0; }),
            "operation 2, begin: there is no transaction of that number");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[5].transaction = 2; }),
            "operation 5, acknowledge: its transaction is not under way");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops.push_back(t.ops[5]); }),
            "operation 10, acknowledge: its transaction is not under way");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops.push_back(t.ops[2]); }),
            "operation 10, begin: its transaction begins out of order");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[5].result_errno = EIO; }),
            "operation 5, acknowledge: its kind never fails");
}

TEST(ValidateTrace, ChecksInodesAndNames) {
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[3].inode = 9; }),
            "operation 3, write: its inode is not a file");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[3].inode = 3; }),
            "operation 3, write: its inode is not a file");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[7].inode = 2; }),
            "operation 7, sync-directory: its inode is not a directory");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[1].inode = 2; }),
            "operation 1, make-directory: its inode is not new");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[1].inode = 1; }),
            "operation 1, make-directory: its inode is out of range");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[1].inode = 4'000'000'000; }),
            "operation 1, make-directory: its inode is out of range");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[1].name[0] = 'a'; }),
            "operation 1, make-directory: its name is taken");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[1].directory = 2; }),
            "operation 1, make-directory: its directory is not there");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[9].name[0] = 'b'; }),
            "operation 9, unlink: its name leads elsewhere");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[4].directory = 3; }),
            "operation 4, rename: its name leads elsewhere");
  EXPECT_EQ(ComplaintAfter([](Trace& t) { t.ops[8].inode = 3; }),
            "operation 8, link: its inode is not a file");
}

TEST(ValidateTrace, ChecksDirectories) {
  const auto remove_directory = [](Trace& t) {
    t.ops.push_back({.kind = OpKind::kRemoveDirectory, .inode = 3, .directory = 1, .name = "d"});
  };
  EXPECT_EQ(ComplaintAfter(remove_directory),
            "operation 10, remove-directory: its directory is not empty");
  EXPECT_EQ(ComplaintAfter([&](Trace& t) {
              t.ops.push_back({.kind = OpKind::kUnlink, .inode = 2, .directory = 3, .name = "b"});
              remove_directory(t);
            }),
            "");
  EXPECT_EQ(ComplaintAfter([&](Trace& t) {
              t.ops.push_back({.kind = OpKind::kUnlink, .inode = 2, .directory = 3, .name = "b"});
              remove_directory(t);
              t.ops.push_back({.kind = OpKind::kCreate, .inode = 4, .directory = 3, .name = "x"});
            }),
            "operation 12, create: its directory is not there");
  EXPECT_EQ(ComplaintAfter([](Trace& t) {
              t.ops.push_back({.kind = OpKind::kRename,
                               .inode = 3,
                               .directory = 1,
                               .name = "d",
                               .other_directory = 3,
                               .other_name = "d"});
            }),
            "operation 10, rename: it moves a directory into itself");
  EXPECT_EQ(ComplaintAfter([](Trace& t) {
              t.ops.push_back({.kind = OpKind::kRename,
                               .inode = 2,
                               .directory = 3,
                               .name = "b",
                               .other_directory = 1,
                               .other_name = "d"});
            }),
            "operation 10, rename: it replaces a directory and a file");
}

TEST(ValidateTrace, RefusesARenameThatDoesNothing) {
  EXPECT_EQ(ComplaintAfter([](Trace& t) {
              t.ops[9] = {.kind = OpKind::kRename,
                          .inode = 2,
                          .directory = 1,
                          .name = "c",
                          .other_directory = 3,
                          .other_name = "b"};
            }),
            "operation 9, rename: it renames a file to itself");
}

TEST(ValidateTrace, AllowsWhatSystemsAllow) {
  // A file that lost its name is written and synced as long as it is open.
  EXPECT_EQ(ComplaintAfter([](Trace& t) {
              t.ops.push_back({.kind = OpKind::kUnlink, .inode = 2, .directory = 3, .name = "b"});
              t.ops.push_back({.kind = OpKind::kWrite, .inode = 2, .size_bytes = 3});
              t.ops.push_back({.kind = OpKind::kSync, .inode = 2});
            }),
            "");
  // A failed operation changes nothing, so the same name is free again.
  EXPECT_EQ(ComplaintAfter([](Trace& t) {
              Op failed = {.kind = OpKind::kCreate, .directory = 1, .name = "e"};
              failed.result_errno = EIO;
              t.ops.push_back(failed);
              t.ops.push_back({.kind = OpKind::kCreate, .inode = 4, .directory = 1, .name = "e"});
            }),
            "");
  EXPECT_EQ(ComplaintAfter([](Trace& t) {
              t.ops.push_back({.kind = OpKind::kSync, .inode = 9});
              t.ops.back().result_errno = EIO;
            }),
            "operation 10, sync: its inode is not known");
}

}  // namespace
}  // namespace plugpull
