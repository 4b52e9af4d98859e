// Goal: writes say how they were made, and syncs what they covered, in no way that cannot be.
// Method: operations added to one file.
#include <gtest/gtest.h>

#include <cerrno>

#include "faults/trace/validate.h"

namespace plugpull {
namespace {

// Returns: the complaint about the last of `ops` on the file 2 beside the directory 3, or "".
std::string ComplaintAbout(const std::vector<Op>& ops) {
  Trace trace;
  trace.payload.resize(10);
  trace.ops = {{.kind = OpKind::kCreate, .inode = 2, .directory = 1, .name = "f"},
               {.kind = OpKind::kMakeDirectory, .inode = 3, .directory = 1, .name = "d"},
               {.kind = OpKind::kCreate, .inode = 4, .directory = 3, .name = "g"}};
  trace.ops.insert(trace.ops.end(), ops.begin(), ops.end());
  auto valid = ValidateTrace(trace);
  if (valid) return "";
  const std::string& context = valid.error().context;
  const std::string where = "operation " + std::to_string(trace.ops.size() - 1);
  EXPECT_TRUE(context.starts_with(where)) << context;
  return context.substr(context.find(": ") + 2);
}

constexpr const char* kUnused = "a field is set that its kind does not use";

Op Ranged(OpKind kind, uint64_t offset_bytes, uint64_t size_bytes, uint32_t flags = 0) {
  return {.kind = kind,
          .inode = 2,
          .offset_bytes = offset_bytes,
          .size_bytes = size_bytes,
          .flags = flags};
}

Op Failed(Op op) {
  op.result_errno = EIO;
  return op;
}

TEST(ValidateSyncs, FlagsOfAWrite) {
  for (const uint32_t legal :
       {uint32_t{kMapped}, uint32_t{kDirect}, uint32_t{kUntorn}, kDirect | kUntorn}) {
    EXPECT_EQ(ComplaintAbout({Ranged(OpKind::kWrite, 0, 10, legal)}), "") << legal;
  }
  for (const uint32_t other : {kDirect, kUntorn}) {
    EXPECT_EQ(ComplaintAbout({Ranged(OpKind::kWrite, 0, 10, kMapped | other)}),
              "its flags exclude each other");
  }
  for (const uint32_t alien : {kFullSync, kKeepSize, kPunchHole, kZeroRange}) {
    EXPECT_EQ(ComplaintAbout({Ranged(OpKind::kWrite, 0, 10, alien)}), kUnused);
  }
  EXPECT_EQ(ComplaintAbout({{.kind = OpKind::kSync, .inode = 2, .flags = kDirect}}), kUnused);
}

TEST(ValidateSyncs, ASynchronousWriteReturnsAfterItsWrite) {
  const Op write = Ranged(OpKind::kWrite, 7, 10);
  const Op done = Ranged(OpKind::kSyncWrite, 7, 10);
  EXPECT_EQ(ComplaintAbout({write, done}), "");
  EXPECT_EQ(ComplaintAbout({write, Ranged(OpKind::kSyncWrite, 7, 10, kFullSync)}), "");
  EXPECT_EQ(ComplaintAbout({write, Ranged(OpKind::kSyncWrite, 7, 10, kDirect)}), kUnused);
  const std::string expected = "it is not the last write of its inode";
  EXPECT_EQ(ComplaintAbout({done}), expected);
  EXPECT_EQ(ComplaintAbout({write, Ranged(OpKind::kSyncWrite, 7, 9)}), expected);
  EXPECT_EQ(ComplaintAbout({write, Ranged(OpKind::kSyncWrite, 6, 10)}), expected);
  EXPECT_EQ(ComplaintAbout({Failed(write), done}), expected);
  EXPECT_EQ(ComplaintAbout({write, Ranged(OpKind::kWrite, 0, 1), done}), expected);
  Op other = Ranged(OpKind::kWrite, 0, 1);
  other.inode = 4;
  EXPECT_EQ(ComplaintAbout({write, other, done}), "") << "of another file";
  EXPECT_EQ(ComplaintAbout({write, Failed(other), done}), "");
  Op elsewhere = done;
  elsewhere.inode = 4;
  EXPECT_EQ(ComplaintAbout({write, elsewhere}), expected);
  elsewhere.inode = 3;
  EXPECT_EQ(ComplaintAbout({elsewhere}), "its inode is not a file");
}

TEST(ValidateSyncs, RangesOfSyncs) {
  for (const OpKind kind : {OpKind::kSyncRange, OpKind::kSyncMapped}) {
    EXPECT_EQ(ComplaintAbout({Ranged(kind, 4096, 4096)}), "");
    EXPECT_EQ(ComplaintAbout({Ranged(kind, 0, 0)}), "");
    EXPECT_EQ(ComplaintAbout({Ranged(kind, kMaxFileBytes, 1)}), "the file would be too large");
    EXPECT_EQ(ComplaintAbout({{.kind = kind, .inode = 3}}), "its inode is not a file");
  }
  for (const OpKind kind : {OpKind::kSync, OpKind::kDataSync}) {
    EXPECT_EQ(ComplaintAbout({Ranged(kind, 0, 0)}), "");
    EXPECT_EQ(ComplaintAbout({Ranged(kind, 0, 1)}), kUnused);
    EXPECT_EQ(ComplaintAbout({Ranged(kind, 1, 0)}), kUnused);
  }
  EXPECT_EQ(ComplaintAbout({{.kind = OpKind::kSyncAll, .inode = 2}}), kUnused);
  EXPECT_EQ(ComplaintAbout({Ranged(OpKind::kSyncAll, 0, 1)}), kUnused);
}

TEST(ValidateSyncs, AFailedSyncMaySayWhatItDidNotWrite) {
  for (const OpKind kind :
       {OpKind::kSync, OpKind::kDataSync, OpKind::kSyncMapped, OpKind::kSyncWrite}) {
    EXPECT_EQ(ComplaintAbout({Failed(Ranged(kind, 0, 0))}), "");
    EXPECT_EQ(ComplaintAbout({Failed(Ranged(kind, 4096, 4096))}), "");
    EXPECT_EQ(ComplaintAbout({Failed(Ranged(kind, kMaxFileBytes, 1))}),
              "the file would be too large");
    EXPECT_EQ(ComplaintAbout({Failed({.kind = kind})}), "");
    EXPECT_EQ(ComplaintAbout({Failed({.kind = kind, .inode = 3})}), "its inode is not a file");
    EXPECT_EQ(ComplaintAbout({Failed({.kind = kind, .inode = 9})}), "its inode is not known");
  }
  Op directory = Failed(Ranged(OpKind::kSyncDirectory, 0, 1));
  directory.inode = 3;
  EXPECT_EQ(ComplaintAbout({directory}), kUnused);
}

TEST(ValidateSyncs, AFailedOperationMayHaveAskedForNothing) {
  EXPECT_EQ(ComplaintAbout({Failed({.kind = OpKind::kAllocate, .inode = 2})}), "");
  EXPECT_EQ(ComplaintAbout({Failed({.kind = OpKind::kAllocate, .flags = kPunchHole})}), "");
  EXPECT_EQ(ComplaintAbout({Failed({.kind = OpKind::kSymlink, .directory = 1})}), "");
  EXPECT_EQ(ComplaintAbout({Failed({.kind = OpKind::kSetXattr, .inode = 2})}), "");
  EXPECT_EQ(ComplaintAbout({Failed({.kind = OpKind::kClone, .inode = 2, .other_inode = 9})}),
            "its inode is not known");
  EXPECT_EQ(ComplaintAbout({Failed({.kind = OpKind::kExchange, .inode = 2, .other_inode = 4})}),
            "");
  EXPECT_EQ(ComplaintAbout({Failed({.kind = OpKind::kSymlink, .name = "a/b"})}),
            "its name is not legal");
}

}  // namespace
}  // namespace plugpull
