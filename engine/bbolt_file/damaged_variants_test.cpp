// Goal: an autopsy ends on whatever the bytes are, without a crash and in bounded memory, and never
// calls a file sound in which a byte of structure that is reached was changed. Method: seeded
// variants of several stores; worth most under sanitizers. PLUGPULL_AUTOPSY_VARIANTS asks for more.
#include "engine/bbolt_file/damaged_variants.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

#include "engine/bbolt_file/autopsy_testing.h"

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

// Without a stored freelist, nothing tells a page id that was changed from one that leads to an old
// page with the same keys, which lies about in free space: so there is none here.
void ScrubFreeSpace(FileBytes& bytes, uint32_t page_size) {
  const FilePages pages(bytes, page_size);
  std::vector<bool> is_used(pages.count());
  for (const PageId id : pages.Reached(pages.Active())) {
    for (PageId part = id; part <= id + pages.Header(id).overflow; ++part) is_used[part] = true;
  }
  for (PageId id = kFirstDataPage; id < pages.count(); ++id) {
    if (!is_used[id]) std::ranges::fill(pages[id], std::byte{0});
  }
}

std::vector<VariantMaker> MakeBases() {
  std::vector<VariantMaker> makers;
  for (const char* freelist : {"none", "synced"}) {
    for (const size_t value_bytes_max : {40, 2500}) {
      HistoryPlan plan{.seed = 21 + value_bytes_max,
                       .transactions = 12,
                       .key_count = 150,
                       .first_keys = 90,
                       .value_bytes_max = value_bytes_max};
      plan.options = {{"page_size", "1024"}, {"freelist", freelist}};
      History history = WriteHistory(plan);
      FileBytes last = history.last();
      FilePages pages(last, history.page_size);
      const uint64_t used = pages.Active().high_water_mark * history.page_size;
      last.resize(used);
      if (std::string_view(freelist) == "none") ScrubFreeSpace(last, history.page_size);
      history.files.pop_back();
      makers.emplace_back(std::move(last), std::move(history.files));
    }
  }
  return makers;
}

// A file whose bytes are changed and put back.
class VariantFile {
 public:
  explicit VariantFile(const FileBytes& base) : base_(base) { scratch_.Write(base); }

  Expected<Autopsy> Examine(const DamagedVariant& variant) {
    const int file = ::open(scratch_.path().c_str(), O_RDWR | O_CLOEXEC);
    for (const DamagedVariant::Patch& patch : variant.patches) Put(file, patch.at, patch.bytes);
    EXPECT_EQ(::ftruncate(file, static_cast<off_t>(variant.size_bytes)), 0);
    Expected<Autopsy> autopsy = bbolt_file::Examine(scratch_.path());
    if (variant.size_bytes < base_.size()) {
      Put(file, variant.size_bytes, std::span(base_).subspan(variant.size_bytes));
    }
    for (const DamagedVariant::Patch& patch : variant.patches) {
      Put(file, patch.at, std::span(base_).subspan(patch.at, patch.bytes.size()));
    }
    ::close(file);
    return autopsy;
  }

 private:
  static void Put(int file, uint64_t at, std::span<const std::byte> bytes) {
    EXPECT_EQ(::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at)),
              static_cast<ssize_t>(bytes.size()));
  }

  const FileBytes& base_;
  ScratchFile scratch_;
};

uint64_t ResidentPeakBytes() {
  struct rusage usage = {};
  EXPECT_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  return static_cast<uint64_t>(usage.ru_maxrss) << 10;
}

TEST(DamagedVariants, NoFalseClean) {
  const char* const asked = std::getenv("PLUGPULL_AUTOPSY_VARIANTS");
  const uint64_t variant_count = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 2500;
  const std::vector<VariantMaker> makers = MakeBases();
  const uint64_t resident_before = ResidentPeakBytes();
  uint64_t must_be_seen = 0;
  uint64_t sound = 0;
  uint64_t refused = 0;
  for (size_t base = 0; base < makers.size(); ++base) {
    VariantFile file(makers[base].file());
    const Expected<Autopsy> untouched =
        file.Examine(DamagedVariant{.size_bytes = makers[base].file().size()});
    ASSERT_TRUE(untouched.has_value() && untouched->is_sound()) << TextOf(*untouched);
    for (uint64_t seed = base; seed < variant_count; seed += makers.size()) {
      const DamagedVariant variant = makers[base].Make(seed);
      const Expected<Autopsy> autopsy = file.Examine(variant);
      must_be_seen += variant.must_be_seen;
      refused += !autopsy;
      if (!autopsy) {
        ASSERT_EQ(autopsy.error().context.find('\n'), std::string::npos);
        continue;
      }
      sound += autopsy->is_sound();
      ASSERT_EQ(autopsy->is_sound(), autopsy->diagnoses.empty()) << seed << ": " << variant.what;
      ASSERT_FALSE(autopsy->changed_while_read);
      ASSERT_FALSE(variant.must_be_seen && autopsy->is_sound())
          << "base " << base << " seed " << seed << ": " << variant.what;
    }
  }
  RecordProperty("variants", std::to_string(variant_count));
  RecordProperty("must_be_seen", std::to_string(must_be_seen));
  fmt::print("{} variants, {} with a byte of structure changed, {} sound, {} no bbolt file\n",
             variant_count, must_be_seen, sound, refused);
  EXPECT_GT(must_be_seen, variant_count / 4);
  EXPECT_GT(sound, 0u);
  constexpr uint64_t kGrowthMax = 64 << 20;
  if (std::string_view(PLUGPULL_SANITIZE).empty()) {
    EXPECT_LT(ResidentPeakBytes(), resident_before + kGrowthMax);
  }
}

}  // namespace
}  // namespace plugpull::bbolt_file
