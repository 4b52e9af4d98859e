// For tests of surgery: small stores, their files, and files with nested buckets.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/bbolt_file/surgery.h"
#include "engine/bbolt_file/tree_builder.h"
#include "engine/cow_tree/test_support.h"
#include "engine/cow_tree/tree_reader.h"
#include "faults/base/bytes.h"

namespace plugpull::bbolt_file {

using cow_tree::Contents;
using cow_tree::StoreImage;

inline std::unique_ptr<VfsFile> StoreFileOf(Vfs& vfs) {
  return *vfs.Open("store.db", OpenOptions{.create = true});
}

// Returns: the contents of the store. The test fails when it does not open or is not sound.
inline Contents SoundContentsOf(Vfs& vfs) {
  const std::unique_ptr<Engine> engine = cow_tree::OpenStore(vfs, {{"settle", "0"}});
  if (testing::Test::HasFailure()) return {};
  cow_tree::ExpectClean(*engine);
  return cow_tree::ContentsOf(*engine);
}

inline std::string KeyOf(int index) { return fmt::format("key{:04}", index); }

// Fills a store in transactions of ten keys, with pages of 1 KiB. Returns: what it holds.
inline Contents FillStore(Vfs& vfs, int count, const std::string& value,
                          const char* freelist = "synced") {
  const std::unique_ptr<Engine> engine =
      cow_tree::OpenStore(vfs, {{"page_size", "1024"}, {"freelist", freelist}});
  Contents contents;
  std::vector<Change> changes;
  for (int index = 0; index < count; ++index) {
    contents[KeyOf(index)] = fmt::format("{}{}", value, index);
    changes.push_back({KeyOf(index), contents[KeyOf(index)]});
    if (changes.size() == 10 || index + 1 == count) {
      cow_tree::ApplyOk(*engine, std::exchange(changes, {}));
    }
  }
  return contents;
}

// A bucket of a file that is made for a test.
struct TestBucket {
  Contents pairs{};
  std::map<std::string, TestBucket> buckets{};

  bool operator==(const TestBucket&) const = default;
};

inline void AddBucket(TreeBuilder& builder, PageWriter& writer, const TestBucket& bucket) {
  std::map<std::string, cow_tree::Entry> entries;
  for (const auto& [key, value] : bucket.pairs) entries[key] = {.key = key, .value = value};
  for (const auto& [name, inner] : bucket.buckets) {
    TreeBuilder inner_builder(writer);
    AddBucket(inner_builder, writer, inner);
    entries[name] = {.key = name,
                     .value = *inner_builder.FinishAsValue(/*sequence=*/7),
                     .flags = cow_tree::kBucketElementFlag};
  }
  for (auto& [key, entry] : entries) EXPECT_TRUE(builder.Add(std::move(entry)));
}

// Writes a file with these buckets and no freelist, both metas the same but for their txids.
inline void WriteBuckets(Vfs& vfs, const TestBucket& top, uint32_t page_size_bytes = 1024) {
  const std::unique_ptr<VfsFile> file = StoreFileOf(vfs);
  PageWriter writer(*file, page_size_bytes, 2);
  TreeBuilder builder(writer);
  AddBucket(builder, writer, top);
  const PageId root = *builder.Finish();
  for (PageId slot = 0; slot < 2; ++slot) {
    std::vector<std::byte> page(page_size_bytes);
    cow_tree::StoreMeta(page, slot,
                        {.page_size_bytes = page_size_bytes,
                         .root = {.root = root},
                         .high_water_mark = writer.next(),
                         .transaction_id = 40 + slot});
    EXPECT_TRUE(file->Write(slot * page_size_bytes, page));
  }
}

inline void ReadLeafOfBuckets(StoreImage& image, const cow_tree::TreePage& page,
                              TestBucket& bucket);

inline void ReadBucket(StoreImage& image, PageId root, TestBucket& bucket) {
  const cow_tree::TreePage page = image.Tree(root);
  if (page.IsLeaf()) return ReadLeafOfBuckets(image, page, bucket);
  for (uint32_t index = 0; index < page.count(); ++index) {
    ReadBucket(image, page.BranchElement(index).child, bucket);
  }
}

inline void ReadLeafOfBuckets(StoreImage& image, const cow_tree::TreePage& page,
                              TestBucket& bucket) {
  for (uint32_t index = 0; index < page.count(); ++index) {
    const cow_tree::Element element = page.LeafElement(index);
    const std::string key(AsText(element.key));
    if (element.flags == 0) {
      bucket.pairs[key] = AsText(element.value);
      continue;
    }
    const cow_tree::BucketLocation inner = *cow_tree::ReadBucketValue(element.value);
    if (inner.header.root != 0) {
      ReadBucket(image, inner.header.root, bucket.buckets[key]);
    } else {
      ReadLeafOfBuckets(image, *cow_tree::ReadInlinePage(inner.inline_page), bucket.buckets[key]);
    }
  }
}

// Returns: all buckets of a sound file.
inline TestBucket ReadBuckets(Vfs& vfs) {
  StoreImage image(vfs);
  TestBucket top;
  ReadBucket(image, image.Active().root.root, top);
  return top;
}

}  // namespace plugpull::bbolt_file
