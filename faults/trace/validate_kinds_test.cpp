// Goal: each kind of operation is accepted where a system allows it, and refused elsewhere, with
// the reason. Method: operations added to one sound trace. The rules that all kinds share are in
// validate_test.
#include <gtest/gtest.h>

#include <cerrno>

#include "faults/base/bytes.h"
#include "faults/trace/validate.h"

namespace plugpull {
namespace {

// Inodes: 2 the file "f", 3 the directory "d", 4 the link "l", 5 the file "d/g", 6 a file that was
// made without a name, 7 the file "r", whose name is removed. Ten bytes of payload.
Trace SoundTrace() {
  Trace trace;
  const auto payload = AsBytes("text\0bytes");
  trace.payload.assign(payload.begin(), payload.begin() + 10);
  trace.ops.resize(10);
  trace.ops[0] = {.kind = OpKind::kCreate, .inode = 2, .directory = 1, .name = "f"};
  trace.ops[1] = {.kind = OpKind::kMakeDirectory, .inode = 3, .directory = 1, .name = "d"};
  trace.ops[2] = {
      .kind = OpKind::kSymlink, .inode = 4, .directory = 1, .name = "l", .size_bytes = 4};
  trace.ops[3] = {.kind = OpKind::kCreate, .inode = 5, .directory = 3, .name = "g"};
  trace.ops[4] = {.kind = OpKind::kCreateUnnamed, .inode = 6};
  trace.ops[5] = {.kind = OpKind::kCreate, .inode = 7, .directory = 1, .name = "r"};
  trace.ops[6] = {.kind = OpKind::kUnlink, .inode = 7, .directory = 1, .name = "r"};
  trace.ops[7] = {.kind = OpKind::kWrite, .inode = 2, .offset_bytes = 5, .size_bytes = 10};
  trace.ops[8] = {.kind = OpKind::kSyncAll};
  trace.ops[9] = {.kind = OpKind::kSync, .inode = 2};
  return trace;
}

// Returns: the complaint about the last of `ops` after a sound trace, without where it is, or "".
std::string ComplaintAbout(const std::vector<Op>& ops) {
  Trace trace = SoundTrace();
  trace.ops.insert(trace.ops.end(), ops.begin(), ops.end());
  auto valid = ValidateTrace(trace);
  if (valid) return "";
  const std::string where =
      "operation " + std::to_string(trace.ops.size() - 1) + ", " + Name(ops.back().kind) + ": ";
  EXPECT_TRUE(valid.error().context.starts_with(where)) << valid.error().context;
  return valid.error().context.substr(where.size());
}

std::string ComplaintAbout(Op op) { return ComplaintAbout(std::vector<Op>{std::move(op)}); }

constexpr const char* kUnused = "a field is set that its kind does not use";
constexpr const char* kNotAFile = "its inode is not a file";

TEST(ValidateKinds, TheTraceThatAllStartFromIsSound) { EXPECT_TRUE(ValidateTrace(SoundTrace())); }

TEST(ValidateKinds, Symlinks) {
  const Op link{.kind = OpKind::kSymlink, .inode = 8, .directory = 3, .name = "l", .size_bytes = 4};
  EXPECT_EQ(ComplaintAbout(link), "");
  const auto with = [&](auto edit) {
    Op op = link;
    edit(op);
    return ComplaintAbout(op);
  };
  EXPECT_EQ(with([](Op& op) { op.inode = 4; }), "its inode is not new");
  EXPECT_EQ(with([](Op& op) { op.directory = 1; }), "its name is taken");
  EXPECT_EQ(with([](Op& op) { op.size_bytes = 0; }), "its size is zero");
  EXPECT_EQ(with([](Op& op) { op.size_bytes = 5; }), "its text is not legal");
  EXPECT_EQ(with([](Op& op) { op.payload_offset = 7; }), "its payload is not there");
  EXPECT_EQ(with([](Op& op) { op.offset_bytes = 1; }), kUnused);
  EXPECT_EQ(with([](Op& op) { op.other_inode = 2; }), kUnused);
  Trace trace = SoundTrace();
  trace.payload.assign(4096, std::byte{'x'});
  trace.ops[2].size_bytes = 4095;
  EXPECT_TRUE(ValidateTrace(trace));
  trace.ops[2].size_bytes = 4096;
  EXPECT_EQ(ValidateTrace(trace).error().context, "operation 2, symlink: its text is not legal");
}

TEST(ValidateKinds, LinksAreNamesAndNothingElse) {
  for (const OpKind kind : {OpKind::kWrite, OpKind::kTruncate, OpKind::kSync, OpKind::kDataSync,
                            OpKind::kSyncRange, OpKind::kSyncMapped}) {
    EXPECT_EQ(ComplaintAbout({.kind = kind, .inode = 4}), kNotAFile) << Name(kind);
  }
  EXPECT_EQ(
      ComplaintAbout({.kind = OpKind::kLink, .inode = 4, .other_directory = 3, .other_name = "l"}),
      kNotAFile);
  EXPECT_EQ(ComplaintAbout({.kind = OpKind::kSyncDirectory, .inode = 4}),
            "its inode is not a directory");
  EXPECT_EQ(ComplaintAbout({.kind = OpKind::kUnlink, .inode = 4, .directory = 1, .name = "l"}), "");
  const auto rename = [](InodeId inode, const char* name, const char* to) {
    return Op{.kind = OpKind::kRename,
              .inode = inode,
              .directory = 1,
              .name = name,
              .other_directory = 1,
              .other_name = to};
  };
  EXPECT_EQ(ComplaintAbout(rename(4, "l", "f")), "");
  EXPECT_EQ(ComplaintAbout(rename(2, "f", "l")), "");
  EXPECT_EQ(ComplaintAbout(rename(4, "l", "d")), "it replaces a directory and a file");
  EXPECT_EQ(ComplaintAbout(rename(kNoInode, "free", "f")), "its name leads elsewhere");
}

TEST(ValidateKinds, FilesWithoutANameGetOneOnce) {
  EXPECT_EQ(ComplaintAbout({.kind = OpKind::kCreateUnnamed, .inode = 6}), "its inode is not new");
  EXPECT_EQ(ComplaintAbout({.kind = OpKind::kCreateUnnamed, .inode = 99}),
            "its inode is out of range");
  EXPECT_EQ(ComplaintAbout({.kind = OpKind::kCreateUnnamed, .inode = 8, .directory = 1}), kUnused);
  EXPECT_EQ(ComplaintAbout({.kind = OpKind::kWrite, .inode = 6, .size_bytes = 3}), "");
  const Op link{.kind = OpKind::kLink, .inode = 6, .other_directory = 3, .other_name = "t"};
  const Op unlink{.kind = OpKind::kUnlink, .inode = 6, .directory = 3, .name = "t"};
  const Op second{.kind = OpKind::kLink, .inode = 6, .other_directory = 1, .other_name = "t"};
  EXPECT_EQ(ComplaintAbout(link), "");
  EXPECT_EQ(ComplaintAbout({link, second, unlink}), "");
  EXPECT_EQ(ComplaintAbout({link, second, unlink, link}), "");
  EXPECT_EQ(ComplaintAbout({link, unlink, link}), "its file has no name any more");
  EXPECT_EQ(
      ComplaintAbout({.kind = OpKind::kLink, .inode = 7, .other_directory = 3, .other_name = "r"}),
      "its file has no name any more");
}

TEST(ValidateKinds, AReplacedFileHasLostItsName) {
  const Op rename{.kind = OpKind::kRename,
                  .inode = 5,
                  .directory = 3,
                  .name = "g",
                  .other_directory = 1,
                  .other_name = "f"};
  const Op link{.kind = OpKind::kLink, .inode = 2, .other_directory = 3, .other_name = "x"};
  EXPECT_EQ(ComplaintAbout({link, rename, {.kind = OpKind::kSyncAll}}), "");
  EXPECT_EQ(ComplaintAbout({rename, link}), "its file has no name any more");
  // The one that was moved there has one name as before.
  EXPECT_EQ(ComplaintAbout(
                {rename,
                 {.kind = OpKind::kUnlink, .inode = 5, .directory = 1, .name = "f"},
                 {.kind = OpKind::kLink, .inode = 5, .other_directory = 3, .other_name = "g"}}),
            "its file has no name any more");
  EXPECT_EQ(
      ComplaintAbout(
          {rename, {.kind = OpKind::kLink, .inode = 5, .other_directory = 3, .other_name = "x"}}),
      "");
}

TEST(ValidateKinds, Exchanges) {
  const Op exchange{.kind = OpKind::kExchange,
                    .inode = 2,
                    .directory = 1,
                    .name = "f",
                    .other_directory = 3,
                    .other_name = "g",
                    .other_inode = 5};
  EXPECT_EQ(ComplaintAbout(exchange), "");
  EXPECT_EQ(ComplaintAbout({exchange, exchange}), "its name leads elsewhere");
  EXPECT_EQ(ComplaintAbout({exchange,
                            {.kind = OpKind::kUnlink, .inode = 5, .directory = 1, .name = "f"},
                            {.kind = OpKind::kUnlink, .inode = 2, .directory = 3, .name = "g"}}),
            "");
  const auto with = [&](auto edit) {
    Op op = exchange;
    edit(op);
    return ComplaintAbout(op);
  };
  EXPECT_EQ(with([](Op& op) { op.other_inode = 4; }), "its other name leads elsewhere");
  EXPECT_EQ(with([](Op& op) { op.other_inode = kNoInode; }), "its other name leads elsewhere");
  EXPECT_EQ(with([](Op& op) { op.other_name = "free"; }), "its other name leads elsewhere");
  EXPECT_EQ(with([](Op& op) { op.other_directory = 2; }), "its directory is not there");
  const Op link{.kind = OpKind::kLink, .inode = 2, .other_directory = 1, .other_name = "h"};
  const Op itself{.kind = OpKind::kExchange,
                  .inode = 2,
                  .directory = 1,
                  .name = "f",
                  .other_directory = 1,
                  .other_name = "h",
                  .other_inode = 2};
  EXPECT_EQ(ComplaintAbout({link, itself}), "it exchanges a file with itself");
}

TEST(ValidateKinds, ExchangesOfDirectoriesMakeNoLoop) {
  const Op below{.kind = OpKind::kMakeDirectory, .inode = 8, .directory = 3, .name = "e"};
  const Op beside{.kind = OpKind::kMakeDirectory, .inode = 9, .directory = 1, .name = "s"};
  const auto exchange = [](InodeId inode, Op place, InodeId other, Op other_place) {
    return Op{.kind = OpKind::kExchange,
              .inode = inode,
              .directory = place.directory,
              .name = place.name,
              .other_directory = other_place.directory,
              .other_name = other_place.name,
              .other_inode = other};
  };
  const Op parent{.directory = 1, .name = "d"};
  const Op file{.directory = 3, .name = "g"};
  EXPECT_EQ(ComplaintAbout({below, exchange(3, parent, 8, below)}),
            "it moves a directory into itself");
  EXPECT_EQ(ComplaintAbout({below, exchange(8, below, 3, parent)}),
            "it moves a directory into itself");
  EXPECT_EQ(ComplaintAbout(exchange(5, file, 3, parent)), "it moves a directory into itself");
  // The directory below moves beside its parent; then that one can move into it.
  const Op apart = exchange(8, below, 9, beside);
  EXPECT_EQ(ComplaintAbout({below, beside, apart}), "");
  const Op into{.kind = OpKind::kRename,
                .inode = 3,
                .directory = 1,
                .name = "d",
                .other_directory = 8,
                .other_name = "d"};
  EXPECT_EQ(ComplaintAbout({below, beside, into}), "it moves a directory into itself");
  EXPECT_EQ(ComplaintAbout({below, beside, apart, into}), "");
  EXPECT_EQ(ComplaintAbout({below, beside, exchange(9, beside, 8, below), into}), "");
}

TEST(ValidateKinds, Allocations) {
  const auto complaint = [](uint32_t flags, uint64_t size_bytes = 7, InodeId inode = 2) {
    return ComplaintAbout({.kind = OpKind::kAllocate,
                           .inode = inode,
                           .offset_bytes = 100,
                           .size_bytes = size_bytes,
                           .flags = flags});
  };
  for (const uint32_t legal : {uint32_t{0}, uint32_t{kKeepSize}, kPunchHole | kKeepSize,
                               uint32_t{kZeroRange}, kZeroRange | kKeepSize}) {
    EXPECT_EQ(complaint(legal), "") << legal;
  }
  for (const uint32_t illegal :
       {uint32_t{kPunchHole}, kPunchHole | kZeroRange, kPunchHole | kZeroRange | kKeepSize}) {
    EXPECT_EQ(complaint(illegal), "its flags exclude each other") << illegal;
  }
  EXPECT_EQ(complaint(kDirect), kUnused);
  EXPECT_EQ(complaint(1 << 30), kUnused);
  EXPECT_EQ(complaint(0, 0), "its size is zero");
  EXPECT_EQ(complaint(0, kMaxFileBytes - 100), "");
  EXPECT_EQ(complaint(0, kMaxFileBytes - 99), "the file would be too large");
  EXPECT_EQ(complaint(0, 7, 3), kNotAFile);
  EXPECT_EQ(complaint(0, 7, 4), kNotAFile);
}

TEST(ValidateKinds, Clones) {
  const auto complaint = [](InodeId source, InodeId target, uint64_t size_bytes) {
    return ComplaintAbout({.kind = OpKind::kClone,
                           .inode = target,
                           .offset_bytes = 4096,
                           .size_bytes = size_bytes,
                           .other_inode = source});
  };
  EXPECT_EQ(complaint(5, 2, 10), "");
  EXPECT_EQ(complaint(2, 2, 10), "");
  EXPECT_EQ(complaint(5, 2, 0), "its size is zero");
  EXPECT_EQ(complaint(5, 2, 11), "its payload is not there");
  EXPECT_EQ(complaint(3, 2, 10), "its other inode is not a file");
  EXPECT_EQ(complaint(kNoInode, 2, 10), "its other inode is not a file");
  EXPECT_EQ(complaint(5, 3, 10), kNotAFile);
}

TEST(ValidateKinds, Attributes) {
  for (const OpKind kind : {OpKind::kSetAttribute, OpKind::kSetXattr, OpKind::kRemoveXattr}) {
    for (const InodeId inode : {1, 2, 3, 4, 6, 7}) {
      EXPECT_EQ(ComplaintAbout({.kind = kind, .inode = inode, .name = "mode"}), "");
    }
    const auto named = [&](std::string name) {
      return ComplaintAbout({.kind = kind, .inode = 2, .name = std::move(name)});
    };
    EXPECT_EQ(named("user./.\xff"), "");
    EXPECT_EQ(named(".."), "");
    EXPECT_EQ(named(std::string(255, 'k')), "");
    EXPECT_EQ(named(std::string(256, 'k')), "its name is not legal");
    EXPECT_EQ(named(std::string("a\0b", 3)), "its name is not legal");
    EXPECT_EQ(named(""), "its name is not legal");
    EXPECT_EQ(ComplaintAbout({.kind = kind, .inode = 99, .name = "mode"}),
              "its inode is not known");
    EXPECT_EQ(ComplaintAbout({.kind = kind, .inode = 2, .directory = 1, .name = "mode"}), kUnused);
    Op valued{.kind = kind, .inode = 2, .name = "mode", .size_bytes = 10};
    EXPECT_EQ(ComplaintAbout(valued), kind == OpKind::kRemoveXattr ? kUnused : "");
    valued.payload_offset = 1;
    EXPECT_EQ(ComplaintAbout(valued),
              kind == OpKind::kRemoveXattr ? kUnused : "its payload is not there");
  }
}

TEST(ValidateKinds, UnmodelledCalls) {
  for (const InodeId inode : {kNoInode, kRootInode, InodeId{4}}) {
    EXPECT_EQ(ComplaintAbout({.kind = OpKind::kUnmodelled, .inode = inode, .name = "mount /x"}),
              "");
  }
  EXPECT_EQ(ComplaintAbout({.kind = OpKind::kUnmodelled, .inode = 99, .name = "ioctl"}),
            "its inode is not known");
  for (const std::string& name : {std::string(), std::string(256, 'x'), std::string(1, '\0')}) {
    EXPECT_EQ(ComplaintAbout({.kind = OpKind::kUnmodelled, .name = name}), "its name is not legal");
  }
  EXPECT_EQ(ComplaintAbout({.kind = OpKind::kUnmodelled, .result_errno = EINVAL, .name = "ioctl"}),
            "its kind never fails");
}

}  // namespace
}  // namespace plugpull
