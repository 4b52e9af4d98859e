// Goal: a page's history says what the page held at every position.
// Method: random traces; the plain way to lay out a file is Materialise with nothing lost.
#include "faults/inject/page_history.h"

#include <gtest/gtest.h>

#include "faults/persistence/materialise.h"
#include "faults/trace/random_trace.h"

namespace plugpull {
namespace {

TEST(PageHistory, SaysWhatAPageHeld) {
  size_t compared = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Trace trace = RandomTrace(seed, 120);
    const PageHistory history(trace);
    for (size_t position = 0; position <= trace.ops.size(); position += 7) {
      const Image image = Materialise(trace, position, {}, Tear::kNone);
      for (const auto& [inode, file] : image.files) {
        ASSERT_EQ(history.SizeAt(inode, position), file.size_bytes()) << seed << ' ' << position;
        for (uint64_t page = 0; page * kPageBytes < file.size_bytes() + 1 && page < 8; ++page) {
          PageContent expected{};
          file.ReadStored(page * kPageBytes, expected);
          ASSERT_EQ(history.ContentAt({inode, page}, position), expected)
              << "seed " << seed << ", position " << position << ", page " << page;
          const bool is_zero = expected == PageContent{};
          ASSERT_EQ(history.DigestAt({inode, page}, position) == PageHistory::kZeroDigest, is_zero);
          ++compared;
        }
      }
    }
  }
  EXPECT_GT(compared, 1000U);
}

TEST(PathWalk, KnowsTheNamesOfEachPosition) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Trace trace = RandomTrace(seed, 150);
    PathWalk walk(trace);
    // Also backwards: a walk starts anew then.
    for (const size_t position : {size_t{20}, size_t{90}, trace.ops.size(), size_t{50}}) {
      const Image image = Materialise(trace, position, {}, Tear::kNone);
      for (const auto& [path, inode] : walk.FilesAt(position)) {
        EXPECT_EQ(image.names.Resolve(path).value_or(kNoInode), inode) << path;
        EXPECT_TRUE(image.files.contains(inode)) << path;
      }
      size_t names = 0;
      for (const auto& [directory, entries] : image.names.directories()) {
        for (const auto& [name, inode] : entries) names += image.files.contains(inode) ? 1 : 0;
      }
      EXPECT_EQ(walk.FilesAt(position).size(), names);
    }
  }
}

}  // namespace
}  // namespace plugpull
