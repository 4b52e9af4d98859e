// Goal: real bbolt finds sound, and reads in full, whatever salvage writes. Method: one store,
// pages of it zeroed, swapped and garbled at random; the driver opens, checks and dumps the result.
#include "engine/bbolt_file/file_testing.h"
#include "engine/drivers/driver_testing.h"
#include "engine/target.h"
#include "faults/base/random.h"

namespace plugpull::bbolt_file {
namespace {

// Returns: the bytes of a store after salvage; nothing when there was nothing to save.
std::optional<std::pair<SalvageReport, std::string>> Salvaged(MemoryVfs& damaged) {
  MemoryVfs saved;
  const auto to = StoreFileOf(saved);
  const Expected<SalvageReport> report = Salvage(*StoreFileOf(damaged), *to);
  if (!report) return std::nullopt;
  std::string bytes(*to->Size(), '\0');
  EXPECT_TRUE(to->Read(0, std::as_writable_bytes(std::span(bytes))));
  return std::pair(*report, std::move(bytes));
}

TEST(SalvageInterop, RealBboltFindsTheNewFileSound) {
  const Expected<DriverProgram> program = ParseTarget("bbolt")->Program();
  if (!program) GTEST_SKIP() << Describe(program.error());
  const auto process = *DriverProcess::Start(*program);
  process->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(100));
  const ScratchDirectory directory;
  MemoryVfs vfs;
  FillStore(vfs, 300, std::string(40, 'v'));
  cow_tree::ApplyOk(*cow_tree::OpenStore(vfs), {{"large", std::string(4000, 'l')}});
  const StoreImage original(vfs);
  const uint64_t page_count = original.bytes.size() / original.page_size;
  int with_losses = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed, "interop");
    StoreImage image = original;
    for (uint64_t hit = random.Below(5); hit > 0; --hit) {
      std::byte* page = image.Page(2 + random.Below(page_count - 2));
      const uint64_t source = random.Below(page_count) * image.page_size;
      if (random.OneIn(1, 3)) {
        std::fill_n(page, image.page_size, std::byte{0});
      } else if (random.OneIn(1, 2)) {
        std::copy_n(&original.bytes[source] + 8, image.page_size - 8, page + 8);
      } else {
        page[random.Below(300)] ^= std::byte{1};
      }
    }
    image.Save();
    const auto salvaged = Salvaged(vfs);
    if (!salvaged) continue;
    with_losses += salvaged->first.lost.empty() ? 0 : 1;
    std::ofstream(directory.path() + "/store.db", std::ios::binary) << salvaged->second;
    const auto engine = MakeDriverEngine(*process, directory.path(), *program);
    const Expected<void> opened = engine->Open();
    ASSERT_TRUE(opened) << Describe(opened.error());
    const Expected<CheckReport> report = engine->Check();
    ASSERT_TRUE(report) << Describe(report.error());
    EXPECT_THAT(report->structure, testing::IsEmpty());
    EXPECT_THAT(report->leaks, testing::IsEmpty());
    CollectPairs pairs;
    const Expected<void> scanned = engine->Scan(pairs);
    ASSERT_TRUE(scanned) << Describe(scanned.error());
    EXPECT_EQ(pairs.pairs, salvaged->first.keys);
  }
  EXPECT_GT(with_losses, 20);
}

}  // namespace
}  // namespace plugpull::bbolt_file
