// Goal: each operation that a RecordingVfs records says who called, the same in every run, up to
// the border and no further.
#include "faults/vfs/call_stack.h"

#include <cxxabi.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"
#include "faults/vfs/symboliser.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

[[gnu::noinline]] void SyncOnce(VfsFile& file) { EXPECT_TRUE(file.Sync(SyncKind::kData)); }
[[gnu::noinline]] void SyncHere(VfsFile& file) {
  SyncOnce(file);
  asm volatile("");  // or the call is no call but the end of this function
}
[[gnu::noinline]] void SyncThere(VfsFile& file) {
  SyncOnce(file);
  asm volatile("");
}

[[gnu::noinline]] Trace Recorded() {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  recorder.NoteCallSites();
  recorder.Begin(1);
  const auto file = recorder.Open("a", {.create = true}).value();
  const volatile int times = 3;  // one call in a loop, not three
  for (int i = 0; i < times; ++i) SyncHere(*file);
  SyncThere(*file);
  recorder.Acknowledge(1);
  return recorder.trace();
}

[[gnu::noinline]] Trace RecordedInside() {
  const CallBorder border;
  return Recorded();
}

std::vector<uint32_t> SitesOf(const Trace& trace) {
  std::vector<uint32_t> sites;
  for (const Op& op : trace.ops) sites.push_back(op.site);
  return sites;
}

TEST(CallStack, EachCallHasItsSite) {
  const Trace trace = Recorded();
  EXPECT_THAT(SitesOf(trace), ElementsAre(0, 1, 2, 2, 2, 3, 0));
  ASSERT_EQ(trace.sites.size(), 3U);
  EXPECT_THAT(trace.sites[0].frames.front(), StartsWith("Recorded"));
  EXPECT_THAT(trace.sites[1].frames.at(0), StartsWith("SyncOnce"));
  EXPECT_THAT(trace.sites[1].frames.at(1), StartsWith("SyncHere"));
  EXPECT_THAT(trace.sites[1].frames.at(2), StartsWith("Recorded"));
  EXPECT_THAT(trace.sites[2].frames.at(1), StartsWith("SyncThere"));
  EXPECT_THAT(trace.sites[2].frames, testing::Contains(StartsWith("main")));
}

TEST(CallStack, EndsBeforeTheBorder) {
  const Trace trace = RecordedInside();
  EXPECT_EQ(CallBorder::Innermost(), 0U);
  EXPECT_THAT(SitesOf(trace), ElementsAre(0, 1, 2, 2, 2, 3, 0));
  ASSERT_EQ(trace.sites.size(), 3U);
  EXPECT_THAT(trace.sites[0].frames, ElementsAre(StartsWith("Recorded ")));
  EXPECT_THAT(trace.sites[1].frames,
              ElementsAre(StartsWith("SyncOnce"), StartsWith("SyncHere"), StartsWith("Recorded ")));
  EXPECT_THAT(trace.sites[2].frames, ElementsAre(StartsWith("SyncOnce"), StartsWith("SyncThere"),
                                                 StartsWith("Recorded ")));
}

TEST(CallStack, IsTheSameAgain) { EXPECT_EQ(RecordedInside(), RecordedInside()); }

TEST(CallStack, IsNotedOnDemandOnly) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  SyncHere(*recorder.Open("a", {.create = true}).value());
  EXPECT_TRUE(recorder.trace().sites.empty());
  EXPECT_THAT(SitesOf(recorder.trace()), ElementsAre(0, 0));
}

TEST(CallStack, GoesOnWithTheSitesOfATrace) {
  const Trace first = RecordedInside();
  MemoryVfs memory;
  NameTree names;
  EXPECT_TRUE(memory.Open("a", {.create = true}));
  names.Set(kRootInode, "a", first.ops[1].inode);
  RecordingVfs recorder(memory, first, names);
  recorder.NoteCallSites();
  SyncThere(*recorder.Open("a", {}).value());
  const std::vector<CallSite>& sites = recorder.trace().sites;
  ASSERT_EQ(sites.size(), first.sites.size() + 1);
  EXPECT_TRUE(std::ranges::equal(std::span(sites).first(first.sites.size()), first.sites));
  EXPECT_EQ(recorder.trace().ops.back().site, sites.size());
}

// A depth that no engine has: the outer frames are left out.
[[gnu::noinline]] void Dive(int depth, VfsFile& file) {
  if (depth == 0) return SyncOnce(file);
  Dive(depth - 1, file);
  asm volatile("");
}

TEST(CallStack, IsBounded) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  const auto file = recorder.Open("a", {.create = true}).value();
  recorder.NoteCallSites();
  Dive(10'000, *file);
  ASSERT_EQ(recorder.trace().sites.size(), 1U);
  EXPECT_LE(recorder.trace().sites[0].frames.size(), kMaxFrames);
  EXPECT_GT(recorder.trace().sites[0].frames.size(), kMaxFrames / 2);
}

TEST(Symboliser, NamesCodeThatNobodyKnows) { EXPECT_EQ(Text(FramesAt(1).at(0)), "unknown code"); }

TEST(Symboliser, NamesWhatALibraryExports) {
  const auto inside = reinterpret_cast<uintptr_t>(&abi::__cxa_pure_virtual) + 1;
  const std::string text = Text(FramesAt(inside).at(0));
  EXPECT_THAT(text, StartsWith("__cxa_pure_virtual (libstdc++.so."));
  EXPECT_THAT(text, HasSubstr("+0x"));
}

}  // namespace
}  // namespace plugpull
