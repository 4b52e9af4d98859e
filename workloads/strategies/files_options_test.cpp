// Goal: words that make no sense together are refused with the nearest that does; a full sync is
// every sync.
#include "workloads/strategies/files_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workloads/strategies/testing.h"

namespace plugpull::strategies {
namespace {

using testing::HasSubstr;

Expected<FilesOptions> Parse(std::string_view text) {
  const Expected<Target> target = FilesTarget(text);
  if (!target) return std::unexpected(target.error());
  return ParseFilesOptions(target->options);
}

std::string Complaint(std::string_view text) {
  const auto parsed = Parse(text);
  EXPECT_FALSE(parsed.has_value()) << text;
  return parsed ? "" : parsed.error().context;
}

TEST(FilesOptions, FullIsTheFirstSyncOfEachProtocol) {
  EXPECT_EQ(Parse("")->protocol, Protocol::kAppend);
  EXPECT_EQ(Parse("")->sync, FileSync::kFull);
  EXPECT_TRUE(Parse("")->sync_directory);
  EXPECT_EQ(Parse("protocol=wal")->sync, FileSync::kData);
  EXPECT_EQ(Parse("protocol=replace")->sync, FileSync::kFull);
  EXPECT_TRUE(Parse("protocol=replace")->sync_directory);
}

TEST(FilesOptions, EachSyncIsLeftOutAlone) {
  const auto data = *Parse("protocol=manifest,sync=no-data");
  EXPECT_FALSE(data.sync_before);
  EXPECT_TRUE(data.sync_after && data.sync_directory && data.sync == FileSync::kFull);
  const auto manifest = *Parse("protocol=manifest,sync=no-manifest");
  EXPECT_TRUE(manifest.sync_before && manifest.sync_after && manifest.sync_directory);
  EXPECT_EQ(manifest.sync, FileSync::kNone);
  const auto none = *Parse("protocol=manifest,sync=none");
  EXPECT_FALSE(none.sync_before || none.sync_after || none.sync_directory);
  const auto file = *Parse("protocol=replace,sync=file");
  EXPECT_TRUE(file.sync == FileSync::kFull && !file.sync_directory);
  const auto directory = *Parse("protocol=replace,sync=directory");
  EXPECT_TRUE(directory.sync == FileSync::kNone && directory.sync_directory);
}

TEST(FilesOptions, ASyncThatTheProtocolDoesNotKnowIsRefused) {
  EXPECT_THAT(Complaint("protocol=replace,sync=fsync"), HasSubstr("protocol=replace has no sync"));
  EXPECT_THAT(Complaint("protocol=append,sync=file"), HasSubstr("one of full, fsync, fdatasync"));
  EXPECT_THAT(Complaint("protocol=in-place,sync=dsync"), HasSubstr("did you mean 'fsync'?"));
}

TEST(FilesOptions, AnOptionThatTheProtocolHasNoUseForIsRefused) {
  EXPECT_THAT(Complaint("protocol=replace,group=4"), HasSubstr("does not use option 'group'"));
  EXPECT_THAT(Complaint("protocol=wal,checksum=off"), HasSubstr("it uses sync, group, ack, every"));
  EXPECT_TRUE(Parse("protocol=replace,group=1").has_value()) << "its default says nothing";
}

TEST(FilesOptions, AnEarlyAcknowledgementNeedsAGroup) {
  EXPECT_THAT(Complaint("protocol=wal,ack=early"), HasSubstr("ack=early needs group=2"));
  EXPECT_TRUE(Parse("protocol=wal,ack=early,group=2")->early_acknowledgement);
}

TEST(FilesOptions, UnknownWordsAreRefusedAsForAnyTarget) {
  EXPECT_THAT(Complaint("protocol=wall"), HasSubstr("did you mean 'wal'?"));
  EXPECT_THAT(Complaint("group=0"), HasSubstr("from 1 to 1000"));
}

}  // namespace
}  // namespace plugpull::strategies
