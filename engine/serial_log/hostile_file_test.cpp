// Goal: no content of the three files makes the engine crash, hang or ask for absurd memory.
// Method: stores as crashes leave them, at every stage of a checkpoint, are damaged: bits, fields,
// sectors, lengths, pieces of other places, with checksums made right again or left out. Every call
// must return. Worth most under sanitizers; a million files are
//
//   build/sanitize/engine/engine_test --gtest_filter='*HostileLogFileTest*' --gtest_shuffle
//       --gtest_repeat=250 --gtest_brief=1
//
// since shuffling draws other files in each round.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "engine/serial_log/data_page.h"
#include "engine/serial_log/locator_page.h"
#include "engine/serial_log/log_format.h"
#include "engine/serial_log/serial_log.h"
#include "faults/base/random.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::serial_log {
namespace {

using Files = std::map<std::string, std::vector<std::byte>>;

constexpr uint64_t kFilesARound = 1000;  // of each parameter
constexpr size_t kPageBytes = 1024;

EngineOptions OptionsOf(std::string_view changed) {
  EngineOptions options;
  for (const OptionSpec& spec : SerialLogType().options()) options[spec.name] = spec.default_value;
  options["page_size"] = "1024";
  options["window"] = "4096";
  while (!changed.empty()) {
    const std::string_view word = changed.substr(0, changed.find(','));
    changed.remove_prefix(std::min(changed.size(), word.size() + 1));
    const size_t equals = word.find('=');
    options[std::string(word.substr(0, equals))] = word.substr(equals + 1);
  }
  return options;
}

Files FilesOf(Vfs& vfs) {
  Files files;
  const auto names = *vfs.List("");
  for (const std::string& name : names) {
    const auto file = *vfs.Open(name, {});
    std::vector<std::byte>& bytes = files[name];
    bytes.resize(*file->Size());
    EXPECT_EQ(*file->Read(0, bytes), bytes.size());
  }
  return files;
}

class IgnorePairs final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> /*key*/, std::span<const std::byte> /*value*/) override {}
};

Transaction Changes(uint64_t number) {
  Random random(number, "hostile");
  Transaction transaction;
  for (uint64_t i = 0; i < 3; ++i) {
    Change change{fmt::format("key{:02}", random.Below(30)), std::nullopt};
    if (!random.OneIn(1, 5)) change.value = std::string(random.Below(90), 'v');
    if (random.OneIn(1, 10)) change.value = std::string(2500, 'w');
    transaction.changes.push_back(std::move(change));
  }
  return transaction;
}

// Calls everything; what comes back does not matter, that it comes back does.
void Exercise(const Files& files, const EngineOptions& options) {
  MemoryVfs vfs;
  for (const auto& [name, bytes] : files) {
    const auto file = *vfs.Open(name, {.create = true});
    ASSERT_TRUE(file->Write(0, bytes));
  }
  const std::unique_ptr<Engine> engine = SerialLogType().Create(vfs, options);
  if (!engine->Open()) return;
  IgnorePairs ignore;
  (void)engine->Check();
  (void)engine->Scan(ignore);
  for (uint64_t number = 0; number < 3; ++number) (void)engine->Apply(Changes(900 + number));
  (void)engine->Check();
  (void)engine->Scan(ignore);
  (void)engine->Close();
}

// Makes checksums right again, so that damage is believed.
void Reseal(Files& files) {
  std::vector<std::byte>& bytes = files[kTablespacePath];
  for (size_t at = 0; at + kPageBytes <= bytes.size(); at += kPageBytes) {
    const MutableBytes page = MutableBytes(bytes).subspan(at, kPageBytes);
    PageHeader header = LoadPageHeader(page);
    header.checksum = kNoChecksum;
    StorePageHeader(page, header);
  }
  for (const char* path : kLogPaths) {
    std::vector<std::byte>& log = files[path];
    for (size_t at = 0; at + kSectorBytes <= log.size(); at += kSectorBytes) {
      const MutableBytes rest = MutableBytes(log).subspan(at);
      BlockHeader header = LoadBlockHeader(rest);
      if (!IsPlausible(header) || header.length > rest.size()) continue;
      const uint32_t sectors = SectorsOf(header.length);
      for (uint32_t sector = 1; sector < sectors; ++sector) {
        const size_t sum_at = kBlockHeaderBytes + 4 * (sector - 1);
        if (sum_at + 4 > kSectorBytes || (sector + 1) * kSectorBytes > rest.size()) break;
        Store(&rest[sum_at], ChecksumOfSector(rest.subspan(sector * kSectorBytes, kSectorBytes)));
      }
      header.checksum = ChecksumOfFirstSector(rest.first(kSectorBytes));
      StoreBlockHeader(rest, header);
    }
  }
}

class HostileLogFileTest : public testing::TestWithParam<const char*> {
 protected:
  // Stores as they are after each of some transactions, with no close.
  HostileLogFileTest() : options_(OptionsOf(GetParam())) {
    MemoryVfs vfs;
    const std::unique_ptr<Engine> engine = SerialLogType().Create(vfs, options_);
    EXPECT_TRUE(engine->Open());
    for (uint64_t number = 0; number < 24; ++number) {
      EXPECT_TRUE(engine->Apply(Changes(number)));
      stores_.push_back(FilesOf(vfs));
    }
  }

  static void HitField(Random& random, std::vector<std::byte>& bytes) {
    constexpr uint64_t kNasty[] = {0, 1, 2, 3, 0x7F, 0xFF, 0xFFFF, 0x8000, 0x7FFFFFFF, 0xFFFFFFFF};
    const uint64_t unit = random.OneIn(1, 2) ? kPageBytes : kSectorBytes;
    const uint64_t start = random.Below(bytes.size() / unit + 1) * unit;
    const uint64_t at = start + 2 * random.Below(48);
    if (at + 8 > bytes.size()) return;
    const uint64_t value =
        random.OneIn(1, 2) ? kNasty[random.Below(std::size(kNasty))] : random.Below(60);
    switch (random.Below(3)) {
      case 0:
        Store(&bytes[at], static_cast<uint16_t>(value));
        break;
      case 1:
        Store(&bytes[at], static_cast<uint32_t>(value));
        break;
      case 2:
        Store(&bytes[at], value);
        break;
    }
  }

  // Puts other bytes in place of a page or of some sectors.
  void HitPiece(Random& random, std::vector<std::byte>& bytes) const {
    const uint64_t unit = random.OneIn(1, 2) ? kPageBytes : kSectorBytes;
    if (bytes.size() < unit) return;
    std::byte* target = &bytes[random.Below(bytes.size() / unit) * unit];
    const Files& other_files = stores_[random.Below(stores_.size())];
    const std::vector<std::byte>& other =
        std::next(other_files.begin(), static_cast<int64_t>(random.Below(other_files.size())))
            ->second;
    switch (random.Below(3)) {
      case 0:
        std::fill_n(target, unit, std::byte{0});
        break;
      case 1:
        if (other.size() >= unit) {
          std::copy_n(&other[random.Below(other.size() / unit) * unit], unit, target);
        }
        break;
      case 2:
        for (uint64_t i = 0; i < unit; ++i) target[i] = static_cast<std::byte>(random.Next());
        break;
    }
  }

  void Hit(Random& random, std::vector<std::byte>& bytes) const {
    if (bytes.empty()) return;
    switch (random.Below(8)) {
      case 0:
        bytes.resize(random.Below(bytes.size()));
        break;
      case 1:
        HitPiece(random, bytes);
        break;
      case 2:
      case 3:
        bytes[random.Below(bytes.size())] ^= std::byte{1} << random.Below(8);
        break;
      default:
        HitField(random, bytes);
        break;
    }
  }

  Files Damaged(uint64_t seed) const {
    Random random(seed, GetParam());
    Files files = stores_[random.Below(stores_.size())];
    const uint64_t hits = 1 + random.Below(4);
    for (uint64_t hit = 0; hit < hits; ++hit) {
      const char* path = kTablespacePath;
      if (random.OneIn(1, 2)) path = kLogPaths[random.Below(2)];
      Hit(random, files[path]);
    }
    if (random.OneIn(1, 20)) files.erase(kLogPaths[random.Below(2)]);
    if (random.OneIn(3, 4)) Reseal(files);
    return files;
  }

  EngineOptions options_;
  std::vector<Files> stores_;
};

TEST_P(HostileLogFileTest, EveryCallReturns) {
  const auto round = static_cast<uint64_t>(testing::UnitTest::GetInstance()->random_seed());
  for (uint64_t number = 0; number < kFilesARound; ++number) {
    Exercise(Damaged(round * kFilesARound + number), options_);
  }
}

TEST_P(HostileLogFileTest, SoundStoresOpen) {
  for (const Files& files : stores_) {
    MemoryVfs vfs;
    for (const auto& [name, bytes] : files) {
      const auto file = *vfs.Open(name, {.create = true});
      ASSERT_TRUE(file->Write(0, bytes));
    }
    const std::unique_ptr<Engine> engine = SerialLogType().Create(vfs, options_);
    const Expected<void> opened = engine->Open();
    EXPECT_TRUE(opened) << Describe(opened.error());
  }
}

INSTANTIATE_TEST_SUITE_P(Options, HostileLogFileTest,
                         testing::Values("fix=2b", "fix=2a,flush_order=careful", "fix=none",
                                         "log_checksum=off,page_checksum=off"));

}  // namespace
}  // namespace plugpull::serial_log
