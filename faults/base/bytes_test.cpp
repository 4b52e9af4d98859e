// Goal: what was written reads back, and no input makes the reader step past its end.
#include "faults/base/bytes.h"

#include <gtest/gtest.h>

#include <limits>
#include <tuple>

#include "faults/base/random.h"

namespace plugpull {
namespace {

TEST(Bytes, RoundTripsEveryKind) {
  ByteWriter writer;
  writer.PutU8(0xab);
  writer.PutU32(0x01020304);
  writer.PutU64(0x0102030405060708);
  writer.PutString(std::string("with\0zero", 9));
  writer.PutString("");
  writer.PutBytes(AsBytes("raw"));
  const std::vector<std::byte> bytes = writer.Take();
  EXPECT_TRUE(writer.bytes().empty());
  EXPECT_EQ(bytes[1], std::byte{4}) << "integers are little-endian";

  ByteReader reader(bytes);
  EXPECT_EQ(reader.TakeU8(), 0xab);
  EXPECT_EQ(reader.TakeU32(), 0x01020304u);
  EXPECT_EQ(reader.TakeU64(), 0x0102030405060708u);
  EXPECT_EQ(reader.TakeString(), std::string("with\0zero", 9));
  EXPECT_EQ(reader.TakeString(), "");
  EXPECT_EQ(AsText(reader.TakeBytes(3).value()), "raw");
  EXPECT_TRUE(reader.ExpectEnd());
}

TEST(Bytes, RoundTripsVarintsAtEveryWidth) {
  ByteWriter writer;
  std::vector<uint64_t> values = {0, std::numeric_limits<uint64_t>::max()};
  for (int bit = 0; bit < 64; ++bit) {
    values.push_back(uint64_t{1} << bit);
    values.push_back((uint64_t{1} << bit) - 1);
  }
  for (uint64_t value : values) writer.PutVarint(value);
  ByteReader reader(writer.bytes());
  for (uint64_t value : values) EXPECT_EQ(reader.TakeVarint(), value);
  EXPECT_TRUE(reader.ExpectEnd());
}

Expected<uint64_t> TakeVarintOf(std::initializer_list<int> values, uint64_t limit = ~uint64_t{0}) {
  std::vector<std::byte> bytes;
  for (int value : values) bytes.push_back(static_cast<std::byte>(value));
  return ByteReader(bytes).TakeVarint(limit);
}

TEST(Bytes, RefusesVarintsThatAreNotOurs) {
  EXPECT_FALSE(TakeVarintOf({}));
  EXPECT_FALSE(TakeVarintOf({0x80}));
  EXPECT_FALSE(TakeVarintOf({0x80, 0x00})) << "zero has a shorter form";
  EXPECT_FALSE(TakeVarintOf({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}));
  EXPECT_FALSE(TakeVarintOf({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x01}));
  EXPECT_FALSE(TakeVarintOf({5}, 4));
  EXPECT_EQ(TakeVarintOf({5}, 5), 5u);
}

TEST(Bytes, NeverTrustsALength) {
  ByteWriter writer;
  writer.PutVarint(std::numeric_limits<uint64_t>::max());
  writer.PutBytes(AsBytes("short"));
  EXPECT_FALSE(ByteReader(writer.bytes()).TakeString());
  EXPECT_FALSE(ByteReader(writer.bytes()).TakeCount(1));
  EXPECT_FALSE(ByteReader(writer.bytes()).TakeBytes(std::numeric_limits<uint64_t>::max()));

  ByteWriter three;
  three.PutVarint(3);
  three.PutBytes(AsBytes("12345"));
  EXPECT_EQ(ByteReader(three.bytes()).TakeCount(1), 3u);
  EXPECT_FALSE(ByteReader(three.bytes()).TakeCount(2)) << "three elements of two bytes need six";
}

TEST(Bytes, TheFirstFailureSticks) {
  const std::vector<std::byte> bytes(3);
  ByteReader reader(bytes);
  EXPECT_FALSE(reader.TakeU32());
  EXPECT_FALSE(reader.TakeU8()) << "a byte is there, but the reader has lost its place";
  ASSERT_FALSE(reader.Status());
  EXPECT_EQ(reader.Status().error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(reader.Status().error().context, "at byte 0: 4 bytes are needed and only 3 are left");
  EXPECT_FALSE(reader.ExpectEnd());
}

TEST(Bytes, NoticesBytesThatAreLeft) {
  const std::vector<std::byte> bytes(2);
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.TakeU8());
  EXPECT_TRUE(reader.Status());
  EXPECT_FALSE(reader.ExpectEnd());
}

TEST(Bytes, SurvivesRandomInput) {
  Random random(1, "bytes");
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> bytes(random.Below(40));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next());
    ByteReader reader(bytes);
    while (reader.Status() && reader.remaining() > 0) {
      switch (random.Below(5)) {
        case 0:
          std::ignore = reader.TakeU8();
          break;
        case 1:
          std::ignore = reader.TakeU64();
          break;
        case 2:
          std::ignore = reader.TakeVarint();
          break;
        case 3:
          std::ignore = reader.TakeString();
          break;
        default:
          std::ignore = reader.TakeCount(1 + random.Below(4));
          break;
      }
      ASSERT_LE(reader.position(), bytes.size());
    }
  }
}

}  // namespace
}  // namespace plugpull
