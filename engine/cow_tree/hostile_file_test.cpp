// Goal: no content of the file makes the engine crash, hang or ask for absurd memory, and a store
// with one good meta opens. Method: truncations to every length, flipped bits, garbage pages, pages
// put in the place of others; every call must return. Worth most under sanitizers.
#include "engine/cow_tree/test_support.h"
#include "faults/base/random.h"

namespace plugpull::cow_tree {
namespace {

using testing::HasSubstr;

// Calls everything; what comes back does not matter, that it comes back does.
void Exercise(Vfs& vfs, const OptionList& options) {
  const std::unique_ptr<Engine> engine = MakeStore(vfs, options);
  if (!engine->Open()) return;
  ContentsVisitor visitor;
  (void)engine->Check();
  (void)engine->Scan(visitor);
  for (int round = 0; round < 3; ++round) {
    Transaction transaction{{{fmt::format("key{:02}", 7 * round), std::nullopt},
                             {fmt::format("key{:02}", 11 * round), std::string(700, 'n')},
                             {"key30", std::nullopt}}};
    (void)engine->Apply(transaction);
    (void)engine->Check();
  }
  (void)engine->Scan(visitor);
  (void)engine->Close();
}

class HostileFileTest : public testing::TestWithParam<const char*> {
 protected:
  HostileFileTest() {
    MemoryVfs vfs;
    {
      const std::unique_ptr<Engine> engine = OpenStore(vfs, Options());
      for (int index = 0; index < 60; ++index) {
        ApplyOk(*engine, {{fmt::format("key{:02}", index), std::string(40, 'v')}});
      }
      ApplyOk(*engine, {{"large", std::string(3000, 'v')}, {"key05", std::nullopt}});
      ExpectClean(*engine);
    }
    const StoreImage image(vfs);
    bytes_ = image.bytes;
    page_size_ = image.page_size;
  }

  static OptionList Options() { return {{"page_size", "1024"}, {"freelist", GetParam()}}; }

  void ExerciseBytes(const std::vector<std::byte>& bytes) {
    MemoryVfs vfs;
    const auto file = *vfs.Open("store.db", OpenOptions{.create = true});
    ASSERT_TRUE(file->Write(0, bytes).has_value());
    Exercise(vfs, Options());
  }

  // Makes both metas valid again, so that damage elsewhere in them is believed.
  void Reseal(std::vector<std::byte>& bytes) {
    for (size_t slot = 0; slot < 2; ++slot) {
      std::byte* page = &bytes[slot * page_size_];
      Store(page + 72, Fnv1a64(Bytes(page + 16, 56)));
    }
  }

  std::vector<std::byte> bytes_;
  size_t page_size_ = 0;
};

TEST_P(HostileFileTest, EveryTruncation) {
  for (size_t size = 0; size < bytes_.size(); size += size < 4200 ? 1 : 61) {
    ExerciseBytes({bytes_.begin(), bytes_.begin() + size});
  }
}

TEST_P(HostileFileTest, FlippedBits) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed, "flips");
    std::vector<std::byte> bytes = bytes_;
    const uint64_t flip_count = 1 + random.Below(8);
    for (uint64_t flip = 0; flip < flip_count; ++flip) {
      bytes[random.Below(bytes.size())] ^= std::byte{1} << random.Below(8);
    }
    ExerciseBytes(bytes);
  }
}

// Fields of headers and elements are where damage hurts: hit the first bytes of pages.
TEST_P(HostileFileTest, BadFields) {
  constexpr uint64_t kNasty[] = {0, 1, 2, 3, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, ~0ULL};
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed, "fields");
    std::vector<std::byte> bytes = bytes_;
    const uint64_t hit_count = 1 + random.Below(4);
    for (uint64_t hit = 0; hit < hit_count; ++hit) {
      const uint64_t page = random.Below(bytes.size() / page_size_);
      const size_t at = page * page_size_ + 4 * random.Below(page < 2 ? 20 : 40);
      const uint64_t value =
          random.OneIn(1, 2) ? kNasty[random.Below(std::size(kNasty))] : random.Below(40);
      if (random.OneIn(1, 2)) {
        Store(&bytes[at], static_cast<uint32_t>(value));
      } else {
        Store(&bytes[at], value);
      }
    }
    if (random.OneIn(3, 4)) Reseal(bytes);
    ExerciseBytes(bytes);
  }
}

TEST_P(HostileFileTest, GarbageAndMisplacedPages) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed, "pages");
    std::vector<std::byte> bytes = bytes_;
    const uint64_t page_count = bytes.size() / page_size_;
    const uint64_t hit_count = 1 + random.Below(3);
    for (uint64_t hit = 0; hit < hit_count; ++hit) {
      std::byte* target = &bytes[random.Below(page_count) * page_size_];
      const uint64_t source_page = random.Below(page_count);
      switch (random.Below(3)) {
        case 0:
          std::fill_n(target, page_size_, std::byte{0});
          break;
        case 1:
          std::copy_n(&bytes_[source_page * page_size_], page_size_, target);
          if (random.OneIn(1, 2)) {  // with an id that fits
            Store(target, static_cast<uint64_t>(target - bytes.data()) / page_size_);
          }
          break;
        case 2:
          for (size_t at = 0; at < page_size_; ++at) {
            target[at] = static_cast<std::byte>(random.Next());
          }
          break;
      }
    }
    ExerciseBytes(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Freelist, HostileFileTest, testing::Values("synced", "none"));

// Metas.

class MetaFallbackTest : public testing::Test {
 protected:
  MetaFallbackTest() {
    const std::unique_ptr<Engine> engine = OpenStore(vfs_);
    ApplyOk(*engine, {{"a", "1"}});  // txid 2, slot 0
    ApplyOk(*engine, {{"a", "2"}});  // txid 3, slot 1
  }

  std::string OpenErrorAfter(auto damage) {
    StoreImage image(vfs_);
    damage(image);
    image.Save();
    return OpenError(vfs_);
  }
  Contents Reopened() { return ContentsOf(*OpenStore(vfs_)); }

  MemoryVfs vfs_;
};

TEST_F(MetaFallbackTest, NewestMetaWins) { EXPECT_EQ(Reopened(), (Contents{{"a", "2"}})); }

TEST_F(MetaFallbackTest, TornNewestMetaFallsBack) {
  EXPECT_EQ(OpenErrorAfter([](StoreImage& image) { *(image.Page(1) + 33) ^= std::byte{1}; }), "");
  EXPECT_EQ(Reopened(), (Contents{{"a", "1"}}));
}

TEST_F(MetaFallbackTest, LostFirstMetaIsFoundThroughTheSecond) {
  EXPECT_EQ(
      OpenErrorAfter([](StoreImage& image) { std::fill_n(image.Page(0), 4096, std::byte{}); }), "");
  EXPECT_EQ(Reopened(), (Contents{{"a", "2"}}));
}

TEST_F(MetaFallbackTest, SecondMetaIsProbedForAtOtherPageSizes) {
  MemoryVfs vfs;
  ApplyOk(*OpenStore(vfs, {{"page_size", "16384"}}), {{"a", "1"}});
  ApplyOk(*OpenStore(vfs), {{"a", "2"}});
  StoreImage image(vfs);
  std::fill_n(image.Page(0), 4096, std::byte{});
  image.Save();
  EXPECT_EQ(ContentsOf(*OpenStore(vfs)), (Contents{{"a", "2"}}));
}

// bbolt 1.3.6 accepted a checksum of zero without looking.
TEST_F(MetaFallbackTest, ZeroChecksumIsNotAccepted) {
  EXPECT_EQ(OpenErrorAfter([](StoreImage& image) { Store(image.Page(1) + 72, uint64_t{0}); }), "");
  EXPECT_EQ(Reopened(), (Contents{{"a", "1"}}));
}

TEST_F(MetaFallbackTest, BothLostSaysWhatTheFirstLacks) {
  EXPECT_EQ(OpenErrorAfter([](StoreImage& image) {
              for (PageId slot = 0; slot < 2; ++slot) *(image.Page(slot) + 33) ^= std::byte{1};
            }),
            "checksum error");
  EXPECT_EQ(OpenErrorAfter([](StoreImage& image) { Store(image.Page(0) + 20, uint32_t{3}); }),
            "version mismatch");
  EXPECT_EQ(OpenErrorAfter([](StoreImage& image) { Store(image.Page(0) + 16, uint32_t{0}); }),
            "invalid database");
}

TEST_F(MetaFallbackTest, ShortFiles) {
  EXPECT_EQ(OpenErrorAfter([](StoreImage& image) { image.bytes.resize(8191); }),
            "file size too small");
  EXPECT_EQ(OpenErrorAfter([](StoreImage& image) { image.bytes.resize(4095); }),
            "invalid database");
  EXPECT_EQ(OpenErrorAfter([](StoreImage& image) { image.bytes.resize(10); }), "invalid database");
}

// Every prefix of the first write, which is not atomic: an error, or a store that works.
TEST(TornInitialWrite, EverySectorPrefix) {
  MemoryVfs whole;
  OpenStore(whole);
  const std::vector<std::byte> bytes = StoreImage(whole).bytes;
  for (size_t size = 0; size <= bytes.size(); size += 512) {
    SCOPED_TRACE(size);
    MemoryVfs vfs;
    {
      const auto file = *vfs.Open("store.db", OpenOptions{.create = true});
      ASSERT_TRUE(file->Write(0, std::span(bytes).first(size)).has_value());
      ASSERT_TRUE(file->Truncate(size == 0 ? 0 : bytes.size()).has_value());
    }
    const std::string error = OpenError(vfs);
    // Without page 2 there is no freelist to read. Page 3 is needed only when something is read.
    const bool opens = size == 0 || size > 8192;
    EXPECT_EQ(error.empty(), opens) << error;
    if (!opens) {
      EXPECT_THAT(error, HasSubstr("invalid freelist page: 2"));
    }
  }
}

}  // namespace
}  // namespace plugpull::cow_tree
