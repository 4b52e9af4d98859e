// Goal: listings read well, and names follow inodes through renames and links.
#include "faults/trace/trace.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace plugpull {
namespace {

Op MakeNamed(OpKind kind, InodeId inode, InodeId directory, std::string name) {
  Op op;
  op.kind = kind;
  op.inode = inode;
  op.directory = directory;
  op.name = std::move(name);
  return op;
}

Op MakeRename(InodeId inode, InodeId from, std::string name, InodeId to, std::string other_name) {
  Op op = MakeNamed(OpKind::kRename, inode, from, std::move(name));
  op.other_directory = to;
  op.other_name = std::move(other_name);
  return op;
}

Op MakeLink(InodeId inode, InodeId directory, std::string name) {
  Op op;
  op.kind = OpKind::kLink;
  op.inode = inode;
  op.other_directory = directory;
  op.other_name = std::move(name);
  return op;
}

TEST(TraceText, EveryKindHasAWordOfItsOwn) {
  std::set<std::string> words;
  for (int kind = 0; kind <= static_cast<int>(kLastOpKind); ++kind) {
    words.insert(Name(static_cast<OpKind>(kind)));
  }
  EXPECT_EQ(words.size(), static_cast<size_t>(kLastOpKind) + 1);
  EXPECT_FALSE(words.contains("unknown"));
}

TEST(TraceText, DescribesOperations) {
  const std::map<InodeId, std::string> names = {{1, ""}, {2, "test.db"}, {3, "logs"}};
  Op write;
  write.kind = OpKind::kWrite;
  write.inode = 2;
  write.offset_bytes = 8192;
  write.size_bytes = 4096;
  EXPECT_EQ(Describe(write, names), "write test.db 8192+4096");
  write.result_errno = ENOSPC;
  EXPECT_EQ(Describe(write, names), "write test.db 8192+4096 failed: No space left on device");
  EXPECT_EQ(Describe(write, {}), "write #2 8192+4096 failed: No space left on device");

  EXPECT_EQ(Describe(MakeNamed(OpKind::kCreate, 4, 3, "0001"), names), "create logs/0001");
  EXPECT_EQ(Describe(MakeNamed(OpKind::kUnlink, 2, 1, "test.db"), names), "unlink test.db");
  EXPECT_EQ(Describe(MakeRename(2, 1, "a", 3, "b"), names), "rename a to logs/b");
  EXPECT_EQ(Describe(MakeLink(2, 3, "b"), names), "link test.db as logs/b");

  Op sync;
  sync.kind = OpKind::kSyncDirectory;
  sync.inode = kRootInode;
  EXPECT_EQ(Describe(sync, names), "sync-directory .");
  Op truncate;
  truncate.kind = OpKind::kTruncate;
  truncate.inode = 2;
  truncate.size_bytes = 12;
  EXPECT_EQ(Describe(truncate, names), "truncate test.db to 12");
  Op begin;
  begin.kind = OpKind::kBegin;
  begin.transaction = 3;
  EXPECT_EQ(Describe(begin, names), "begin 3");
}

TEST(TraceText, DescribesWhatFewProgramsDo) {
  const std::map<InodeId, std::string> names = {{1, ""}, {2, "test.db"}, {3, "logs"}};
  const auto line = [&](const Op& op) { return Describe(op, names); };
  EXPECT_EQ(line(MakeNamed(OpKind::kSymlink, 4, 3, "current")), "symlink logs/current");
  EXPECT_EQ(line({.kind = OpKind::kCreateUnnamed, .inode = 9}), "create-unnamed #9");
  EXPECT_EQ(line({.kind = OpKind::kExchange,
                  .inode = 2,
                  .directory = 1,
                  .name = "a",
                  .other_directory = 3,
                  .other_name = "b",
                  .other_inode = 4}),
            "exchange a to logs/b");
  for (const OpKind kind : {OpKind::kAllocate, OpKind::kClone, OpKind::kSyncWrite,
                            OpKind::kSyncRange, OpKind::kSyncMapped}) {
    EXPECT_EQ(line({.kind = kind, .inode = 2, .offset_bytes = 5, .size_bytes = 6}),
              std::string(Name(kind)) + " test.db 5+6");
  }
  for (const OpKind kind : {OpKind::kSetAttribute, OpKind::kSetXattr, OpKind::kRemoveXattr}) {
    EXPECT_EQ(line({.kind = kind, .inode = 3, .name = "user.k"}),
              std::string(Name(kind)) + " logs user.k");
  }
  EXPECT_EQ(line({.kind = OpKind::kSyncAll}), "sync-all");
  EXPECT_EQ(line({.kind = OpKind::kSyncAll, .result_errno = EIO}),
            "sync-all failed: Input/output error");
  EXPECT_EQ(line({.kind = OpKind::kUnmodelled, .inode = 2, .name = "ioctl 7"}),
            "unmodelled ioctl 7");
}

TEST(TraceText, NamesFollowExchangesAndFirstLinks) {
  Trace trace;
  trace.ops = {MakeNamed(OpKind::kCreate, 2, 1, "a"),
               MakeNamed(OpKind::kMakeDirectory, 3, 1, "d"),
               MakeNamed(OpKind::kSymlink, 4, 3, "l"),
               {.kind = OpKind::kCreateUnnamed, .inode = 5}};
  const std::map<InodeId, std::string> before = {{1, ""}, {2, "a"}, {3, "d"}, {4, "d/l"}};
  EXPECT_EQ(LastNames(trace), before);
  trace.ops.push_back({.kind = OpKind::kExchange,
                       .inode = 2,
                       .directory = 1,
                       .name = "a",
                       .other_directory = 3,
                       .other_name = "l",
                       .other_inode = 4});
  trace.ops.push_back(MakeLink(5, 3, "t"));
  const std::map<InodeId, std::string> after = {
      {1, ""}, {2, "d/l"}, {3, "d"}, {4, "a"}, {5, "d/t"}};
  EXPECT_EQ(LastNames(trace), after);
}

TEST(TraceText, NamesFollowRenames) {
  Trace trace;
  trace.ops = {MakeNamed(OpKind::kMakeDirectory, 2, 1, "old"),
               MakeNamed(OpKind::kCreate, 3, 2, "file.tmp"),
               MakeRename(3, 2, "file.tmp", 2, "file"), MakeRename(2, 1, "old", 1, "new")};
  const std::map<InodeId, std::string> expected = {{1, ""}, {2, "new"}, {3, "new/file"}};
  EXPECT_EQ(LastNames(trace), expected);
}

TEST(TraceText, NamesOutliveRemovalAndIgnoreFailures) {
  Trace trace;
  trace.ops = {MakeNamed(OpKind::kCreate, 2, 1, "journal"), MakeRename(2, 1, "journal", 1, "lost"),
               MakeNamed(OpKind::kUnlink, 2, 1, "journal")};
  trace.ops[1].result_errno = EIO;
  EXPECT_EQ(LastNames(trace).at(2), "journal");
}

TEST(TraceText, ALinkedFileKeepsTheNameThatIsLeft) {
  Trace trace;
  trace.ops = {MakeNamed(OpKind::kCreate, 2, 1, "a"), MakeLink(2, 1, "b")};
  EXPECT_EQ(LastNames(trace).at(2), "b");
  trace.ops.push_back(MakeNamed(OpKind::kUnlink, 2, 1, "b"));
  EXPECT_EQ(LastNames(trace).at(2), "a");
}

TEST(TraceText, NamesEndOnATraceThatNobodyValidated) {
  Trace trace;
  trace.ops = {MakeNamed(OpKind::kMakeDirectory, 2, 3, "a"),
               MakeNamed(OpKind::kMakeDirectory, 3, 2, "b")};
  EXPECT_EQ(LastNames(trace).size(), 3u);
}

}  // namespace
}  // namespace plugpull
