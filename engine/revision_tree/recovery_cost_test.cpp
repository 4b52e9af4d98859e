// Goal: what opening a store costs after a crash, and what crashes cost in space. The scan is
// linear in the pages in use, and where nobody scans, each crash takes space for ever. Method:
// stores of several sizes die without being closed; reads are counted, and the pages of the file.
// The tables that this prints are those of ARGUMENTS.md.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/revision_tree/format.h"
#include "engine/revision_tree/revision_tree.h"
#include "faults/base/random.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/watching_vfs.h"

namespace plugpull::revision_tree {
namespace {

using OptionWords = std::vector<std::pair<std::string, std::string>>;

std::unique_ptr<Engine> MakeWith(Vfs& vfs, const OptionWords& changed) {
  EngineOptions options;
  for (const OptionSpec& spec : RevisionTreeType().options()) {
    options[spec.name] = spec.default_value;
  }
  for (const auto& [name, value] : changed) options[name] = value;
  return RevisionTreeType().Create(vfs, options);
}

void Overwrite(Engine& engine, Random& random, uint64_t key) {
  const Transaction transaction{
      {{fmt::format("key{:05}", key), std::string(random.Below(100), 'v')}}};
  const Expected<void> applied = engine.Apply(transaction);
  ASSERT_TRUE(applied.has_value()) << Describe(applied.error());
}

uint64_t PagesOf(Vfs& vfs) {
  const auto file = *vfs.Open(kStorePath, {});
  std::array<std::byte, kHeaderBytes> bytes;
  EXPECT_EQ(*file->Read(0, bytes), bytes.size());
  return *file->Size() / LoadHeader(bytes)->page_size_bytes;
}

struct OpenCost {
  uint64_t pages = 0;   // of the file
  uint64_t reads = 0;   // calls, to the end of the open
  uint64_t writes = 0;  // calls
};

// Fills a store, closes it or lets it die, and opens it again.
OpenCost CostOfOpening(const OptionWords& options, uint64_t keys, bool closes) {
  MemoryVfs vfs;
  {
    const std::unique_ptr<Engine> engine = MakeWith(vfs, options);
    EXPECT_TRUE(engine->Open().has_value());
    Random random(1);
    for (uint64_t round = 0; round < keys; ++round) Overwrite(*engine, random, round);
    for (uint64_t round = 0; round < 20; ++round) Overwrite(*engine, random, random.Below(keys));
    if (closes) {
      EXPECT_TRUE(engine->Close().has_value());
    }
  }
  OpenCost cost{.pages = PagesOf(vfs)};
  WatchingVfs watched(vfs, [&cost](const VfsCall& call) {
    cost.reads += call.kind == VfsCallKind::kRead ? 1 : 0;
    cost.writes += call.kind == VfsCallKind::kWrite ? 1 : 0;
  });
  const std::unique_ptr<Engine> engine = MakeWith(watched, options);
  EXPECT_TRUE(engine->Open().has_value());
  return cost;
}

// Returns: the pages of the file after so many lives, each of which ends without a close.
uint64_t PagesAfterLives(const OptionWords& options, uint64_t lives) {
  MemoryVfs vfs;
  Random random(1);
  for (uint64_t life = 0; life <= lives; ++life) {
    const std::unique_ptr<Engine> engine = MakeWith(vfs, options);
    EXPECT_TRUE(engine->Open().has_value());
    const uint64_t commits = life == 0 ? 100 : 5;
    for (uint64_t i = 0; i < commits; ++i) Overwrite(*engine, random, i * 7 % 100);
  }
  return PagesOf(vfs);
}

const OptionWords kE = {};
const OptionWords kETrusting = {{"trust", "equal"}};
const OptionWords kK = {{"proposal", "K"}};
const OptionWords kKTrusting = {{"proposal", "K"}, {"trust", "equal"}};

TEST(RevisionTreeRecoveryCost, ScanIsLinearInThePages) {
  fmt::print("| keys | pages | E, closed | E, died | K, closed | K, died | K, trust=equal |\n");
  fmt::print("|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const uint64_t keys : {40U, 400U, 4000U}) {
    const OpenCost died = CostOfOpening(kE, keys, false);
    const OpenCost closed = CostOfOpening(kE, keys, true);
    const OpenCost k_died = CostOfOpening(kK, keys, false);
    const OpenCost k_closed = CostOfOpening(kK, keys, true);
    const OpenCost trusting = CostOfOpening(kKTrusting, keys, false);
    fmt::print("| {} | {} | {} | {} | {} | {} | {} |\n", keys, died.pages, closed.reads, died.reads,
               k_closed.reads, k_died.reads, trusting.reads);
    EXPECT_GE(died.reads, died.pages / 3) << "it looks at what is in use";
    EXPECT_LE(died.reads, 2 * died.pages) << "and at nothing twice, but for the links of chains";
    EXPECT_LE(k_died.reads, 2 * k_died.pages);
    EXPECT_LE(closed.reads, 4U) << "closed in good order it asks for no scan";
    EXPECT_LE(k_closed.reads, 4U);
    EXPECT_LE(trusting.reads, 4U);
    EXPECT_EQ(closed.writes, 0U);
  }
}

TEST(RevisionTreeRecoveryCost, WithoutAScanEachCrashTakesSpace) {
  fmt::print("| lives | E | E, trust=equal | K | K, trust=equal |\n|---:|---:|---:|---:|---:|\n");
  std::array<uint64_t, 4> first{};
  std::array<uint64_t, 4> last{};
  for (const uint64_t lives : {0U, 10U, 100U}) {
    last = {PagesAfterLives(kE, lives), PagesAfterLives(kETrusting, lives),
            PagesAfterLives(kK, lives), PagesAfterLives(kKTrusting, lives)};
    if (lives == 0) first = last;
    fmt::print("| {} | {} | {} | {} | {} |\n", lives, last[0], last[1], last[2], last[3]);
  }
  EXPECT_LT(last[0], 2 * first[0]);
  EXPECT_LT(last[2], 2 * first[2]);
  EXPECT_GT(last[1], 2 * first[1]);
  EXPECT_GT(last[3], 2 * first[3]);
}

}  // namespace
}  // namespace plugpull::revision_tree
