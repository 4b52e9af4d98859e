// Goal: an edited trace is the old one with some operations less or more, is still a trace, and
// says where each of its operations came from.
#include "harness/sync_edits.h"

#include <gmock/gmock.h>

#include "faults/base/random.h"
#include "faults/trace/random_trace.h"
#include "faults/trace/validate.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::ElementsAre;

constexpr uint32_t kAdded = EditedTrace::kAdded;

// create, write, sync, begin, acknowledge.
Trace FiveOps() {
  Trace trace;
  trace.transactions = {Put("a", "1")};
  trace.payload.resize(4);
  trace.ops = {
      {.kind = OpKind::kCreate, .inode = 2, .directory = kRootInode, .name = "f"},
      {.kind = OpKind::kWrite, .inode = 2, .size_bytes = 4},
      {.kind = OpKind::kSync, .inode = 2},
      {.kind = OpKind::kBegin, .transaction = 1},
      {.kind = OpKind::kAcknowledge, .transaction = 1},
  };
  return trace;
}

AddedSync DirectorySync(size_t before) {
  return {.before = before, .op = {.kind = OpKind::kSyncDirectory, .inode = kRootInode}};
}

TEST(SyncEdits, NothingEditedIsTheSameTrace) {
  const Trace trace = FiveOps();
  const EditedTrace edited = EditSyncs(trace, {}, {});
  EXPECT_EQ(edited.trace, trace);
  EXPECT_THAT(edited.original, ElementsAre(0, 1, 2, 3, 4));
}

TEST(SyncEdits, TakesOut) {
  const Trace trace = FiveOps();
  const EditedTrace edited = EditSyncs(trace, {2}, {});
  EXPECT_THAT(edited.original, ElementsAre(0, 1, 3, 4));
  EXPECT_EQ(edited.trace.ops[2], trace.ops[3]);
  EXPECT_EQ(edited.trace.payload, trace.payload);
  EXPECT_EQ(edited.trace.transactions, trace.transactions);
  EXPECT_EQ(edited.IndexOf(3), 2U);
}

TEST(SyncEdits, PutsInAtTheBeginTheMiddleAndTheEnd) {
  const Trace trace = FiveOps();
  const EditedTrace edited =
      EditSyncs(trace, {}, {DirectorySync(5), DirectorySync(0), DirectorySync(2)});
  EXPECT_THAT(edited.original, ElementsAre(kAdded, 0, 1, kAdded, 2, 3, 4, kAdded));
  EXPECT_EQ(edited.trace.ops[3].kind, OpKind::kSyncDirectory);
  EXPECT_EQ(edited.IndexOf(2), 4U);
}

TEST(SyncEdits, PutsInTheOnePlaceWhereItTakesOut) {
  const EditedTrace edited = EditSyncs(FiveOps(), {2}, {DirectorySync(2)});
  EXPECT_THAT(edited.original, ElementsAre(0, 1, kAdded, 3, 4));
}

TEST(SyncEdits, ACrashBeforeWhatWasAddedStaysBeforeIt) {
  const EditedTrace edited = EditSyncs(FiveOps(), {}, {DirectorySync(2), DirectorySync(4)});
  // create write + sync begin + acknowledge
  EXPECT_EQ(edited.PositionOf(0), 0U);
  EXPECT_EQ(edited.PositionOf(2), 2U) << "what is added at the crash comes after it";
  EXPECT_EQ(edited.PositionOf(3), 4U);
  EXPECT_EQ(edited.PositionOf(5), 7U);
  EXPECT_EQ(edited.OriginalPosition(2), 2U);
  EXPECT_EQ(edited.OriginalPosition(3), 2U) << "nothing of the original was issued between";
  EXPECT_EQ(edited.OriginalPosition(7), 5U);
  for (size_t position = 0; position <= 5; ++position) {
    EXPECT_EQ(edited.OriginalPosition(edited.PositionOf(position)), position);
  }
}

// Property: a trace without some of its syncs and with more directory syncs is a trace.
TEST(SyncEdits, WhatIsLeftOfARandomTraceIsATrace) {
  size_t taken_out = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const Trace trace = RandomTrace(seed, 120);
    std::vector<uint32_t> removed;
    std::vector<AddedSync> added;
    for (uint32_t i = 0; i < trace.ops.size(); ++i) {
      if (IsSync(trace.ops[i].kind) && random.Below(2) == 0) removed.push_back(i);
      if (random.Below(8) == 0) added.push_back(DirectorySync(i));
    }
    taken_out += removed.size();
    const EditedTrace edited = EditSyncs(trace, removed, added);
    ASSERT_EQ(edited.trace.ops.size(), trace.ops.size() - removed.size() + added.size());
    const Expected<void> valid = ValidateTrace(edited.trace);
    ASSERT_TRUE(valid.has_value()) << "seed " << seed << ": " << Describe(valid.error());
  }
  EXPECT_GT(taken_out, 0U);
}

}  // namespace
}  // namespace plugpull
