// Goal: a log is believed as far as SQLite believes it, on logs that SQLite wrote.
#include "engine/sqlite/wal_frames.h"

#include <gtest/gtest.h>

#include <array>

#include "engine/recovery_story.h"
#include "engine/target.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

// Returns: the log of a store with so many transactions, not closed.
FileContent LogOf(uint32_t transactions) {
  const Expected<Target> target = ParseTarget("sqlite:journal=wal,sync=full,checkpoint=0");
  EXPECT_TRUE(target.has_value());
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = target->Create(vfs);
  EXPECT_TRUE(engine->Open());
  for (uint32_t i = 0; i < transactions; ++i) {
    EXPECT_TRUE(engine->Apply({.changes = {{"key-" + std::to_string(i), "value"}}}));
  }
  const FileContent* log = FindFile(vfs.image(), "test.db-wal");
  EXPECT_NE(log, nullptr);
  return log == nullptr ? FileContent() : *log;
}

void Spoil(FileContent& file, uint64_t at) {
  std::array<std::byte, 1> byte{};
  file.Read(at, byte);
  byte[0] ^= std::byte{1};
  file.Store(at, byte);
}

TEST(WalFramesTest, ALogOfSqliteIsWholeAndEveryTransactionCommits) {
  const WalFrames four = ReadWalFrames(LogOf(4));
  const WalFrames five = ReadWalFrames(LogOf(5));
  EXPECT_TRUE(four.has_header);
  EXPECT_EQ(four.valid, four.committed);
  EXPECT_EQ(five.commits, four.commits + 1);
}

TEST(WalFramesTest, ABitInAFrameEndsTheLogThere) {
  FileContent log = LogOf(4);
  const WalFrames whole = ReadWalFrames(log);
  Spoil(log, 32 + (whole.valid - 1) * whole.frame_bytes + 500);
  const WalFrames spoiled = ReadWalFrames(log);
  EXPECT_EQ(spoiled.valid, whole.valid - 1);
  EXPECT_EQ(spoiled.commits, whole.commits - 1);
  Spoil(log, 3);
  EXPECT_FALSE(ReadWalFrames(log).has_header);
}

TEST(WalFramesTest, WhatIsNoLogHasNoFrames) {
  EXPECT_FALSE(ReadWalFrames(FileContent()).has_header);
  FileContent zeros;
  zeros.RaiseSize(100'000);
  EXPECT_EQ(ReadWalFrames(zeros).valid, 0);
}

}  // namespace
}  // namespace plugpull
