// Goal: bytes survive the way to a driver and back, and anything else is noticed.
#include "engine/drivers/driver_line.h"

#include <gtest/gtest.h>

#include "engine/drivers/line_buffer.h"
#include "faults/base/bytes.h"

namespace plugpull {
namespace {

std::string Hex(std::string_view bytes) {
  std::string line = "put ";
  AppendHex(bytes, line);
  return line.substr(4);
}

TEST(DriverLine, EveryByteSurvives) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  std::vector<std::byte> decoded;
  for (const std::string& bytes : {all, std::string(), std::string("-"), std::string(1, '\0')}) {
    ASSERT_TRUE(DecodeHex(Hex(bytes), decoded));
    EXPECT_EQ(AsText(decoded), bytes);
  }
  EXPECT_EQ(Hex(""), "-");
  EXPECT_EQ(Hex("-"), "2d");
  ASSERT_TRUE(DecodeHex("aAfF", decoded));
  EXPECT_EQ(AsText(decoded), "\xaa\xff");
}

TEST(DriverLine, WhatIsNoHexIsRefused) {
  std::vector<std::byte> decoded;
  for (const char* text : {"", "a", "abc", "0x", "g0", "0g", "--", " 1", "1 ", "a\r", "\xff\xff"}) {
    EXPECT_FALSE(DecodeHex(text, decoded)) << text;
  }
}

TEST(DriverLine, QuotesAreShortAndPrintable) {
  EXPECT_EQ(QuoteLine("all is well"), "'all is well'");
  EXPECT_EQ(QuoteLine("a\tb\xc3"), "'a?b?'");
  EXPECT_EQ(QuoteLine(std::string(200, 'x')), "'" + std::string(80, 'x') + "...'");
}

void Feed(LineBuffer& buffer, std::string_view text) {
  while (!text.empty()) {
    const std::span<char> room = buffer.Room();
    const size_t size = std::min(room.size(), text.size());
    std::copy_n(text.data(), size, room.data());
    buffer.Filled(size);
    text.remove_prefix(size);
  }
}

TEST(LineBuffer, GivesLinesHoweverTheyArrive) {
  LineBuffer buffer;
  EXPECT_EQ(buffer.TakeLine(), std::nullopt);
  Feed(buffer, "on");
  EXPECT_EQ(buffer.TakeLine(), std::nullopt);
  Feed(buffer, "e\n\ntw");
  EXPECT_EQ(buffer.TakeLine(), "one");
  EXPECT_EQ(buffer.TakeLine(), "");
  EXPECT_EQ(buffer.TakeLine(), std::nullopt);
  EXPECT_EQ(buffer.rest(), "tw");
  Feed(buffer, "o\n");
  EXPECT_EQ(buffer.TakeLine(), "two");
  EXPECT_EQ(buffer.rest(), "");
}

TEST(LineBuffer, LongLinesAndManyLinesStayWhole) {
  LineBuffer buffer;
  for (const size_t size : {10, 70'000, 1'000'000, 3, 300'000}) {
    const std::string line(size, 'x');
    Feed(buffer, "ok\n" + line);
    EXPECT_EQ(buffer.TakeLine(), "ok");
    EXPECT_EQ(buffer.TakeLine(), std::nullopt);
    Feed(buffer, "\n");
    EXPECT_EQ(buffer.TakeLine(), line);
  }
}

}  // namespace
}  // namespace plugpull
