// Goal: what a report says of a crash state is true: which models and faults reach it, what it
// lost.
#include "harness/crash_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

constexpr Tear kSectors = Tear::kSectorsContiguous;

// #0 create log, #1 write log 0+8192, #2 sync, #3 sync-directory: durable. Then #4 write log
// 0+8192, #5 write log 8192+4096, which grows it, #6 create mark.
Trace HandMade() {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  const auto write = [](VfsFile& file, uint64_t offset_bytes, size_t size, char byte) {
    const std::string data(size, byte);
    EXPECT_TRUE(file.Write(offset_bytes, std::as_bytes(std::span(data))).has_value());
  };
  const auto log = *recorder.Open("log", {.create = true});
  write(*log, 0, 8192, 'a');
  EXPECT_TRUE(log->Sync(SyncKind::kFull).has_value());
  EXPECT_TRUE(recorder.SyncDirectory("").has_value());
  write(*log, 0, 8192, 'b');
  write(*log, 8192, 4096, 'c');
  EXPECT_TRUE(recorder.Open("mark", {.create = true}).has_value());
  return recorder.trace();
}

AtomId Data(uint32_t op, uint32_t piece) { return {op, AtomKind::kData, piece}; }
AtomId Size(uint32_t op, uint32_t step) { return {op, AtomKind::kSize, step}; }

std::vector<std::string> AllModels() {
  std::vector<std::string> names;
  for (const Model& model : Models()) names.push_back(model.name);
  return names;
}

class CrashStates : public testing::Test {
 protected:
  ChosenState State(std::vector<std::pair<AtomId, bool>> chosen, Tear tear = kSectors) const {
    return {.position = trace_.ops.size(), .tear = tear, .chosen = std::move(chosen)};
  }
  FaultLevel Level(std::vector<std::pair<AtomId, bool>> chosen) {
    return inspector_.WeakestLevel(State(std::move(chosen)), posix_);
  }

  const Trace trace_ = HandMade();
  StateInspector inspector_{trace_, FragileLogType()};
  const Model& posix_ = *FindModel("posix-minimal");
  const Model& ordered_ = *FindModel("ordered");
  const Model& kill_ = *FindModel("process-kill");
};

TEST_F(CrashStates, EverythingKeptNeedsOnlyAKilledProcess) {
  EXPECT_EQ(Level({}), FaultLevel::kProcessKill);
  EXPECT_EQ(Level({{Data(4, 0), true}, {Data(5, 7), true}}), FaultLevel::kProcessKill);
  EXPECT_THAT(inspector_.AdmittingModels(State({{Data(4, 0), true}})),
              ElementsAreArray(AllModels()));
}

TEST_F(CrashStates, ALostTailIsAnOrderedPowerCut) {
  EXPECT_EQ(Level({{Data(5, 0), false}}), FaultLevel::kPowerCutOrdered);
  EXPECT_EQ(Level({{Data(4, 0), true}, {Data(5, 0), false}}), FaultLevel::kPowerCutOrdered);
  EXPECT_EQ(Level({{Data(4, 0), false}}), FaultLevel::kPowerCutOrdered);
  EXPECT_THAT(inspector_.AdmittingModels(State({{Data(5, 0), false}})),
              ElementsAreArray(AllModels()));
  EXPECT_THAT(inspector_.ContractModels(State({{Data(5, 0), false}})), IsEmpty());
}

TEST_F(CrashStates, ALostWriteBeforeAKeptOneIsAPowerCut) {
  const std::vector<std::pair<AtomId, bool>> chosen = {{Data(4, 0), false}, {Data(5, 0), true}};
  EXPECT_EQ(Level(chosen), FaultLevel::kPowerCut);
  // Only a journal for data orders the bytes of two writes.
  std::vector<std::string> others = AllModels();
  std::erase(others, "ext4-journal");
  EXPECT_THAT(inspector_.AdmittingModels(State(chosen)), ElementsAreArray(others));
}

TEST_F(CrashStates, WhatTearsAWriteFinerThanAModelIsNotAdmittedByIt) {
  const auto torn = State({{Data(4, 0), false}, {Data(4, 7), true}});
  EXPECT_THAT(inspector_.AdmittingModels(torn),
              ElementsAre("posix-minimal", "somc", "ext4-writeback", "ext4-ordered", "xfs",
                          "ext4-ordered-classic"));
  EXPECT_FALSE(inspector_.Admits(torn, *FindModel("btrfs"), kSectors));
  // Nothing of it is kept or lost in part when it is cut into pages.
  const ChosenState page = State({{Data(4, 0), false}, {Data(4, 7), false}});
  EXPECT_TRUE(inspector_.Admits(page, *FindModel("btrfs"), kSectors));
  const ChosenState weaker = inspector_.Weaken(page, *FindModel("btrfs"), kSectors);
  EXPECT_EQ(weaker.tear, Tear::kPages);
  EXPECT_THAT(inspector_.Complete(weaker, *FindModel("btrfs")).lost, Contains(Data(4, 0)));
}

TEST_F(CrashStates, AnAtomThatAModelDoesNotHaveIsKept) {
  const AtomId fill{4, AtomKind::kFill, 1};  // nothing is allocated by an overwrite
  EXPECT_TRUE(inspector_.Admits(State({{fill, true}}), posix_, kSectors));
  EXPECT_FALSE(inspector_.Admits(State({{fill, false}}), posix_, kSectors));
  EXPECT_FALSE(inspector_.Admits(State({{fill, false}}), *FindModel("xfs"), kSectors));
}

// xfs writes a page before the size that shows it, but the size may come from a later page.
TEST_F(CrashStates, AKeptSizeMeansThatTheFileIsAtLeastThatLong) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  const std::string page(4096, 'x');
  const auto log = *recorder.Open("log", {.create = true});
  EXPECT_TRUE(recorder.SyncDirectory("").has_value());
  EXPECT_TRUE(log->Write(0, std::as_bytes(std::span(page))).has_value());     // #2
  EXPECT_TRUE(log->Write(4096, std::as_bytes(std::span(page))).has_value());  // #3
  StateInspector inspector(recorder.trace(), FragileLogType());
  const Model& xfs = *FindModel("xfs");
  const auto admits = [&](std::vector<std::pair<AtomId, bool>> chosen) {
    const ChosenState state{
        .position = recorder.trace().ops.size(), .tear = Tear::kPages, .chosen = std::move(chosen)};
    if (!inspector.Admits(state, xfs, Tear::kPages)) return false;
    const CompleteState complete = inspector.Complete(state, xfs);
    EXPECT_EQ(complete.lost.size() + complete.kept.size(), 4u);
    return true;
  };
  EXPECT_TRUE(admits({{Size(2, 0), true}, {Data(2, 0), false}}));
  EXPECT_TRUE(admits({{Size(2, 0), true}, {Data(2, 0), false}, {Data(3, 0), true}}));
  EXPECT_FALSE(admits({{Size(2, 0), true}, {Data(2, 0), false}, {Size(3, 0), false}}));
  EXPECT_FALSE(admits({{Size(2, 0), true}, {Data(2, 0), false}, {Data(3, 0), false}}));
  EXPECT_TRUE(admits({{Size(2, 0), false}}));
  EXPECT_TRUE(admits({{Size(2, 0), false}, {Size(3, 0), true}}));
}

TEST_F(CrashStates, HalfAWriteIsATornWrite) {
  const auto pages = State({{Data(4, 0), false}, {Data(4, 15), true}});
  EXPECT_EQ(inspector_.WeakestLevel(pages, posix_), FaultLevel::kTornWrite);
  EXPECT_TRUE(inspector_.Admits(pages, posix_, kSectors));
  EXPECT_TRUE(inspector_.Admits(pages, posix_, Tear::kPages));
  EXPECT_FALSE(inspector_.Admits(pages, posix_, Tear::kNone));
  const auto sectors = State({{Data(4, 0), false}, {Data(4, 7), true}});
  EXPECT_TRUE(inspector_.Admits(sectors, posix_, kSectors));
  EXPECT_FALSE(inspector_.Admits(sectors, posix_, Tear::kPages));
  // Pages are counted from where the write begins.
  EXPECT_TRUE(inspector_.Admits(State({{Data(5, 0), false}}), posix_, Tear::kPages));
}

TEST_F(CrashStates, WhatIsDurableCannotBeLost) {
  ChosenState early = State({{Data(1, 0), false}});
  EXPECT_FALSE(inspector_.Admits(early, posix_, kSectors));
  early.position = 2;  // before the sync
  EXPECT_TRUE(inspector_.Admits(early, posix_, kSectors));
  EXPECT_FALSE(inspector_.Admits(State({{Data(5, 0), false}}), kill_, kSectors));
}

TEST_F(CrashStates, CompleteLosesNoMoreThanTheChoicesAskFor) {
  const CompleteState none = inspector_.Complete(State({}), posix_);
  EXPECT_THAT(none.lost, IsEmpty());
  EXPECT_EQ(none.kept.size(), 16u + 8u + 1u + 2u);
  const CompleteState one = inspector_.Complete(State({{Data(4, 0), false}}), posix_);
  EXPECT_THAT(one.lost, ElementsAre(Data(4, 0)));
  // A part keeps a prefix or a suffix, so a loss in the middle costs one of the sides.
  const CompleteState middle = inspector_.Complete(State({{Data(4, 6), false}}), posix_);
  EXPECT_THAT(middle.lost, ElementsAre(Data(4, 6), Data(4, 7)));
  // In order, everything after it is lost as well.
  const CompleteState in_order =
      inspector_.Complete(State({{Data(5, 0), false}}, Tear::kNone), ordered_);
  EXPECT_EQ(in_order.lost.size(), 4u);
  EXPECT_THAT(in_order.kept, ElementsAre(Data(4, 0)));
}

TEST_F(CrashStates, QuestionsMayComeInAnyOrder) {
  ChosenState early = State({{Data(1, 0), false}});
  early.position = 2;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(inspector_.Admits(early, posix_, kSectors));
    EXPECT_EQ(Level({{Data(4, 0), false}, {Data(5, 0), true}}), FaultLevel::kPowerCut);
  }
}

TEST_F(CrashStates, LinesNameOperationsAndThePiecesMeant) {
  EXPECT_THAT(
      inspector_.Lines({Data(4, 0), Data(4, 1), Data(4, 2), Data(4, 5), Data(4, 7)}, kSectors),
      ElementsAre("#4 write log 0+8192 (sectors 0-2, 5, 7 of 16)"));
  EXPECT_THAT(inspector_.Lines({Data(4, 1)}, Tear::kPages),
              ElementsAre("#4 write log 0+8192 (pages 1 of 2)"));
  EXPECT_THAT(inspector_.Lines({Data(4, 0)}, Tear::kNone), ElementsAre("#4 write log 0+8192"));
  std::vector<AtomId> whole;
  for (uint32_t piece = 0; piece < 8; ++piece) whole.push_back(Data(5, piece));
  whole.push_back(Size(5, 0));
  EXPECT_THAT(inspector_.Lines(whole, kSectors),
              ElementsAre("#5 write log 8192+4096", "#5 size of log up to 12288"));
  EXPECT_THAT(inspector_.Lines({{6, AtomKind::kInode, 0}, {6, AtomKind::kName, 0}}, kSectors),
              ElementsAre("#6 create mark"));
  EXPECT_THAT(inspector_.Lines({{5, AtomKind::kFill, 0}}, kSectors),
              ElementsAre("#5 zeros in new blocks of log"));
  EXPECT_THAT(inspector_.Lines({}, kSectors), IsEmpty());
}

TEST_F(CrashStates, KindsAreSortedAndComeOnce) {
  EXPECT_THAT(inspector_.Kinds({Data(4, 0),
                                Data(4, 1),
                                Data(5, 0),
                                Size(5, 0),
                                {6, AtomKind::kInode, 0},
                                {6, AtomKind::kName, 0}}),
              ElementsAre("create(mark)", "size(log)", "write(log)"));
}

}  // namespace
}  // namespace plugpull
