// Goal: a trace survives its file, and no file whatsoever harms the reader.
// Method: random traces; every cut; mutations of the file as it is, and of its sections with the
// checksums made right again, so that the checks behind the checksums are reached.
#include "faults/trace/trace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "faults/base/random.h"
#include "faults/trace/random_trace.h"
#include "faults/trace/validate.h"

namespace plugpull {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ScratchPath(const std::string& name) {
  const auto directory = std::filesystem::temp_directory_path();
  return (directory / ("plugpull-" + std::to_string(getpid()) + "-" + name)).string();
}

// Changes some bytes: flips, insertions, removals, copies of one part over another.
void Mutate(Random& random, std::vector<std::byte>& bytes) {
  for (uint64_t left = 1 + random.Below(4); left > 0; --left) {
    if (bytes.empty()) {
      bytes.push_back(static_cast<std::byte>(random.Next()));
      continue;
    }
    const uint64_t at = random.Below(bytes.size());
    const uint64_t size = std::min<uint64_t>(1 + random.Below(16), bytes.size() - at);
    const auto begin = bytes.begin() + static_cast<ptrdiff_t>(at);
    switch (random.Below(5)) {
      case 0:
        *begin ^= static_cast<std::byte>(1 << random.Below(8));
        break;
      case 1:
        *begin = static_cast<std::byte>(random.Next());
        break;
      case 2:
        bytes.erase(begin, begin + static_cast<ptrdiff_t>(size));
        break;
      case 3:
        bytes.insert(begin, size, static_cast<std::byte>(random.Next()));
        break;
      default: {
        const auto from = static_cast<ptrdiff_t>(random.Below(bytes.size() - size + 1));
        const std::vector<std::byte> piece(bytes.begin() + from,
                                           bytes.begin() + from + static_cast<ptrdiff_t>(size));
        std::ranges::copy(piece, begin);
        break;
      }
    }
  }
}

TEST(TraceFile, RoundTripsRandomTraces) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Trace trace = RandomTrace(seed, static_cast<int>(seed) * 3);
    const auto bytes = EncodeTrace(trace);
    auto decoded = DecodeTrace(bytes);
    ASSERT_TRUE(decoded) << Describe(decoded.error());
    ASSERT_EQ(*decoded, trace);
    ASSERT_EQ(EncodeTrace(*decoded), bytes) << "the same trace is the same file";
  }
}

TEST(TraceFile, RoundTripsExtremeValues) {
  Trace trace;
  trace.facts = {{"", ""}, {"key", std::string(70'000, 'v')}};
  trace.transactions.resize(1);
  trace.transactions[0].changes = {{"", ""}, {"deleted", std::nullopt}};
  trace.payload.resize(1);
  trace.ops.resize(4);
  trace.ops[0] = {
      .kind = OpKind::kCreate, .inode = 5, .directory = 1, .name = std::string(255, '\xff')};
  trace.ops[1] = {.kind = OpKind::kTruncate, .inode = 5, .size_bytes = kMaxFileBytes};
  trace.ops[2] = {
      .kind = OpKind::kWrite, .inode = 5, .offset_bytes = kMaxFileBytes - 1, .size_bytes = 1};
  trace.ops[3] = {.kind = OpKind::kWrite, .result_errno = 4095, .inode = 5};
  auto decoded = DecodeTrace(EncodeTrace(trace));
  ASSERT_TRUE(decoded) << Describe(decoded.error());
  EXPECT_EQ(*decoded, trace);
}

TEST(TraceFile, NoticesACutAtEveryByte) {
  const auto bytes = EncodeTrace(RandomTrace(3, 400));
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto decoded = DecodeTrace(std::span(bytes).first(size));
    ASSERT_FALSE(decoded);
    ASSERT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    ASSERT_THAT(decoded.error().context, StartsWith("this trace is cut short (")) << "at " << size;
    ASSERT_THAT(decoded.error().context, HasSubstr("; record it again")) << "at " << size;
  }
}

TEST(TraceFile, SurvivesMutatedFiles) {
  Random random(4, "files");
  const auto sound = EncodeTrace(RandomTrace(4, 200));
  for (int round = 0; round < 10'000; ++round) {
    auto bytes = sound;
    Mutate(random, bytes);
    auto decoded = DecodeTrace(bytes);
    if (bytes == sound) continue;
    ASSERT_FALSE(decoded) << "a changed file passed in round " << round;
    ASSERT_FALSE(decoded.error().context.empty());
  }
}

TEST(TraceFile, SurvivesMutatedSectionsWithSoundChecksums) {
  Random random(5, "sections");
  const auto sound = DecodeContainer(kTraceFormat, EncodeTrace(RandomTrace(5, 60))).value();
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto sections = sound.sections;
    Mutate(random, sections[random.Below(sections.size())].bytes);
    auto decoded = DecodeTrace(EncodeContainer(kTraceFormat, sections));
    if (!decoded) {
      ASSERT_EQ(decoded.error().code, ErrorCode::kCorrupt);
      ASSERT_THAT(decoded.error().context, StartsWith("this trace is damaged ("));
      continue;
    }
    ++accepted;
    // What passed is a trace like any other: it can be listed, and it round-trips.
    ASSERT_TRUE(ValidateTrace(*decoded));
    const auto names = LastNames(*decoded);
    for (const Op& op : decoded->ops) {
      ASSERT_FALSE(Describe(op, names).empty());
      if (op.kind != OpKind::kWrite) continue;
      ASSERT_EQ(decoded->Payload(op).size(), op.size_bytes);
    }
    ASSERT_EQ(DecodeTrace(EncodeTrace(*decoded)), *decoded);
  }
  // Both outcomes must be common, or one of the two branches was not tested.
  EXPECT_GT(accepted, 2'000);
  EXPECT_LT(accepted, 18'000);
}

TEST(TraceFile, RefusesLyingCountsBeforeAskingForMemory) {
  ByteWriter count;
  count.PutVarint(~uint64_t{0});
  for (const char* name : {"facts", "transactions", "ops"}) {
    auto sections = DecodeContainer(kTraceFormat, EncodeTrace(Trace())).value().sections;
    for (Section& section : sections) {
      if (section.name == name) section.bytes = count.bytes();
    }
    auto decoded = DecodeTrace(EncodeContainer(kTraceFormat, sections));
    ASSERT_FALSE(decoded);
    EXPECT_THAT(decoded.error().context, HasSubstr("elements are announced"));
  }
}

TEST(TraceFile, RefusesMissingAndUnknownSections) {
  const auto sections = DecodeContainer(kTraceFormat, EncodeTrace(Trace())).value().sections;
  auto fewer = sections;
  fewer.pop_back();
  EXPECT_EQ(DecodeTrace(EncodeContainer(kTraceFormat, fewer)).error().context,
            "this trace is damaged (section 'payload' is missing); record it again");
  auto more = sections;
  more.push_back({"extra", {}});
  EXPECT_EQ(DecodeTrace(EncodeContainer(kTraceFormat, more)).error().context,
            "this trace is damaged (it has sections that are unknown); record it again");
}

TEST(TraceFile, SaysWhatIsWrongWithAFile) {
  const std::string path = ScratchPath("trace");
  ContainerFormat future = kTraceFormat;
  future.version = 7;
  ASSERT_TRUE(WriteFileAtomically(path, EncodeContainer(future, {})));
  auto too_new = LoadTrace(path);
  ASSERT_FALSE(too_new);
  EXPECT_EQ(too_new.error().code, ErrorCode::kTooNew);
  EXPECT_EQ(too_new.error().context, path +
                                         ": this trace was written by a newer plugpull (format 7, "
                                         "this one reads up to 1); upgrade plugpull");

  ASSERT_TRUE(WriteFileAtomically(path, AsBytes("#!/bin/sh\n")));
  auto other = LoadTrace(path);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(other.error().context, path + ": this is not a plugpull trace");
  std::filesystem::remove(path);

  EXPECT_EQ(LoadTrace(path).error().code, ErrorCode::kNotFound);
}

TEST(TraceFile, SavesAndLoads) {
  const std::string path = ScratchPath("saved");
  const Trace trace = RandomTrace(6, 500);
  ASSERT_TRUE(SaveTrace(path, trace));
  EXPECT_EQ(LoadTrace(path), trace);

  Trace broken = trace;
  broken.ops.push_back({.kind = OpKind::kSync, .inode = 4'000'000'000});
  auto saved = SaveTrace(path, broken);
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(LoadTrace(path), trace) << "the old file stays";
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace plugpull
