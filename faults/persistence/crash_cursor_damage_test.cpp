// Syncs that lie from some point on, and durable bytes that are not what was written.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>

#include "faults/persistence/crash_graph.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/testing.h"
#include "faults/trace/random_operations.h"

namespace plugpull {
namespace {

constexpr size_t kMostStates = 300;

// Returns: what may be visible at the end; nothing when that is too much.
std::optional<std::set<std::string>> Left(const CrashCursor& cursor, Tear tear) {
  CrashGraph graph;
  graph.Build(cursor, tear);
  const auto states = LegalStates(graph.constraints(), kMostStates);
  if (!states) return {};
  std::set<std::string> left;
  for (const State& state : *states) {
    left.insert(Visible(
        Materialise(cursor.trace(), cursor.position(), LostAtoms(graph, state), graph.tear())));
  }
  return left;
}

// Goal: a disk that lies all along leaves what a model leaves in which no sync is honest.
TEST(LyingCursor, FromTheStartIsTheModelWithoutHonestSyncs) {
  size_t compared = 0;
  for (const char* name : {"posix-minimal", "ext4-ordered", "xfs", "btrfs", "ordered"}) {
    Model dishonest = *FindModel(name);
    dishonest.honest_flush = false;
    for (uint64_t seed = 0; seed < 400; ++seed) {
      const Trace trace = RandomOperations(seed, 4);
      CrashCursor lying(trace, *FindModel(name), Tear::kPages);
      lying.LieFromNowOn();
      lying.AdvanceTo(trace.ops.size());
      CrashCursor other(trace, dishonest, Tear::kPages);
      other.AdvanceTo(trace.ops.size());
      const auto left = Left(lying, Tear::kPages);
      ASSERT_EQ(left, Left(other, Tear::kPages)) << name << ' ' << seed;
      if (left && lying.lies() > 0) ++compared;
    }
  }
  EXPECT_GT(compared, 300U);
}

// Goal: later lies leave less: all that a cursor leaves which lies from a later point on, one
// leaves that lies from an earlier point on.
TEST(LyingCursor, LeavesMoreTheEarlierItLies) {
  size_t grown = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Trace trace = RandomOperations(seed, 5);
    std::optional<std::set<std::string>> later;
    for (size_t from = trace.ops.size() + 1; from-- > 0;) {
      CrashCursor cursor(trace, *FindModel("posix-minimal"), Tear::kNone);
      cursor.AdvanceTo(from);
      cursor.LieFromNowOn();
      cursor.AdvanceTo(trace.ops.size());
      const auto left = Left(cursor, Tear::kNone);
      if (!left) break;
      if (later) {
        ASSERT_TRUE(std::ranges::includes(*left, *later)) << seed << " from " << from;
        if (left->size() > later->size()) {
          ++grown;
          EXPECT_GT(cursor.lies(), 0U);
        }
      }
      later = left;
    }
  }
  EXPECT_GT(grown, 50U);
}

TEST(DamagedCursor, ShowsThePatchUntilItIsRepaired) {
  Trace trace;
  trace.payload.assign(kPageBytes, std::byte{'a'});
  trace.ops = {{.kind = OpKind::kCreate, .inode = 2, .directory = kRootInode, .name = "f"},
               {.kind = OpKind::kWrite, .inode = 2, .size_bytes = kPageBytes},
               {.kind = OpKind::kSync, .inode = 2},
               {.kind = OpKind::kWrite, .inode = 2, .offset_bytes = 100, .size_bytes = 10}};
  CrashCursor cursor(trace, *FindModel("posix-minimal"));
  cursor.AdvanceTo(3);
  const auto byte_at = [&](uint64_t offset_bytes) {
    std::array<std::byte, 1> byte{};
    cursor.durable().files.at(2).ReadStored(offset_bytes, byte);
    return static_cast<char>(byte[0]);
  };
  const auto patch = [](char letter) {
    return std::vector<BytePatch>{
        {.inode = 2, .offset_bytes = 105, .bytes = {static_cast<std::byte>(letter)}}};
  };
  EXPECT_TRUE(cursor.Damage(patch('z')));
  EXPECT_EQ(byte_at(105), 'z');
  EXPECT_EQ(byte_at(104), 'a');
  EXPECT_EQ(byte_at(106), 'a');
  cursor.Repair();
  EXPECT_EQ(byte_at(105), 'a');
  EXPECT_FALSE(cursor.Damage(patch('a'))) << "it changes nothing";
  cursor.Repair();
  const std::vector<BytePatch> elsewhere = {
      {.inode = 9, .offset_bytes = 0, .bytes = {std::byte{1}}}};
  EXPECT_FALSE(cursor.Damage(elsewhere)) << "there is no such file";
  cursor.Repair();
  cursor.AdvanceTo(4);
  EXPECT_FALSE(cursor.Damage(patch('z'))) << "what is not durable yet may be lost anyway";
  EXPECT_EQ(byte_at(105), 'a');
}

}  // namespace
}  // namespace plugpull
