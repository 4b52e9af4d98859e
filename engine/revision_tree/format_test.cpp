// Goal: every field lies where the format says, big-endian; what makes no sense is refused, with
// the rule that it breaks. Method: bytes by hand.
#include "engine/revision_tree/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/revision_tree/tree_editor.h"
#include "faults/base/bytes.h"

namespace plugpull::revision_tree {
namespace {

using testing::HasSubstr;

Header SomeHeader() {
  return {.page_size_bytes = 512,
          .flags = kChecksumFlag | kTwoSlotsFlag,
          .current = 7,
          .ongoing = 8,
          .root = 1024,
          .previous_root = 1536,
          .first_free = 2048,
          .page_count = 9,
          .element_count = 3};
}

std::string HeaderError(Header header, size_t at = kHeaderBytes, std::byte value = {}) {
  std::array<std::byte, kHeaderBytes> bytes{};
  StoreHeader(bytes, header);
  if (at < bytes.size()) bytes[at] = value;
  const Expected<Header> loaded = LoadHeader(bytes);
  return loaded ? std::string() : loaded.error().context;
}

TEST(RevisionFormat, HeaderFieldsLieWhereTheSpecificationSays) {
  std::array<std::byte, kHeaderBytes> bytes{};
  StoreHeader(bytes, SomeHeader());
  EXPECT_EQ(AsText(bytes).substr(0, 8), "MVRBTRE1");
  EXPECT_EQ(LoadInt32(&bytes[8]), 512);
  EXPECT_EQ(LoadInt32(&bytes[12]), 3);
  const int64_t fields[] = {7, 8, 1024, 1536, 2048, 9, 3};
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(LoadInt64(&bytes[16 + 8 * i]), fields[i]);
  EXPECT_EQ(static_cast<uint64_t>(LoadInt64(&bytes[72])), Fnv1a64(Bytes(bytes).first(72)));
  EXPECT_EQ(bytes[23], std::byte{7});  // big-endian
  const Expected<Header> loaded = LoadHeader(bytes);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(*loaded, SomeHeader());
}

TEST(RevisionFormat, ChecksumCoversEveryField) {
  for (size_t at = 16; at < kHeaderBytes; ++at) {
    EXPECT_THAT(HeaderError(SomeHeader(), at, std::byte{0x55}), HasSubstr("checksum error"));
  }
  Header bare = SomeHeader();
  bare.flags = 0;
  EXPECT_EQ(HeaderError(bare), "");
  EXPECT_EQ(HeaderError(bare, 71, std::byte{9}), "");
  EXPECT_THAT(HeaderError(bare, 79, std::byte{9}), HasSubstr("checksum error"));
}

TEST(RevisionFormat, HeadersThatMakeNoSenseAreRefused) {
  const auto error_with = [](auto change) {
    Header header = SomeHeader();
    change(header);
    return HeaderError(header);
  };
  EXPECT_THAT(HeaderError(SomeHeader(), 0, std::byte{0}), HasSubstr("not a revision tree"));
  EXPECT_THAT(error_with([](Header& h) { h.page_size_bytes = 500; }), HasSubstr("PageIO size"));
  EXPECT_THAT(error_with([](Header& h) { h.flags = 64; }), HasSubstr("flags"));
  EXPECT_THAT(error_with([](Header& h) { h.ongoing = 9; }), HasSubstr("revisions"));
  EXPECT_THAT(error_with([](Header& h) { h.ongoing = 6; }), HasSubstr("revisions"));
  EXPECT_THAT(error_with([](Header& h) { h.flags |= kProposalKFlag; }), HasSubstr("revisions"));
  EXPECT_THAT(error_with([](Header& h) { h.current = h.ongoing = -1; }), HasSubstr("revisions"));
  EXPECT_THAT(error_with([](Header& h) { h.root = 512; }), HasSubstr("root: bad offset"));
  EXPECT_THAT(error_with([](Header& h) { h.root = 1025; }), HasSubstr("root: bad offset"));
  EXPECT_THAT(error_with([](Header& h) { h.root = 9 * 512; }), HasSubstr("root: bad offset"));
  EXPECT_THAT(error_with([](Header& h) { h.root = -1; }), HasSubstr("root: bad offset"));
  EXPECT_THAT(error_with([](Header& h) { h.previous_root = 3; }), HasSubstr("previous root"));
  EXPECT_THAT(error_with([](Header& h) { h.first_free = 0; }), HasSubstr("first free"));
  EXPECT_THAT(error_with([](Header& h) { h.page_count = 2; }), HasSubstr("make no store"));
  EXPECT_THAT(error_with([](Header& h) { h.page_count = int64_t{1} << 60; }),
              HasSubstr("make no store"));
  EXPECT_THAT(error_with([](Header& h) { h.element_count = -1; }), HasSubstr("elements"));
}

TEST(RevisionFormat, SlotsLieInSectorsOfTheirOwn) {
  Header header = SomeHeader();
  EXPECT_EQ(FirstDataPage(header), 2U);
  header.page_size_bytes = 64;
  EXPECT_EQ(FirstDataPage(header), 16U);
  header.page_size_bytes = 4096;
  EXPECT_EQ(FirstDataPage(header), 2U);
  header.flags = 0;
  EXPECT_EQ(FirstDataPage(header), 1U);
}

TEST(RevisionFormat, ChainsTakeTwelveBytesOfTheFirstPageAndEightOfTheOthers) {
  EXPECT_EQ(ChainPages(0, 64), 1U);
  EXPECT_EQ(ChainPages(52, 64), 1U);
  EXPECT_EQ(ChainPages(53, 64), 2U);
  EXPECT_EQ(ChainPages(52 + 56, 64), 2U);
  EXPECT_EQ(ChainPages(52 + 57, 64), 3U);
}

TEST(RevisionFormat, LeavesAreWhatTheSpecificationSays) {
  TreeNode leaf;
  leaf.elements = {{"key", "value"}, {std::string("\0", 1), ""}};
  const std::vector<std::byte> bytes = SerializeNode(leaf, 5);
  EXPECT_EQ(LoadInt64(bytes.data()), 5);
  EXPECT_EQ(LoadInt32(&bytes[8]), 2);
  EXPECT_EQ(LoadInt32(&bytes[12]), static_cast<int32_t>(bytes.size()) - 16);
  EXPECT_EQ(LoadInt32(&bytes[16]), 1);
  EXPECT_EQ(LoadInt32(&bytes[20]), 5);
  EXPECT_EQ(AsText(bytes).substr(24, 5), "value");
  EXPECT_EQ(LoadInt32(&bytes[29]), 3);
  EXPECT_EQ(AsText(bytes).substr(33, 3), "key");
  LogicalPage page;
  ASSERT_TRUE(ParsePage(bytes, page).has_value());
  ASSERT_EQ(page.elements.size(), 2U);
  EXPECT_EQ(AsText(page.elements[1].key), std::string_view("\0", 1));
  EXPECT_TRUE(page.elements[1].value.empty());
}

TEST(RevisionFormat, NodesHaveOneChildMoreThanKeys) {
  TreeNode node;
  node.is_leaf = false;
  node.keys = {"m", "t"};
  for (const int64_t at : {1024, 2048, 4096}) {
    node.branches.push_back({.place = {.first = at, .last = at + 512}, .node = {}});
  }
  const std::vector<std::byte> bytes = SerializeNode(node, 6);
  EXPECT_EQ(LoadInt32(&bytes[8]), -2);
  LogicalPage page;
  ASSERT_TRUE(ParsePage(bytes, page).has_value());
  EXPECT_FALSE(page.is_leaf);
  ASSERT_EQ(page.children.size(), 3U);
  EXPECT_EQ(page.children[2].first, 4096);
  EXPECT_EQ(page.children[2].last, 4608);
  ASSERT_EQ(page.keys.size(), 2U);
  EXPECT_EQ(AsText(page.keys[1]), "t");
}

TEST(RevisionFormat, PagesThatMakeNoSenseAreRefused) {
  TreeNode leaf;
  leaf.elements = {{"key", "value"}};
  const std::vector<std::byte> sound = SerializeNode(leaf, 5);
  const auto error_with = [&](size_t at, int32_t value) {
    std::vector<std::byte> bytes = sound;
    StoreInt32(&bytes[at], value);
    LogicalPage page;
    const Expected<void> parsed = ParsePage(bytes, page);
    return parsed ? std::string() : parsed.error().context;
  };
  EXPECT_EQ(error_with(8, 1), "");
  EXPECT_THAT(error_with(8, 2), HasSubstr("do not fill"));
  EXPECT_THAT(error_with(8, 0), HasSubstr("do not fill"));
  EXPECT_THAT(error_with(8, -2'000'000'000), HasSubstr("do not fill"));
  EXPECT_THAT(error_with(8, INT32_MIN), HasSubstr("do not fill"));
  EXPECT_THAT(error_with(12, 3), HasSubstr("wrong size"));
  EXPECT_THAT(error_with(16, 2), HasSubstr("2 values"));
  EXPECT_THAT(error_with(20, -1), HasSubstr("do not fill"));
  EXPECT_THAT(error_with(20, 1 << 30), HasSubstr("do not fill"));
  LogicalPage page;
  EXPECT_FALSE(ParsePage(Bytes(sound).first(15), page).has_value());
}

TEST(RevisionFormat, TreesAboutTreesHaveKeysInTheOrderOfRevisions) {
  EXPECT_LT(MakeTreeKey({"kv", 255}), MakeTreeKey({"kv", 256}));
  EXPECT_LT(MakeCopiedKey({"kv", 255}), MakeCopiedKey({"kv", 256}));
  const std::string tree_key = MakeTreeKey({"kv", 300});
  const Expected<TreeKey> key = ParseTreeKey(AsBytes(tree_key));
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->name, "kv");
  EXPECT_EQ(key->revision, 300);
  EXPECT_FALSE(ParseTreeKey(AsBytes("kv")).has_value());
  EXPECT_FALSE(ParseCopiedKey(AsBytes("12345678")).has_value());
  EXPECT_FALSE(ParseOffsets(AsBytes("1234567")).has_value());
  const int64_t offsets[] = {512, -1};
  EXPECT_EQ(*ParseOffsets(AsBytes(MakeOffsets(offsets))), (std::vector<int64_t>{512, -1}));
}

TEST(RevisionFormat, TreeHeadersAndInfosComeBack) {
  const std::vector<std::byte> header =
      MakeTreeHeader({.revision = 4, .element_count = 5, .root = 1024, .info = 2048});
  EXPECT_EQ(header.size(), kTreeHeaderBytes);
  EXPECT_EQ(ParseTreeHeader(header)->root, 1024);
  EXPECT_EQ(ParseTreeHeader(header)->info, 2048);
  EXPECT_FALSE(ParseTreeHeader(Bytes(header).first(31)).has_value());
  const std::vector<std::byte> info = MakeTreeInfo(
      {.element_capacity = 8, .name = "kv", .key_class = "bytes", .value_class = "bytes"});
  EXPECT_EQ(ParseTreeInfo(info)->name, "kv");
  EXPECT_EQ(ParseTreeInfo(info)->element_capacity, 8);
  EXPECT_FALSE(ParseTreeInfo(Bytes(info).first(info.size() - 1)).has_value());
}

}  // namespace
}  // namespace plugpull::revision_tree
