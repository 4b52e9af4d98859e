// Goal: a log gives back its records, ends where one is not whole, and never takes what an earlier
// log left behind for its own.
#include "workloads/strategies/record_log.h"

#include <gtest/gtest.h>

#include <string>

#include "faults/base/bytes.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::strategies {
namespace {

class RecordLog : public testing::Test {
 protected:
  // Writes a record at `position`.
  void Append(std::string_view payload, LogPosition& position) {
    const uint64_t offset = position.offset_bytes;
    const std::vector<std::byte> bytes = EncodeRecord(AsBytes(payload), position);
    ASSERT_TRUE(file_->Write(offset, bytes).has_value());
  }

  std::vector<std::string> Read(uint64_t number) {
    LogReader reader(*file_, LogPosition::Start(number), /*checksums=*/true);
    std::vector<std::string> records;
    while (*reader.Next()) records.emplace_back(AsText(reader.payload()));
    end_ = reader.position();
    return records;
  }

  MemoryVfs vfs_;
  std::unique_ptr<VfsFile> file_ = *vfs_.Open("log", {.create = true});
  LogPosition end_;
};

TEST_F(RecordLog, GivesBackRecordsOfEverySize) {
  LogPosition position = LogPosition::Start(1);
  std::vector<std::string> records;
  for (size_t size = 0; size < 9000; size = size * 5 / 4 + 1) {
    records.emplace_back(size, static_cast<char>('a' + size % 26));
    Append(records.back(), position);
  }
  EXPECT_EQ(Read(1), records);
  EXPECT_EQ(end_.offset_bytes, position.offset_bytes);
  EXPECT_EQ(end_.chain, position.chain);
}

TEST_F(RecordLog, GivesBackARecordAtEveryPlaceInABlock) {
  for (size_t size = 4096 - 40; size < 4096 + 10; ++size) {
    LogPosition position = LogPosition::Start(size);
    Append(std::string(size, 'x'), position);
    Append("next", position);
    EXPECT_EQ(Read(size), (std::vector<std::string>{std::string(size, 'x'), "next"})) << size;
  }
}

TEST_F(RecordLog, EndsAtAByteThatChanged) {
  LogPosition position = LogPosition::Start(1);
  Append("first", position);
  const uint64_t second = position.offset_bytes;
  Append(std::string(6000, 'x'), position);
  const uint64_t end = position.offset_bytes;
  Append("third", position);
  for (uint64_t at = second; at < end; at += 97) {
    std::array<std::byte, 1> byte;
    ASSERT_EQ(file_->Read(at, byte).value(), 1u);
    const std::array<std::byte, 1> changed = {byte[0] ^ std::byte{1}};
    ASSERT_TRUE(file_->Write(at, changed).has_value());
    EXPECT_EQ(Read(1), std::vector<std::string>{"first"}) << at;
    ASSERT_TRUE(file_->Write(at, byte).has_value());
  }
  EXPECT_EQ(Read(1).size(), 3u);
}

TEST_F(RecordLog, NeverGoesOnWithWhatAnEarlierLogLeft) {
  LogPosition earlier = LogPosition::Start(1);
  for (int i = 0; i < 5; ++i) Append("same size", earlier);
  EXPECT_TRUE(Read(2).empty());
  LogPosition position = LogPosition::Start(2);
  Append("same size", position);
  EXPECT_EQ(Read(2), std::vector<std::string>{"same size"});
}

TEST_F(RecordLog, NeverGoesOnBehindANewEnd) {
  LogPosition position = LogPosition::Start(1);
  Append("first", position);
  const LogPosition second = position;
  Append("lost!", position);
  Append("third", position);
  position = second;
  Append("again", position);
  EXPECT_EQ(Read(1), (std::vector<std::string>{"first", "again"}));
}

TEST_F(RecordLog, EndsInAFileOfZeros) {
  ASSERT_TRUE(file_->Allocate(0, 100'000).has_value());
  EXPECT_TRUE(Read(1).empty());
  LogPosition position = LogPosition::Start(1);
  Append("", position);
  EXPECT_EQ(Read(1), std::vector<std::string>{""});
}

}  // namespace
}  // namespace plugpull::strategies
