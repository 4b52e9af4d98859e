// Goal: damage in any file is noticed, by a refusal or by the check, and never takes the process
// along.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/base/random.h"
#include "faults/vfs/memory_vfs.h"
#include "workloads/strategies/testing.h"

namespace plugpull::strategies {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kValue = "a value that is long enough to be cut";

// Fills a store with a few pairs.
void Fill(Vfs& vfs, std::string_view options) {
  const auto engine = MakeStore(vfs, options);
  ASSERT_TRUE(engine->Open().has_value());
  for (const char* key : {"a", "b", "c"}) {
    ASSERT_TRUE(engine->Apply({.changes = {{key, kValue}}}).has_value());
  }
}

void Overwrite(Vfs& vfs, std::string_view path, uint64_t offset_bytes, std::string_view text) {
  const auto file = vfs.Open(path, {});
  ASSERT_TRUE(file.has_value()) << path;
  ASSERT_TRUE((*file)->Write(offset_bytes, AsBytes(text)).has_value());
}

void Cut(Vfs& vfs, std::string_view path, uint64_t bytes) {
  const auto file = vfs.Open(path, {});
  ASSERT_TRUE(file.has_value()) << path;
  ASSERT_TRUE((*file)->Truncate(*(*file)->Size() - bytes).has_value());
}

std::string Refusal(Vfs& vfs, std::string_view options) {
  const auto opened = MakeStore(vfs, options)->Open();
  EXPECT_FALSE(opened.has_value());
  return opened ? "" : opened.error().context;
}

std::vector<std::string> Structure(Vfs& vfs, std::string_view options) {
  const auto engine = MakeStore(vfs, options);
  EXPECT_TRUE(engine->Open().has_value());
  return engine->Check()->structure;
}

TEST(Damage, ReplaceRefusesAFileThatIsNotWhole) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=replace");
  Cut(vfs, "state", 1);
  EXPECT_THAT(Refusal(vfs, "protocol=replace"), HasSubstr("state is damaged"));
}

TEST(Damage, ReplaceRefusesZeros) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=replace");
  Overwrite(vfs, "state", 0, std::string(100, '\0'));
  EXPECT_THAT(Refusal(vfs, "protocol=replace"), HasSubstr("state is damaged"));
}

TEST(Damage, InPlaceReportsASlotThatIsCutOffOrMakesNoSense) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=in-place");
  Cut(vfs, "table", 1);
  EXPECT_THAT(Structure(vfs, "protocol=in-place"), ElementsAre("slot 2 is cut off"));
  Overwrite(vfs, "table", 4096, "junk");
  EXPECT_THAT(Structure(vfs, "protocol=in-place"),
              ElementsAre("slot 0 is neither free nor in use", "slot 2 is cut off"));
  Overwrite(vfs, "table", 0, "junk");
  EXPECT_THAT(Refusal(vfs, "protocol=in-place"), HasSubstr("no header"));
}

TEST(Damage, AKeyInTwoSlotsIsReported) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=in-place");
  Overwrite(vfs, "table", 4096 + 16384 + 12, "a");
  EXPECT_THAT(Structure(vfs, "protocol=in-place"),
              ElementsAre("slot 1 has the key of another slot"));
}

TEST(Damage, ALogEndsAtItsFirstRecordThatIsNotWhole) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=append");
  Cut(vfs, "log.1", 1);
  const auto engine = MakeStore(vfs, "protocol=append");
  ASSERT_TRUE(engine->Open().has_value());
  EXPECT_EQ(ContentsOf(*engine).size(), 2u);
}

TEST(Damage, ALogWithoutItsSnapshotIsRefused) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=append");
  Overwrite(vfs, "log.1", 0, "junk");
  EXPECT_THAT(Refusal(vfs, "protocol=append"), HasSubstr("no log starts with a whole snapshot"));
}

TEST(Damage, WithoutChecksumsARecordIsBelieved) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=append,checksum=off");
  Overwrite(vfs, "log.1", 60, std::string(4, '\xff'));
  const auto engine = MakeStore(vfs, "protocol=append,checksum=off");
  ASSERT_TRUE(engine->Open().has_value());
  EXPECT_EQ(ContentsOf(*engine).size(), 3u) << "with checksums, the log would end before";
}

TEST(Damage, AnUnfinishedLogGivesWayToTheOneBefore) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=append");
  ASSERT_TRUE((*vfs.Open("log.2", {.create = true}))->Write(0, AsBytes("torn")).has_value());
  const auto engine = MakeStore(vfs, "protocol=append");
  ASSERT_TRUE(engine->Open().has_value());
  EXPECT_EQ(ContentsOf(*engine).size(), 3u);
  EXPECT_THAT(*vfs.List(""), ElementsAre("log.1"));
}

TEST(Damage, ManifestRefusesAPointerOrADataFileThatIsNotWhole) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=manifest");
  Cut(vfs, "000002.data", 1);
  EXPECT_THAT(Refusal(vfs, "protocol=manifest"), HasSubstr("000002.data is damaged"));
  Cut(vfs, "CURRENT", 1);
  EXPECT_THAT(Refusal(vfs, "protocol=manifest"), HasSubstr("CURRENT names no manifest"));
}

TEST(Damage, WhatToreInPlaceComesBackFromTheJournal) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=double-write");
  Overwrite(vfs, "table", 4096 + 2 * 16384, "junk");
  const auto engine = MakeStore(vfs, "protocol=double-write");
  ASSERT_TRUE(engine->Open().has_value());
  EXPECT_EQ(ContentsOf(*engine).size(), 3u);
}

TEST(Damage, ARenameThatLeftBothNamesDoesNoHarm) {
  MemoryVfs vfs;
  Fill(vfs, "protocol=replace");
  ASSERT_TRUE(vfs.Link("state", "state.tmp").has_value());
  const auto state = vfs.Open("state", {});
  const uint64_t size = *(*state)->Size();
  const auto engine = MakeStore(vfs, "protocol=replace");
  ASSERT_TRUE(engine->Open().has_value());
  ASSERT_TRUE(engine->Apply({.changes = {{"d", kValue}}}).has_value());
  EXPECT_EQ(*(*state)->Size(), size) << "the file that counted was cut before the new one did";
  EXPECT_EQ(ContentsOf(*engine).size(), 4u);
}

class AnyBytes : public testing::TestWithParam<const char*> {};

TEST_P(AnyBytes, AreSurvived) {
  Random random(1, "damage-test");
  for (int round = 0; round < 300; ++round) {
    MemoryVfs vfs;
    Fill(vfs, GetParam());
    const std::vector<std::string> names = *vfs.List("");
    for (const std::string& name : names) {
      const auto file = vfs.Open(name, {});
      const uint64_t size = *(*file)->Size();
      for (int i = 0; i < 3 && size > 0; ++i) {
        const uint64_t offset = random.Below(std::min<uint64_t>(size, 200));
        const std::string byte(1, static_cast<char>(random.Below(256)));
        ASSERT_TRUE((*file)->Write(offset, AsBytes(byte)).has_value());
      }
    }
    const auto engine = MakeStore(vfs, GetParam());
    if (!engine->Open().has_value()) continue;
    ContentsOf(*engine);
    EXPECT_TRUE(engine->Check().has_value());
    EXPECT_TRUE(engine->Apply({.changes = {{"key", "value"}}}).has_value());
  }
}

INSTANTIATE_TEST_SUITE_P(Files, AnyBytes,
                         testing::Values("protocol=in-place", "protocol=append",
                                         "protocol=append,checksum=off", "protocol=replace",
                                         "protocol=double-write", "protocol=wal",
                                         "protocol=preallocated", "protocol=manifest"));

}  // namespace
}  // namespace plugpull::strategies
