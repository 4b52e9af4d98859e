// Goal: a FileContent reads like the simplest thing that it could be, and copies do not mix.
// Method: random operations on it and on a plain vector of bytes.
#include "faults/vfs/file_content.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/base/random.h"

namespace plugpull {
namespace {

constexpr size_t kMostBytes = 5 * kPageBytes;

// The reference: every byte that is stored, and a size.
struct Plain {
  std::vector<std::byte> stored = std::vector<std::byte>(kMostBytes);
  uint64_t size_bytes = 0;

  std::vector<std::byte> Read(uint64_t offset_bytes, size_t length) const {
    if (offset_bytes >= size_bytes) return {};
    length = std::min<uint64_t>(length, size_bytes - offset_bytes);
    const auto begin = stored.begin() + static_cast<ptrdiff_t>(offset_bytes);
    return {begin, begin + static_cast<ptrdiff_t>(length)};
  }
};

// One file, two ways.
struct Pair {
  FileContent content;
  Plain plain;

  void Change(Random& random) {
    const uint64_t offset = random.Below(kMostBytes);
    switch (random.Below(4)) {
      case 0:
        content.Truncate(offset);
        plain.size_bytes = offset;
        std::fill(plain.stored.begin() + static_cast<ptrdiff_t>(offset), plain.stored.end(),
                  std::byte{0});
        break;
      case 1:
        content.RaiseSize(offset);
        plain.size_bytes = std::max(plain.size_bytes, offset);
        break;
      default: {
        const size_t length = random.Below(std::min<size_t>(2 * kPageBytes, kMostBytes - offset));
        const std::vector<std::byte> data(length, static_cast<std::byte>(random.Below(4)));
        content.Store(offset, data);
        std::ranges::copy(data, plain.stored.begin() + static_cast<ptrdiff_t>(offset));
        break;
      }
    }
  }

  void ExpectSame(Random& random) const {
    ASSERT_EQ(content.size_bytes(), plain.size_bytes);
    const uint64_t offset = random.Below(kMostBytes);
    std::vector<std::byte> bytes(random.Below(kMostBytes - offset));
    const std::vector<std::byte> expected = plain.Read(offset, bytes.size());
    ASSERT_EQ(content.Read(offset, bytes), expected.size());
    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), bytes.begin()));
    std::vector<std::byte> stored(kMostBytes);
    content.ReadStored(0, stored);
    ASSERT_EQ(stored, plain.stored);
  }
};

TEST(FileContentTest, ReadsLikeAPlainArrayOfBytes) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed, "file-content");
    Pair pair;
    for (int step = 0; step < 60; ++step) {
      pair.Change(random);
      ASSERT_NO_FATAL_FAILURE(pair.ExpectSame(random)) << "seed " << seed << " step " << step;
    }
  }
}

TEST(FileContentTest, CopiesChangeOnTheirOwn) {
  Random random(1, "file-content-copies");
  std::vector<Pair> pairs(4);
  for (int step = 0; step < 600; ++step) {
    const size_t index = random.Below(pairs.size());
    if (random.OneIn(1, 6)) {
      pairs[index] = pairs[random.Below(pairs.size())];
    } else {
      pairs[index].Change(random);
    }
    for (const Pair& pair : pairs) ASSERT_NO_FATAL_FAILURE(pair.ExpectSame(random));
  }
}

TEST(FileContentTest, ReadsLikeComparesWhatCanBeRead) {
  Random random(1, "file-content-compare");
  int alike = 0;
  for (int round = 0; round < 3000; ++round) {
    Pair left;
    for (uint64_t left_steps = random.Below(3); left_steps > 0; --left_steps) left.Change(random);
    Pair right = random.OneIn(1, 2) ? left : Pair{};
    if (random.OneIn(1, 2)) right.Change(random);
    const bool expected = left.plain.size_bytes == right.plain.size_bytes &&
                          left.plain.Read(0, kMostBytes) == right.plain.Read(0, kMostBytes);
    ASSERT_EQ(left.content.ReadsLike(right.content), expected);
    ASSERT_EQ(right.content.ReadsLike(left.content), expected);
    alike += expected ? 1 : 0;
  }
  EXPECT_GT(alike, 500);
  EXPECT_LT(alike, 2500);
}

TEST(FileContentTest, PagesUnlikeAreThoseThatReadDifferently) {
  Random random(1, "file-content-pages");
  int some = 0;
  for (int round = 0; round < 3000; ++round) {
    Pair left;
    for (uint64_t left_steps = random.Below(8); left_steps > 0; --left_steps) left.Change(random);
    Pair right = random.OneIn(1, 2) ? left : Pair{};
    if (random.OneIn(3, 4)) right.Change(random);
    std::vector<uint64_t> expected;
    for (uint64_t page = 0; page < kMostBytes / kPageBytes; ++page) {
      std::vector<std::byte> one = left.plain.Read(page * kPageBytes, kPageBytes);
      std::vector<std::byte> other = right.plain.Read(page * kPageBytes, kPageBytes);
      one.resize(kPageBytes);
      other.resize(kPageBytes);
      if (one != other) expected.push_back(page);
    }
    ASSERT_EQ(left.content.PagesUnlike(right.content), expected);
    ASSERT_EQ(right.content.PagesUnlike(left.content), expected);
    some += expected.empty() ? 0 : 1;
  }
  EXPECT_GT(some, 500);
  EXPECT_LT(some, 2500);
}

TEST(FileContentTest, StoredPagesCanBeWalked) {
  FileContent content;
  content.Store(3 * kPageBytes + 1, AsBytes("x"));
  content.Store(7 * kPageBytes, AsBytes("y"));
  EXPECT_EQ(content.NextStoredPage(0), 3U);
  EXPECT_EQ(content.NextStoredPage(3), 3U);
  EXPECT_EQ(content.NextStoredPage(4), 7U);
  EXPECT_EQ(content.NextStoredPage(8), std::nullopt);
  EXPECT_EQ(AsText(content.StoredPage(3).subspan(0, 3)), std::string_view("\0x\0", 3));
  EXPECT_TRUE(content.StoredPage(4).empty());
}

TEST(FileContentTest, AByteFarOutIsCheap) {
  constexpr uint64_t kFar = uint64_t{1} << 44;
  FileContent content;
  content.Store(kFar, AsBytes("x"));
  content.RaiseSize(kFar + 1);
  content.Store(0, AsBytes("y"));
  std::vector<std::byte> bytes(3);
  EXPECT_EQ(content.Read(kFar - 2, bytes), 3U);
  EXPECT_EQ(AsText(bytes), std::string_view("\0\0x", 3));
  EXPECT_EQ(content.Read(0, bytes), 3U);
  EXPECT_EQ(AsText(bytes), std::string_view("y\0\0", 3));
}

}  // namespace
}  // namespace plugpull
