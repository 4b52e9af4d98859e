// Goal: buckets in buckets, inline or with pages of their own, are walked, and each of their fields
// that is wrong is seen. Method: a file put together by hand, with one thing changed.
#include "engine/bbolt_file/autopsy_testing.h"

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;
using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;

constexpr uint32_t kPageBytes = 1024;

Entry Pair(std::string key, std::string value) {
  return Entry{.key = std::move(key), .value = std::move(value)};
}

Entry Bucket(std::string key, std::string value) {
  return Entry{.key = std::move(key), .value = std::move(value), .flags = kBucketElementFlag};
}

std::string HeaderValue(PageId root, uint64_t sequence = 5) {
  std::string value(kBucketHeaderBytes, '\0');
  StoreBucketHeader(reinterpret_cast<std::byte*>(value.data()), {root, sequence});
  return value;
}

std::string InlineValue(std::vector<Entry> entries) {
  Node node;
  node.is_leaf = true;
  node.entries = std::move(entries);
  const EntryRange all{0, node.entries.size()};
  std::string value = HeaderValue(0);
  value.resize(value.size() + SerializedBytes(node, all));
  SerializeNode(node, all, std::as_writable_bytes(std::span(value)).subspan(kBucketHeaderBytes));
  return value;
}

// root (3): "inner" inline; "outer" -> 4: "a", "deep" -> 5, "little" inline
class BucketsTest : public testing::Test {
 protected:
  BucketsTest() : bytes_(6 * kPageBytes), pages_(bytes_, kPageBytes) {
    for (PageId slot = 0; slot < 2; ++slot) {
      pages_.SetMeta(slot, Meta{.page_size_bytes = kPageBytes,
                                .root = {.root = 3},
                                .high_water_mark = 6,
                                .transaction_id = 6 + slot});
    }
    inline_value_ = InlineValue({Pair("k1", "v1"), Pair("k2", "v2")});
    outer_ = {Pair("a", "1"), Bucket("deep", HeaderValue(5)),
              Bucket("little", InlineValue({Pair("x", "y")}))};
    Put(5, {Pair("d1", "1"), Pair("d2", "2"), Pair("d3", "3")});
  }

  void Put(PageId id, std::vector<Entry> entries) {
    std::ranges::fill(pages_[id], std::byte{0});
    StorePageHeader(pages_[id].data(), PageHeader{.id = id});
    Node node;
    node.is_leaf = true;
    node.entries = std::move(entries);
    SerializeNode(node, EntryRange{0, node.entries.size()}, pages_[id]);
  }

  Autopsy Result() {
    Put(3, {Bucket("inner", inline_value_), Bucket("outer", HeaderValue(4))});
    Put(4, outer_);
    return scratch_.Examine(bytes_);
  }

  void ExpectViolation(const std::string& text, const std::string& bucket = "") {
    const Autopsy autopsy = Result();
    EXPECT_FALSE(autopsy.is_sound());
    ASSERT_FALSE(autopsy.trees.empty());
    EXPECT_THAT(
        autopsy.trees[0].violations,
        Contains(AllOf(Field(&Violation::rule, "I7"), Field(&Violation::text, HasSubstr(text)),
                       Field(&Violation::bucket, bucket))))
        << TextOf(autopsy);
    EXPECT_FALSE(autopsy.diagnoses.empty());
  }

  ScratchFile scratch_;
  FileBytes bytes_;
  FilePages pages_;
  std::string inline_value_;
  std::vector<Entry> outer_;
};

TEST_F(BucketsTest, AreWalked) {
  const Autopsy autopsy = Result();
  EXPECT_TRUE(autopsy.is_sound()) << TextOf(autopsy);
  EXPECT_EQ(autopsy.trees[0].buckets, 4u);
  EXPECT_EQ(autopsy.trees[0].keys, 2u + 1u + 3u + 1u);
  EXPECT_EQ(autopsy.trees[0].pages, 3u);
}

TEST_F(BucketsTest, PathsNameTheBucket) {
  outer_[1].value = HeaderValue(77);
  const Autopsy autopsy = Result();
  EXPECT_THAT(autopsy.trees[0].violations,
              Contains(AllOf(Field(&Violation::rule, "I2"), Field(&Violation::bucket, "outer/deep"),
                             Field(&Violation::text, HasSubstr("out of bounds: 6")))));
}

TEST_F(BucketsTest, TwoBucketsOnOnePage) {
  outer_[1].value = HeaderValue(4);
  EXPECT_THAT(TextOf(Result()), HasSubstr("PAGE_CYCLE path=[3 4 4]"));
  outer_.push_back(Bucket("twin", HeaderValue(5)));
  outer_[1].value = HeaderValue(5);
  EXPECT_THAT(TextOf(Result()), HasSubstr("page 5: multiple references (stack: [5])"));
}

TEST_F(BucketsTest, InlineFields) {
  const std::string sound = inline_value_;
  const auto change = [&](size_t at, char byte) {
    inline_value_ = sound;
    inline_value_[at] = byte;
  };
  change(kBucketHeaderBytes, 9);
  ExpectViolation("self identifies as 9");
  change(kBucketHeaderBytes + 8, 1);
  ExpectViolation("inline bucket: page 0: invalid type: branch");
  change(kBucketHeaderBytes + 10, 1);
  ExpectViolation("inline bucket");
  change(kBucketHeaderBytes + 12, 1);
  ExpectViolation("overflow of 1 pages");
  change(kBucketHeaderBytes + kPageHeaderBytes, 1);
  ExpectViolation("element 0 is a bucket itself");
  change(kBucketHeaderBytes + kPageHeaderBytes + 4, 50);
  ExpectViolation("inline bucket");
}

TEST_F(BucketsTest, InlineSizes) {
  inline_value_ += '\0';
  ExpectViolation("its contents take 56");
  inline_value_.resize(kBucketHeaderBytes + 3);
  ExpectViolation("too short for a page header");
  inline_value_ = InlineValue({Pair("k", std::string(300, 'v'))});
  ExpectViolation("exceed a quarter of a page");
}

TEST_F(BucketsTest, InlineKeysOutOfOrder) {
  inline_value_ = InlineValue({Pair("k2", "v1"), Pair("k1", "v2")});
  ExpectViolation("needs to be > (found <) than previous element");
}

TEST_F(BucketsTest, LostBucketFlag) {
  outer_[2].flags = 0;
  ExpectViolation("its element is not flagged as a bucket", "outer");
}

TEST_F(BucketsTest, ManyLevels) {
  constexpr PageId kLevels = 300;
  bytes_.resize((6 + kLevels) * kPageBytes);
  for (PageId level = 0; level < kLevels; ++level) {
    Put(6 + level, {Bucket("b", HeaderValue(level + 1 < kLevels ? 7 + level : 5))});
  }
  outer_[1].value = HeaderValue(6);
  for (PageId slot = 0; slot < 2; ++slot) {
    Meta meta = pages_.MetaAt(slot);
    meta.high_water_mark = 6 + kLevels;
    pages_.SetMeta(slot, meta);
  }
  const Autopsy autopsy = Result();
  EXPECT_TRUE(autopsy.is_sound()) << TextOf(autopsy);
  EXPECT_EQ(autopsy.trees[0].buckets, 4 + kLevels);
}

}  // namespace
}  // namespace plugpull::bbolt_file
