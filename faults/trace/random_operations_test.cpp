// Goal: small random traces are valid, small, and between them hold everything that a persistence
// model must get right.
// Method: thousands of seeds; what they hold is collected as sentences.
#include "faults/trace/random_operations.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "faults/trace/small_disk.h"
#include "faults/trace/validate.h"

namespace plugpull {
namespace {

constexpr uint64_t kPageBytes = 4096;

TEST(RandomOperationsTest, EveryTraceIsValidAndOfTheLengthAskedFor) {
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    const int op_count = static_cast<int>(seed % 25);
    const Trace trace = RandomOperations(seed, op_count);
    auto valid = ValidateTrace(trace);
    ASSERT_TRUE(valid) << "seed " << seed << ": " << valid.error().context;
    ASSERT_EQ(trace.ops.size(), static_cast<size_t>(op_count));
  }
}

TEST(RandomOperationsTest, TheSeedDecides) {
  EXPECT_EQ(RandomOperations(7, 20), RandomOperations(7, 20));
  EXPECT_NE(RandomOperations(7, 20), RandomOperations(8, 20));
}

TEST(RandomOperationsTest, EveryTraceIsSmall) {
  for (uint64_t seed = 0; seed < 3'000; ++seed) {
    SmallDisk disk;
    const Trace trace = RandomOperations(seed, 30);
    for (const Op& op : trace.ops) {
      if (op.result_errno != 0) continue;
      disk.Apply(op, op.size_bytes == 0 ? std::span<const std::byte>() : trace.Payload(op));
      if (op.kind == OpKind::kAllocate) {
        ASSERT_LE(op.offset_bytes + op.size_bytes, kMaxRandomFileBytes);
      }
      size_t named_files = 0;
      for (const InodeId file : disk.Inodes(SmallDisk::Kind::kFile)) {
        ASSERT_LE(disk.At(file).bytes.size(), kMaxRandomFileBytes);
        named_files += disk.IsNamed(file) ? 1 : 0;
      }
      ASSERT_LE(named_files, kMaxRandomFiles);
      ASSERT_LE(disk.Inodes(SmallDisk::Kind::kDirectory).size(), 2U);
      ASSERT_LE(disk.Inodes(SmallDisk::Kind::kLink).size(), 1U);
    }
  }
}

// Collects what traces hold, as sentences.
class Survey {
 public:
  void Visit(const Trace& trace) {
    std::map<InodeId, uint64_t> sizes;
    std::set<std::pair<InodeId, std::string>> used;
    const Op* before = nullptr;
    for (const Op& op : trace.ops) {
      const std::string outcome = op.result_errno != 0 ? " failed" : "";
      Note(std::string(Name(op.kind)) + outcome);
      if (op.flags != 0) Note(fmt::format("{} flags {}", Name(op.kind), op.flags));
      if (op.result_errno != 0 && op.size_bytes == kPageBytes) {
        Note(fmt::format("{} failed for a page", Name(op.kind)));
      }
      if (op.result_errno == 0) Follow(op, sizes, used);
      if (op.kind == OpKind::kSyncWrite && (before->flags & kDirect) != 0) {
        Note("direct synchronous write");
      }
      before = &op;
    }
  }

  bool Has(const std::string& sentence) const { return counts_.contains(sentence); }
  const std::map<std::string, int>& counts() const { return counts_; }

 private:
  void Note(const std::string& sentence) { ++counts_[sentence]; }

  void Follow(const Op& op, std::map<InodeId, uint64_t>& sizes,
              std::set<std::pair<InodeId, std::string>>& used) {
    uint64_t& size = sizes[op.inode];
    if (op.kind == OpKind::kWrite && (op.flags & kMapped) == 0) {
      const uint64_t end = op.offset_bytes + op.size_bytes;
      Note(std::string("write ") + (end <= size               ? "in place"
                                    : op.offset_bytes > size  ? "beyond a gap"
                                    : op.offset_bytes == size ? "at the end"
                                                              : "across the end"));
      const bool aligned = op.offset_bytes % kPageBytes == 0;
      const bool ends_aligned = end % kPageBytes == 0;
      Note(fmt::format("write aligned {} {}", aligned, ends_aligned));
      const bool one_page = op.offset_bytes / kPageBytes == (end - 1) / kPageBytes;
      if (!one_page) Note("write across pages");
      size = std::max(size, end);
    }
    if (op.kind == OpKind::kWrite && (op.flags & kMapped) != 0) {
      EXPECT_EQ(op.offset_bytes % kPageBytes, 0U);
      EXPECT_EQ(op.size_bytes, std::min(kPageBytes, size - op.offset_bytes));
      Note(op.size_bytes == kPageBytes ? "mapped page" : "mapped page at the end");
    }
    if (op.kind == OpKind::kTruncate) {
      Note(std::string("truncate ") + (op.size_bytes == 0     ? "to zero"
                                       : op.size_bytes < size ? "down"
                                                              : "up"));
      size = op.size_bytes;
    }
    if (op.kind == OpKind::kAllocate && (op.flags & kKeepSize) == 0) {
      size = std::max(size, op.offset_bytes + op.size_bytes);
    }
    if (op.kind == OpKind::kClone) {
      Note(op.other_inode == op.inode ? "clone within a file" : "clone of another file");
      size = std::max(size, op.offset_bytes + op.size_bytes);
    }
    if (op.kind == OpKind::kCreate && !used.emplace(op.directory, op.name).second) {
      Note("create where a file was before");
    }
    if (op.kind == OpKind::kRename) {
      Note(op.directory == op.other_directory ? "rename within" : "rename across directories");
    }
  }

  std::map<std::string, int> counts_;
};

TEST(RandomOperationsTest, OverManySeedsEverythingOccurs) {
  Survey survey;
  for (uint64_t seed = 0; seed < 5'000; ++seed) survey.Visit(RandomOperations(seed, 8));
  for (int kind = 0; kind <= static_cast<int>(kLastOpKind); ++kind) {
    EXPECT_TRUE(survey.Has(Name(static_cast<OpKind>(kind)))) << Name(static_cast<OpKind>(kind));
  }
  for (const char* sentence : {"write in place",
                               "write at the end",
                               "write across the end",
                               "write beyond a gap",
                               "write aligned true true",
                               "write aligned true false",
                               "write aligned false true",
                               "write aligned false false",
                               "write across pages",
                               "mapped page",
                               "mapped page at the end",
                               "truncate to zero",
                               "truncate down",
                               "truncate up",
                               "clone within a file",
                               "clone of another file",
                               "create where a file was before",
                               "rename within",
                               "rename across directories",
                               "direct synchronous write",
                               "sync failed",
                               "data-sync failed",
                               "sync-mapped failed",
                               "sync failed for a page",
                               "data-sync failed for a page",
                               "sync-mapped failed for a page",
                               "create failed",
                               "write failed"}) {
    EXPECT_TRUE(survey.Has(sentence)) << sentence;
  }
  for (const auto& [kind, flags] : {std::pair<OpKind, uint32_t>{OpKind::kWrite, kMapped},
                                    {OpKind::kWrite, kDirect},
                                    {OpKind::kWrite, kUntorn},
                                    {OpKind::kWrite, kUntorn | kDirect},
                                    {OpKind::kSyncWrite, kFullSync},
                                    {OpKind::kAllocate, kKeepSize},
                                    {OpKind::kAllocate, kPunchHole | kKeepSize},
                                    {OpKind::kAllocate, kZeroRange},
                                    {OpKind::kAllocate, kZeroRange | kKeepSize}}) {
    EXPECT_TRUE(survey.Has(fmt::format("{} flags {}", Name(kind), flags)))
        << Name(kind) << " " << flags;
  }
}

// A mix leaves most kinds out: if all traces were alike, rare combinations would never meet.
TEST(RandomOperationsTest, EachTraceIsOfFewKinds) {
  size_t total = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::set<OpKind> kinds;
    for (const Op& op : RandomOperations(seed, 40).ops) kinds.insert(op.kind);
    total += kinds.size();
  }
  EXPECT_LT(total / 500, 15U);
  EXPECT_GT(total / 500, 5U);
}

}  // namespace
}  // namespace plugpull
