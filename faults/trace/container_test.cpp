// Goal: every damage to a container is noticed, and what the error says is right.
#include "faults/trace/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include "faults/base/bytes.h"
#include "faults/base/random.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

constexpr ContainerFormat kFormat = {
    .magic = "PPTEST\r\n", .version = 3, .what = "case", .cure = "run it again"};
constexpr size_t kVersionOffset = 8;
constexpr size_t kHeaderBytes = 20;  // magic, version, checksum

std::vector<std::byte> Copy(std::string_view text) {
  const auto bytes = AsBytes(text);
  return {bytes.begin(), bytes.end()};
}

std::vector<Section> SomeSections() {
  return {{"facts", Copy("target=example")},
          {"empty", {}},
          {"large", std::vector<std::byte>(300'000, std::byte{7})}};
}

void PutLittleEndian(std::vector<std::byte>& bytes, size_t offset, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<std::byte>(value >> (8 * i));
}

// Makes the checksum at `checksum_offset` that of the bytes from `offset` up to it.
void Mend(std::vector<std::byte>& bytes, size_t offset, size_t checksum_offset) {
  PutLittleEndian(bytes, checksum_offset,
                  XXH3_64bits(bytes.data() + offset, checksum_offset - offset), 8);
}

Error ErrorOf(std::span<const std::byte> bytes) {
  auto container = DecodeContainer(kFormat, bytes);
  EXPECT_FALSE(container);
  return container ? Error{ErrorCode::kIo, "", 0} : container.error();
}

TEST(Container, RoundTrips) {
  const auto bytes = EncodeContainer(kFormat, SomeSections());
  EXPECT_LT(bytes.size(), 400u) << "sections are compressed";
  auto container = DecodeContainer(kFormat, bytes);
  ASSERT_TRUE(container) << Describe(container.error());
  EXPECT_EQ(container->version, 3u);
  EXPECT_EQ(container->sections, SomeSections());
  EXPECT_EQ(AsText(container->Find("facts").value()), "target=example");
  EXPECT_EQ(container->Find("none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(EncodeContainer(kFormat, SomeSections()), bytes) << "the same bytes every time";
}

TEST(Container, RoundTripsWithoutSections) {
  auto container = DecodeContainer(kFormat, EncodeContainer(kFormat, {}));
  ASSERT_TRUE(container) << Describe(container.error());
  EXPECT_TRUE(container->sections.empty());
}

TEST(Container, ReadsOlderVersions) {
  ContainerFormat old = kFormat;
  old.version = 2;
  auto container = DecodeContainer(kFormat, EncodeContainer(old, SomeSections()));
  ASSERT_TRUE(container) << Describe(container.error());
  EXPECT_EQ(container->version, 2u);
}

TEST(Container, SaysThatAFileIsTooNew) {
  ContainerFormat future = kFormat;
  future.version = 7;
  const Error error = ErrorOf(EncodeContainer(future, SomeSections()));
  EXPECT_EQ(error.code, ErrorCode::kTooNew);
  EXPECT_EQ(error.context,
            "this case was written by a newer plugpull (format 7, this one reads up to 3); "
            "upgrade plugpull");

  // A future format may look quite different after its header.
  auto bytes = EncodeContainer(future, {});
  bytes.resize(kHeaderBytes);
  EXPECT_EQ(ErrorOf(bytes).code, ErrorCode::kTooNew);
}

TEST(Container, ADamagedVersionIsNotAnUpgrade) {
  auto bytes = EncodeContainer(kFormat, SomeSections());
  bytes[kVersionOffset] = std::byte{7};
  EXPECT_EQ(ErrorOf(bytes).code, ErrorCode::kCorrupt);
}

TEST(Container, SaysThatAFileIsSomethingElse) {
  const Error error = ErrorOf(AsBytes("SQLite format 3 and so on, a database file"));
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_EQ(error.context, "this is not a plugpull case");
  EXPECT_EQ(ErrorOf(AsBytes("x")).context, "this is not a plugpull case");
}

TEST(Container, NoticesACutAtEveryByte) {
  const auto bytes = EncodeContainer(kFormat, SomeSections());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Error error = ErrorOf(std::span(bytes).first(size));
    ASSERT_EQ(error.code, ErrorCode::kCorrupt);
    ASSERT_THAT(error.context, HasSubstr("this case is cut short (")) << "at " << size;
    ASSERT_THAT(error.context, HasSubstr("); run it again")) << "at " << size;
  }
}

TEST(Container, NoticesEveryFlippedBit) {
  const auto bytes = EncodeContainer(kFormat, SomeSections());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    ASSERT_EQ(ErrorOf(flipped).code, ErrorCode::kCorrupt) << "bit " << bit;
  }
}

TEST(Container, NoticesWhatFollowsAndWhatMoved) {
  auto longer = EncodeContainer(kFormat, SomeSections());
  longer.push_back({});
  EXPECT_THAT(ErrorOf(longer).context, HasSubstr("1 bytes follow its end"));

  // Each section is sound by itself; only the closing one knows their order.
  const Section first[] = {{"a", Copy("1")}};
  const Section second[] = {{"b", Copy("2")}};
  const Section both[] = {first[0], second[0]};
  const size_t closing_bytes = EncodeContainer(kFormat, {}).size() - kHeaderBytes;
  const auto only_first = EncodeContainer(kFormat, first);
  const auto only_second = EncodeContainer(kFormat, second);
  auto moved = EncodeContainer(kFormat, both);
  const size_t section_bytes = only_first.size() - kHeaderBytes - closing_bytes;
  ASSERT_EQ(moved.size(), kHeaderBytes + 2 * section_bytes + closing_bytes);
  std::copy_n(only_second.begin() + kHeaderBytes, section_bytes, moved.begin() + kHeaderBytes);
  std::copy_n(only_first.begin() + kHeaderBytes, section_bytes,
              moved.begin() + kHeaderBytes + section_bytes);
  EXPECT_THAT(ErrorOf(moved).context, HasSubstr("the whole does not match its checksum"));
}

// The checksums only say that nothing happened by accident. Here every checksum is right and the
// sizes lie.
TEST(Container, NeverTrustsAnAnnouncedSize) {
  const Section sections[] = {{"s", std::vector<std::byte>(5'000, std::byte{1})}};
  const auto sound = EncodeContainer(kFormat, sections);
  const size_t start = kHeaderBytes;
  const size_t uncompressed_offset = start + 1 + 1 + 4;
  const size_t checksum_offset = uncompressed_offset + 8 + 8 + 8;
  for (uint64_t lie : {uint64_t{0}, uint64_t{4'999}, uint64_t{5'001}, uint64_t{1} << 32,
                       (uint64_t{1} << 32) + 1, ~uint64_t{0}}) {
    auto bytes = sound;
    PutLittleEndian(bytes, uncompressed_offset, lie, 8);
    Mend(bytes, start, checksum_offset);
    const Error error = ErrorOf(bytes);
    EXPECT_EQ(error.code, ErrorCode::kCorrupt);
    EXPECT_THAT(error.context, HasSubstr("section 's'")) << lie;
  }
  auto bytes = sound;
  PutLittleEndian(bytes, uncompressed_offset + 8, ~uint64_t{0}, 8);
  Mend(bytes, start, checksum_offset);
  EXPECT_THAT(ErrorOf(bytes).context, HasSubstr("cut short (section 's' needs"));
}

// A broken zstd frame behind sound checksums must come out as an error, whatever it unpacks to.
TEST(Container, SurvivesBrokenFramesWithSoundChecksums) {
  Random random(3, "frames");
  ByteWriter text;
  for (int i = 0; i < 300; ++i) text.PutVarint(random.Below(1'000));
  const Section sections[] = {{"s", text.Take()}};
  const auto sound = EncodeContainer(kFormat, sections);
  const size_t checksum_offset = kHeaderBytes + 1 + 1 + 4 + 8 + 8;
  const size_t payload_offset = checksum_offset + 8 + 8;
  const size_t payload_bytes =
      sound.size() - payload_offset - (EncodeContainer(kFormat, {}).size() - kHeaderBytes);
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = sound;
    for (uint64_t left = 1 + random.Below(3); left > 0; --left) {
      bytes[payload_offset + random.Below(payload_bytes)] = static_cast<std::byte>(random.Next());
    }
    PutLittleEndian(bytes, checksum_offset,
                    XXH3_64bits(bytes.data() + payload_offset, payload_bytes), 8);
    Mend(bytes, kHeaderBytes, checksum_offset + 8);
    if (bytes == sound) continue;
    ASSERT_EQ(ErrorOf(bytes).code, ErrorCode::kCorrupt);
  }
}

TEST(Container, SurvivesRandomInput) {
  Random random(2, "container");
  const auto sound = EncodeContainer(kFormat, SomeSections());
  for (int round = 0; round < 5'000; ++round) {
    auto bytes = sound;
    bytes.resize(kHeaderBytes + random.Below(200));
    for (size_t i = kHeaderBytes; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(random.Next());
    }
    ASSERT_EQ(ErrorOf(bytes).code, ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace plugpull
