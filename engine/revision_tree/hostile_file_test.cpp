// Goal: no content of the file makes the engine crash, hang or ask for absurd memory. Method: files
// of every configuration are cut, their bits flipped, fields and PageIOs replaced, headers sealed
// again; every call must return. Worth most under sanitizers. PLUGPULL_HOSTILE_FILES says how many
// files there are of each configuration, as the README shows.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/revision_tree/format.h"
#include "engine/revision_tree/revision_tree.h"
#include "faults/base/bytes.h"
#include "faults/base/random.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::revision_tree {
namespace {

constexpr uint64_t kFilesOfAQuickRun = 1200;

struct Configuration {
  const char* name;
  std::vector<std::pair<std::string, std::string>> options;
};

std::unique_ptr<Engine> MakeHostile(Vfs& vfs, const Configuration& configuration) {
  EngineOptions options;
  for (const OptionSpec& spec : RevisionTreeType().options()) {
    options[spec.name] = spec.default_value;
  }
  for (const auto& [name, value] : configuration.options) options[name] = value;
  return RevisionTreeType().Create(vfs, options);
}

// What comes back does not matter, that it comes back does. A scan is let go on a little longer
// than any sound one.
class LimitedVisitor final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    bytes += key.size() + value.size();
  }
  uint64_t bytes = 0;
};

// Calls everything that an engine has.
void ExerciseHostile(Vfs& vfs, const Configuration& configuration, uint64_t seed) {
  const std::unique_ptr<Engine> engine = MakeHostile(vfs, configuration);
  if (!engine->Open()) return;
  LimitedVisitor visitor;
  (void)engine->Check();
  (void)engine->Scan(visitor);
  {
    const auto snapshot = engine->OpenSnapshot();
    for (uint64_t round = 0; round < 2; ++round) {
      const Transaction transaction{
          {{fmt::format("key{:02}", (seed + 7 * round) % 40), std::nullopt},
           {fmt::format("key{:02}", (seed + 11 * round) % 40), std::string(200, 'n')},
           {fmt::format("new{:02}", seed % 7), "v"}}};
      if (round == 1) (void)engine->Rollback(transaction);
      (void)engine->Apply(transaction);
    }
    if (snapshot && *snapshot != nullptr) (void)(*snapshot)->Scan(visitor);
  }
  (void)engine->Check();
  (void)engine->Close();
}

class RevisionTreeHostileFile : public testing::TestWithParam<Configuration> {
 protected:
  RevisionTreeHostileFile() {
    MemoryVfs vfs;
    const std::unique_ptr<Engine> engine = MakeHostile(vfs, GetParam());
    EXPECT_TRUE(engine->Open().has_value());
    for (int index = 0; index < 24; ++index) {
      const Transaction transaction{{{fmt::format("key{:02}", index), std::string(9, 'v')},
                                     {fmt::format("key{:02}", index / 2), "again"},
                                     {"large", std::string(40 * (index % 5), 'v')}}};
      EXPECT_TRUE(engine->Apply(transaction).has_value());
    }
    const auto file = *vfs.Open(kStorePath, {});
    bytes_.resize(*file->Size());
    EXPECT_EQ(*file->Read(0, bytes_), bytes_.size());
    const Expected<Header> header = LoadHeader(bytes_);
    EXPECT_TRUE(header.has_value());
    if (header) page_size_ = header->page_size_bytes;
  }

  void ExerciseBytes(Bytes bytes, uint64_t seed) {
    MemoryVfs vfs;
    const auto file = *vfs.Open(kStorePath, OpenOptions{.create = true});
    ASSERT_TRUE(file->Write(0, bytes).has_value());
    ExerciseHostile(vfs, GetParam(), seed);
  }

  std::vector<std::byte> Damaged(uint64_t seed) const;
  void FlipBits(Random& random, std::vector<std::byte>& bytes) const;
  void ReplaceFields(Random& random, std::vector<std::byte>& bytes) const;
  void ReplacePages(Random& random, std::vector<std::byte>& bytes) const;
  void Reseal(std::vector<std::byte>& bytes) const;

  std::vector<std::byte> bytes_;
  uint32_t page_size_ = 64;
};

void RevisionTreeHostileFile::FlipBits(Random& random, std::vector<std::byte>& bytes) const {
  const uint64_t count = 1 + random.Below(8);
  for (uint64_t i = 0; i < count; ++i) {
    bytes[random.Below(bytes.size())] ^= std::byte{1} << random.Below(8);
  }
}

// Fields of headers and of PageIOs are where damage hurts; offsets that lie in the file hurt most.
void RevisionTreeHostileFile::ReplaceFields(Random& random, std::vector<std::byte>& bytes) const {
  constexpr int64_t kNasty[] = {0, 1, -1, 2, 127, 255, 65535, INT32_MAX, INT32_MIN, INT64_MAX};
  const uint64_t pages = bytes.size() / page_size_;
  const uint64_t count = 1 + random.Below(4);
  for (uint64_t i = 0; i < count; ++i) {
    const size_t at = random.OneIn(1, 3) ? 8 + 4 * random.Below(17)
                                         : random.Below(pages) * page_size_ + 4 * random.Below(14);
    const int64_t offset = static_cast<int64_t>(random.Below(pages + 2) * page_size_);
    const int64_t value = random.OneIn(2, 3) ? offset : kNasty[random.Below(std::size(kNasty))];
    if (random.OneIn(2, 3)) {
      StoreInt64(&bytes[at], value);
    } else {
      StoreInt32(&bytes[at], static_cast<int32_t>(value));
    }
  }
}

void RevisionTreeHostileFile::ReplacePages(Random& random, std::vector<std::byte>& bytes) const {
  const uint64_t pages = bytes.size() / page_size_;
  const uint64_t count = 1 + random.Below(3);
  for (uint64_t i = 0; i < count; ++i) {
    std::byte* target = &bytes[random.Below(pages) * page_size_];
    const std::byte* source = &bytes_[random.Below(pages) * page_size_];
    switch (random.Below(3)) {
      case 0:
        std::fill_n(target, page_size_, std::byte{0});
        break;
      case 1:
        std::copy_n(source, page_size_, target);
        break;
      case 2:
        for (uint32_t at = 0; at < page_size_; ++at) {
          target[at] = static_cast<std::byte>(random.Next());
        }
        break;
    }
  }
}

// Makes both headers valid again, so that damage elsewhere in them is believed.
void RevisionTreeHostileFile::Reseal(std::vector<std::byte>& bytes) const {
  constexpr size_t kChecksumAt = kHeaderBytes - 8;
  for (const size_t slot : {size_t{0}, size_t{SlotStrideBytes(page_size_)}}) {
    if (bytes.size() < slot + kHeaderBytes) continue;
    const uint64_t sum = Fnv1a64(Bytes(bytes).subspan(slot, kChecksumAt));
    StoreInt64(&bytes[slot + kChecksumAt], static_cast<int64_t>(sum));
  }
}

std::vector<std::byte> RevisionTreeHostileFile::Damaged(uint64_t seed) const {
  Random random(seed, GetParam().name);
  std::vector<std::byte> bytes = bytes_;
  switch (random.Below(4)) {
    case 0:
      FlipBits(random, bytes);
      break;
    case 1:
      ReplaceFields(random, bytes);
      break;
    case 2:
      ReplacePages(random, bytes);
      break;
    case 3:
      ReplaceFields(random, bytes);
      ReplacePages(random, bytes);
      break;
  }
  if (random.OneIn(3, 4)) Reseal(bytes);
  if (random.OneIn(1, 10)) bytes.resize(random.Below(bytes.size() + 2 * page_size_));
  return bytes;
}

TEST_P(RevisionTreeHostileFile, EveryCallReturns) {
  const char* asked = std::getenv("PLUGPULL_HOSTILE_FILES");
  const uint64_t files = asked == nullptr ? kFilesOfAQuickRun : std::strtoull(asked, nullptr, 10);
  ASSERT_GT(files, 0U);
  for (uint64_t seed = 0; seed < files; ++seed) ExerciseBytes(Damaged(seed), seed);
}

TEST_P(RevisionTreeHostileFile, EveryTruncation) {
  for (size_t size = 0; size < bytes_.size(); size += size < 1200 ? 7 : 61) {
    ExerciseBytes(Bytes(bytes_).first(size), size);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, RevisionTreeHostileFile,
    testing::Values(
        Configuration{"E", {{"page_size", "64"}}},
        Configuration{"EScan", {{"page_size", "128"}, {"reclaim", "scan"}, {"reclaim_step", "3"}}},
        Configuration{"EBare", {{"page_size", "64"}, {"slots", "1"}, {"checksum", "off"}}},
        Configuration{"K", {{"page_size", "64"}, {"proposal", "K"}, {"start", "older"}}},
        Configuration{"Copied",
                      {{"page_size", "128"}, {"bookkeeping", "copied_pages"}, {"slots", "1"}}}),
    [](const testing::TestParamInfo<Configuration>& each) { return each.param.name; });

}  // namespace
}  // namespace plugpull::revision_tree
