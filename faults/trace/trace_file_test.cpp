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
#include "faults/trace/op_fields.h"
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
  trace.ops.resize(6);
  trace.ops[0] = {
      .kind = OpKind::kCreate, .inode = 5, .directory = 1, .name = std::string(255, '\xff')};
  trace.ops[1] = {.kind = OpKind::kTruncate, .inode = 5, .size_bytes = kMaxFileBytes};
  trace.ops[2] = {
      .kind = OpKind::kWrite, .inode = 5, .offset_bytes = kMaxFileBytes - 1, .size_bytes = 1};
  trace.ops[3] = {.kind = OpKind::kWrite, .result_errno = 4095, .inode = 5};
  trace.ops[4] = {.kind = OpKind::kClone, .inode = 5, .size_bytes = 1, .other_inode = 5};
  trace.ops[5] = {.kind = OpKind::kAllocate,
                  .inode = 5,
                  .offset_bytes = kMaxFileBytes - 1,
                  .size_bytes = 1,
                  .flags = kPunchHole | kKeepSize};
  auto decoded = DecodeTrace(EncodeTrace(trace));
  ASSERT_TRUE(decoded) << Describe(decoded.error());
  EXPECT_EQ(*decoded, trace);
}

// A file of version 1, byte by byte: "f" is created, written at 5 and synced; the second sync
// fails.
std::vector<Section> SectionsOfVersion1() {
  const auto bytes = [](std::initializer_list<int> values) {
    std::vector<std::byte> result;
    for (const int value : values) result.push_back(static_cast<std::byte>(value));
    return result;
  };
  // Of an operation: kind; fields, of which 2 is the inode, 4 the directory, 8 the name, 64 the
  // offset, 128 the size, 256 the place in the payload and 1 the error; then those.
  return {{"facts", bytes({1, 1, 'k', 1, 'v'})},
          {"transactions", bytes({0})},
          {"ops", bytes({5,                                 //
                         0, 2 + 4 + 8, 2,    1, 1, 'f',     // create
                         1, 0xc2,      0x01, 2, 5, 3,       // write, 2 + 64 + 128
                         1, 0xc2,      0x03, 2, 9, 1,   2,  // write, 256 too
                         3, 2,         2,                   // sync
                         3, 1 + 2,     5,    2})},          // sync, EIO
          {"payload", bytes({'a', 'b', 'c'})}};
}

constexpr ContainerFormat kVersion1 = {
    .magic = "PPTRACE\n", .version = 1, .what = "trace", .cure = "record it again"};
constexpr ContainerFormat kVersion2 = {
    .magic = "PPTRACE\n", .version = 2, .what = "trace", .cure = "record it again"};

TEST(TraceFile, ReadsTheVersionsBefore) {
  Trace expected;
  expected.facts = {{"k", "v"}};
  expected.payload = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  expected.ops.resize(5);
  expected.ops[0] = {.kind = OpKind::kCreate, .inode = 2, .directory = 1, .name = "f"};
  expected.ops[1] = {.kind = OpKind::kWrite, .inode = 2, .offset_bytes = 5, .size_bytes = 3};
  expected.ops[2] = {
      .kind = OpKind::kWrite, .inode = 2, .offset_bytes = 9, .size_bytes = 1, .payload_offset = 2};
  expected.ops[3] = {.kind = OpKind::kSync, .inode = 2};
  expected.ops[4] = {.kind = OpKind::kSync, .result_errno = 5, .inode = 2};
  for (const ContainerFormat& format : {kVersion1, kVersion2}) {
    auto decoded = DecodeTrace(EncodeContainer(format, SectionsOfVersion1()));
    ASSERT_TRUE(decoded) << Describe(decoded.error());
    EXPECT_EQ(*decoded, expected);
  }
}

TEST(TraceFile, Version1SaysNothingNew) {
  auto sections = SectionsOfVersion1();
  std::vector<std::byte>& ops = sections[2].bytes;
  const size_t last_op = ops.size() - 4;
  ops[last_op] = static_cast<std::byte>(OpKind::kSyncMapped);
  EXPECT_EQ(DecodeTrace(EncodeContainer(kVersion1, sections)).error().context,
            "this trace is damaged (section 'ops' operations of kind 23 are unknown); record it "
            "again");
  EXPECT_TRUE(DecodeTrace(EncodeContainer(kVersion2, sections)));

  // A write with flags, which are a field that only the new version has.
  sections = SectionsOfVersion1();
  const std::vector<std::byte> flagged = {std::byte{1}, std::byte{0x82}, std::byte{0x10},
                                          std::byte{2}, std::byte{kDirect}};
  sections[2].bytes.insert(sections[2].bytes.end(), flagged.begin(), flagged.end());
  sections[2].bytes[0] = std::byte{6};
  EXPECT_FALSE(DecodeTrace(EncodeContainer(kVersion1, sections)));
  auto decoded = DecodeTrace(EncodeContainer(kVersion2, sections));
  ASSERT_TRUE(decoded) << Describe(decoded.error());
  EXPECT_EQ(decoded->ops.back().flags, uint32_t{kDirect});
}

TEST(TraceFile, Version2HasNoSites) {
  auto sections = SectionsOfVersion1();
  std::vector<std::byte>& ops = sections[2].bytes;
  // The last sync is from site 1: field 4096 is new in version 3.
  ops.resize(ops.size() - 4);
  for (const int value : {3, 2 + 0x80, 0x20, 2, 1}) ops.push_back(static_cast<std::byte>(value));
  EXPECT_FALSE(DecodeTrace(EncodeContainer(kVersion2, sections)));
  sections.push_back({"sites", {}});
  for (const int value : {1, 1, 1, int{'f'}}) {
    sections.back().bytes.push_back(static_cast<std::byte>(value));
  }
  EXPECT_FALSE(DecodeTrace(EncodeContainer(kVersion2, sections)));
  const auto decoded = DecodeTrace(EncodeContainer(kTraceFormat, sections));
  ASSERT_TRUE(decoded) << Describe(decoded.error());
  EXPECT_EQ(decoded->ops.back().site, 1U);
  EXPECT_EQ(decoded->sites, std::vector<CallSite>{{{"f"}}});
}

// Returns: what is said about a trace with one sync of `site` and with `sites`.
std::string SiteComplaint(uint32_t site, std::vector<CallSite> sites) {
  Trace trace;
  trace.ops.push_back({.kind = OpKind::kSyncAll, .site = site});
  trace.sites = std::move(sites);
  const auto decoded = DecodeTrace(EncodeTrace(trace));
  if (decoded) return "";
  EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  return decoded.error().context;
}

TEST(TraceFile, SitesThatAreNoneAreRefused) {
  const CallSite fine{{"main"}};
  EXPECT_EQ(SiteComplaint(0, {}), "");
  EXPECT_EQ(SiteComplaint(2, {fine, fine}), "");
  EXPECT_THAT(SiteComplaint(1, {}), HasSubstr("operation 0, sync-all: its call site is not known"));
  EXPECT_THAT(SiteComplaint(2, {fine}), HasSubstr("its call site is not known"));
  EXPECT_THAT(SiteComplaint(UINT32_MAX, {fine}), HasSubstr("its call site is not known"));
  const std::string why = "a call site is not a list of frames";
  EXPECT_THAT(SiteComplaint(1, {fine, {}}), HasSubstr(why));
  EXPECT_THAT(SiteComplaint(1, {{{"main", ""}}}), HasSubstr(why));
  EXPECT_THAT(SiteComplaint(1, {{{"a\x1b[2J"}}}), HasSubstr(why));
  EXPECT_THAT(SiteComplaint(1, {{{std::string(5000, 'a')}}}), HasSubstr(why));
  EXPECT_THAT(SiteComplaint(1, {{std::vector<std::string>(300, "a")}}), HasSubstr(why));
}

TEST(TraceFile, MarksOfTransactionsHaveNoSite) {
  Trace trace;
  trace.transactions.resize(1);
  trace.sites = {{{"main"}}};
  trace.ops.push_back({.kind = OpKind::kBegin, .transaction = 1});
  EXPECT_TRUE(DecodeTrace(EncodeTrace(trace)));
  trace.ops[0].site = 1;
  EXPECT_THAT(DecodeTrace(EncodeTrace(trace)).error().context, HasSubstr("does not use"));
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
  constexpr bool kSanitized = !std::string_view(PLUGPULL_SANITIZE).empty();
  constexpr int kRounds = kSanitized ? 4'000 : 20'000;
  for (int round = 0; round < kRounds; ++round) {
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
      if (!FieldsOf(op.kind, op.result_errno).payload) continue;
      ASSERT_EQ(decoded->Payload(op).size(), op.size_bytes);
    }
    ASSERT_EQ(DecodeTrace(EncodeTrace(*decoded)), *decoded);
  }
  // Both outcomes must be common, or one of the two branches was not tested.
  EXPECT_GT(accepted, kRounds / 10);
  EXPECT_LT(accepted, kRounds / 10 * 9);
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
            "this trace is damaged (section 'sites' is missing); record it again");
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
                                         "this one reads up to 3); upgrade plugpull");

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
