// Goal: every protocol keeps a store across a restart, and issues exactly the syncs that it says.
#include "workloads/strategies/files_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"
#include "workloads/strategies/testing.h"
#include "workloads/workload.h"

namespace plugpull::strategies {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

Transaction Put(std::string key, std::string value) {
  return {.changes = {{std::move(key), std::move(value)}}};
}

class EveryProtocol : public testing::TestWithParam<const char*> {};

TEST_P(EveryProtocol, ShowsAfterARestartWhatWasCommitted) {
  MemoryVfs vfs;
  std::map<std::string, std::string> expected;
  const std::vector<Transaction> transactions =
      FindWorkload("mixed")->generate({.seed = 7, .transactions = 40, .keys = 12});
  for (size_t i = 0; i < transactions.size(); ++i) {
    // The store is opened anew now and then, also after what dies without closing.
    const auto engine = MakeStore(vfs, GetParam());
    ASSERT_TRUE(engine->Open().has_value()) << i;
    EXPECT_EQ(ContentsOf(*engine), expected) << i;
    EXPECT_THAT(engine->Check()->structure, IsEmpty());
    for (size_t end = std::min(transactions.size(), i + 7); i < end; ++i) {
      ASSERT_TRUE(engine->Apply(transactions[i]).has_value());
      for (const Change& change : transactions[i].changes) {
        if (change.value) {
          expected[change.key] = *change.value;
        } else {
          expected.erase(change.key);
        }
      }
      EXPECT_EQ(ContentsOf(*engine), expected) << i;
    }
  }
  EXPECT_FALSE(expected.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Files, EveryProtocol,
    testing::Values("protocol=in-place", "protocol=in-place,sync=none", "protocol=append",
                    "protocol=append,sync=dsync", "protocol=append,sync=range,every=1",
                    "protocol=append,checksum=off", "protocol=append,rotate=off",
                    "protocol=replace", "protocol=replace,sync=none", "protocol=double-write",
                    "protocol=double-write,sync=no-journal", "protocol=wal", "protocol=wal,group=4",
                    "protocol=wal,group=3,ack=early,every=5", "protocol=preallocated",
                    "protocol=preallocated,every=1000", "protocol=manifest",
                    "protocol=manifest,sync=none,every=2"));

// Returns: what a store does to its files for one small transaction, one word an operation.
Words CommitSteps(std::string_view options, int transactions_before = 1) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  const auto engine = MakeStore(recorder, options);
  EXPECT_TRUE(engine->Open().has_value());
  for (int i = 0; i < transactions_before; ++i) {
    EXPECT_TRUE(engine->Apply(Put("key", "value")).has_value());
  }
  const size_t begin = recorder.trace().ops.size();
  EXPECT_TRUE(engine->Apply(Put("key", "other")).has_value());
  const std::vector<Op>& ops = recorder.trace().ops;
  Words steps;
  for (size_t i = begin; i < ops.size(); ++i) steps.emplace_back(Name(ops[i].kind));
  return steps;
}

TEST(CommitSteps, AreThoseOfTheProtocol) {
  EXPECT_THAT(CommitSteps("protocol=in-place"), ElementsAre("write", "sync"));
  EXPECT_THAT(CommitSteps("protocol=in-place,sync=none"), ElementsAre("write"));
  EXPECT_THAT(CommitSteps("protocol=append"), ElementsAre("write", "sync"));
  EXPECT_THAT(CommitSteps("protocol=append,sync=fdatasync"), ElementsAre("write", "data-sync"));
  EXPECT_THAT(CommitSteps("protocol=append,sync=dsync"), ElementsAre("write", "sync-write"));
  EXPECT_THAT(CommitSteps("protocol=append,sync=range"), ElementsAre("write", "sync-range"));
  EXPECT_THAT(CommitSteps("protocol=preallocated"), ElementsAre("write", "data-sync"));
  EXPECT_THAT(CommitSteps("protocol=double-write"),
              ElementsAre("write", "data-sync", "write", "data-sync"));
  EXPECT_THAT(CommitSteps("protocol=double-write,sync=no-journal"),
              ElementsAre("write", "write", "data-sync"));
  EXPECT_THAT(CommitSteps("protocol=double-write,sync=no-table"),
              ElementsAre("write", "data-sync", "write"));
  EXPECT_THAT(CommitSteps("protocol=wal"), ElementsAre("write", "data-sync"));
}

TEST(CommitSteps, OfReplaceAreEachSubsetOfItsSyncs) {
  EXPECT_THAT(CommitSteps("protocol=replace"),
              ElementsAre("create", "write", "sync", "rename", "sync-directory"));
  EXPECT_THAT(CommitSteps("protocol=replace,sync=file"),
              ElementsAre("create", "write", "sync", "rename"));
  EXPECT_THAT(CommitSteps("protocol=replace,sync=directory"),
              ElementsAre("create", "write", "rename", "sync-directory"));
  EXPECT_THAT(CommitSteps("protocol=replace,sync=none"), ElementsAre("create", "write", "rename"));
}

TEST(CommitSteps, OfManifestLeaveOutOneSyncAtATime) {
  EXPECT_THAT(CommitSteps("protocol=manifest"),
              ElementsAre("create", "write", "sync", "sync-directory", "write", "sync"));
  EXPECT_THAT(CommitSteps("protocol=manifest,sync=no-data"),
              ElementsAre("create", "write", "sync-directory", "write", "sync"));
  EXPECT_THAT(CommitSteps("protocol=manifest,sync=no-directory"),
              ElementsAre("create", "write", "sync", "write", "sync"));
  EXPECT_THAT(CommitSteps("protocol=manifest,sync=no-manifest"),
              ElementsAre("create", "write", "sync", "sync-directory", "write"));
}

TEST(CommitSteps, ALogIsSyncedBeforeTheOneItReplacesIsRemoved) {
  EXPECT_THAT(CommitSteps("protocol=append,every=1"),
              ElementsAre("create", "write", "sync", "sync-directory", "unlink"));
  EXPECT_THAT(CommitSteps("protocol=append,every=1,directory=off"),
              ElementsAre("create", "write", "sync", "unlink"));
  EXPECT_THAT(CommitSteps("protocol=preallocated,every=1"),
              ElementsAre("create", "allocate", "write", "data-sync", "sync-directory", "unlink"));
}

TEST(CommitSteps, ACheckpointSyncsTheLogThenTheTableThenItsGeneration) {
  EXPECT_THAT(CommitSteps("protocol=wal,every=2"),
              ElementsAre("write", "data-sync", "write", "data-sync", "write", "data-sync"));
}

// Returns: what a store does to its files when it is opened after its process died.
Words ReopenSteps(std::string_view options, int transactions = 1) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  {
    const auto engine = MakeStore(recorder, options);
    EXPECT_TRUE(engine->Open().has_value());
    for (int i = 0; i < transactions; ++i) {
      EXPECT_TRUE(engine->Apply(Put("key", "value")).has_value());
    }
  }
  const size_t begin = recorder.trace().ops.size();
  EXPECT_TRUE(MakeStore(recorder, options)->Open().has_value());
  const std::vector<Op>& ops = recorder.trace().ops;
  Words steps;
  for (size_t i = begin; i < ops.size(); ++i) steps.emplace_back(Name(ops[i].kind));
  return steps;
}

TEST(ReopenSteps, WhatMayBeInThePageCacheAloneIsSyncedBeforeAnythingBuildsOnIt) {
  EXPECT_THAT(ReopenSteps("protocol=append"), ElementsAre("sync", "sync-directory"));
  EXPECT_THAT(ReopenSteps("protocol=append,sync=dsync"),
              ElementsAre("data-sync", "sync-directory"));
  EXPECT_THAT(ReopenSteps("protocol=preallocated"), ElementsAre("data-sync", "sync-directory"));
  EXPECT_THAT(ReopenSteps("protocol=wal"), ElementsAre("data-sync", "sync-directory", "write",
                                                       "data-sync", "write", "data-sync"));
  EXPECT_THAT(ReopenSteps("protocol=double-write"),
              ElementsAre("data-sync", "sync-directory", "write", "data-sync"));
}

TEST(ReopenSteps, LeaveOutWhatTheProtocolLeavesOut) {
  EXPECT_THAT(ReopenSteps("protocol=append,sync=none"), IsEmpty());
  EXPECT_THAT(ReopenSteps("protocol=append,sync=fdatasync,directory=off"),
              ElementsAre("data-sync"));
  EXPECT_THAT(ReopenSteps("protocol=append,sync=range"),
              ElementsAre("sync-range", "sync-directory"));
  EXPECT_THAT(ReopenSteps("protocol=double-write,sync=no-journal"),
              ElementsAre("sync-directory", "write", "data-sync"));
}

TEST(ReopenSteps, ALogIsSyncedBeforeTheOneItReplacesIsRemoved) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  {
    const auto engine = MakeStore(recorder, "protocol=append,every=1");
    ASSERT_TRUE(engine->Open().has_value());
    ASSERT_TRUE(engine->Apply(Put("key", "value")).has_value());
    ASSERT_TRUE(engine->Apply(Put("key", "other")).has_value());
  }
  // As if the process had died after it wrote log.2 and before it removed log.1.
  ASSERT_TRUE(recorder.Open("log.1", {.create = true}).has_value());
  const size_t begin = recorder.trace().ops.size();
  ASSERT_TRUE(MakeStore(recorder, "protocol=append,every=1")->Open().has_value());
  const std::vector<Op>& ops = recorder.trace().ops;
  Words steps;
  for (size_t i = begin; i < ops.size(); ++i) steps.emplace_back(Name(ops[i].kind));
  EXPECT_THAT(steps, ElementsAre("sync", "sync-directory", "unlink"));
}

TEST(GroupCommit, AcknowledgesWhenTheGroupIsSynced) {
  MemoryVfs vfs;
  const auto engine = MakeStore(vfs, "protocol=wal,group=3");
  ASSERT_TRUE(engine->Open().has_value());
  std::vector<uint32_t> pending;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(engine->Apply(Put("key", "value")).has_value());
    pending.push_back(engine->Pending());
  }
  EXPECT_THAT(pending, ElementsAre(1, 2, 0, 1));
}

TEST(GroupCommit, EarlyAcknowledgementWaitsForNobody) {
  MemoryVfs vfs;
  const auto engine = MakeStore(vfs, "protocol=wal,group=3,ack=early");
  ASSERT_TRUE(engine->Open().has_value());
  ASSERT_TRUE(engine->Apply(Put("key", "value")).has_value());
  EXPECT_EQ(engine->Pending(), 0u);
}

TEST(Roles, AreWords) {
  const EngineType& type = FilesType();
  EXPECT_EQ(type.RoleOf("log.17"), "log");
  EXPECT_EQ(type.RoleOf("state.tmp"), "state");
  EXPECT_EQ(type.RoleOf("MANIFEST-000001"), "manifest");
  EXPECT_EQ(type.RoleOf("CURRENT.tmp"), "pointer");
  EXPECT_EQ(type.RoleOf("000003.data"), "data");
  EXPECT_EQ(type.RoleOf("table"), "table");
}

}  // namespace
}  // namespace plugpull::strategies
