// Goal: every rule of the checker fires, and a sound store is clean. Method: a store is put
// together by hand from the functions of the format, damaged in one place, and checked.
#include "engine/serial_log/checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "engine/serial_log/data_page.h"
#include "engine/serial_log/locator_page.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::serial_log {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr uint32_t kPageBytes = 512;
constexpr PageNumber kSection = 4;
constexpr PageNumber kLocator = 5;
constexpr PageNumber kData = 6;
constexpr PageNumber kFirstOverflow = 7;
constexpr PageNumber kLastOverflow = 8;
constexpr PageNumber kSecondData = 9;
constexpr PageNumber kPages = 10;
constexpr uint32_t kLargeBytes = 600;

// Section 0: records 0 and 1 in lines 0 and 1 of page 6, record 2 in line 2 with overflow pages 7
// and 8, record 3 alone in page 9, record 4 a stub. Log: blocks 3 to 5, of which 4 is needed.
class LogStoreCheckTest : public testing::Test {
 protected:
  LogStoreCheckTest() : bytes_(kPages * kPageBytes) {
    MakeFixedPages();
    FormatPage(Page(kSection), PageType::kSection, kSection);
    StoreSectionHeader(Page(kSection), {.section = 0, .sequence = 0, .level = 0});
    StoreSectionSlot(Page(kSection), 0, kLocator);
    FormatLocatorPage(Page(kLocator), kLocator, 0, 0);
    FormatDataPage(Page(kData), kData, kLocator);
    PutLine(kData, 0, std::string(40, 'a'));
    PutLine(kData, 1, std::string(60, 'b'));
    PutLine(kData, 2, std::string(kOverflowLineBytes, 0));
    DataLine large = LoadLine(Page(kData), 2);
    large.length = static_cast<int16_t>(-large.length);
    StoreLine(Page(kData), 2, large);
    SetOverflow({.page = kFirstOverflow, .record_bytes = kLargeBytes});
    FormatPage(Page(kFirstOverflow), PageType::kOverflow, kFirstOverflow);
    StoreOverflowHeader(Page(kFirstOverflow), {kLastOverflow, OverflowCapacity(kPageBytes), 0});
    FormatPage(Page(kLastOverflow), PageType::kOverflow, kLastOverflow);
    StoreOverflowHeader(Page(kLastOverflow),
                        {kNoPage, int32_t{kLargeBytes} - OverflowCapacity(kPageBytes), 0});
    FormatDataPage(Page(kSecondData), kSecondData, kLocator);
    PutLine(kSecondData, 0, std::string(30, 'c'));
    const auto room = static_cast<int16_t>(SpaceAvailable(Page(kSecondData)));
    SetElement(0, {kData, 0, -3 - 1});
    SetElement(1, {kData, 1, 0});
    SetElement(2, {kData, 2, -3 - 1});
    SetElement(3, {kSecondData, 0, room});
    SetElement(4, kStubElement);
    MakeLog();
  }

  MutableBytes Page(PageNumber page) {
    return MutableBytes(bytes_).subspan(static_cast<size_t>(page) * kPageBytes, kPageBytes);
  }
  void SetElement(int32_t slot, const LocatorElement& element) {
    StoreElement(Page(kLocator), slot, element);
  }
  void SetOverflow(const OverflowReference& reference) {
    const size_t offset = LoadLine(Page(kData), 2).offset;
    StoreOverflowReference(Page(kData).subspan(offset, kOverflowLineBytes), reference);
  }

  // Puts a record below those that are there, as the next line.
  void PutLine(PageNumber number, int32_t line, const std::string& record) {
    const MutableBytes page = Page(number);
    const int32_t offset = LowestRecord(page) - static_cast<int32_t>(record.size());
    std::ranges::copy(std::as_bytes(std::span(record)), page.begin() + offset);
    StoreLine(page, line, {static_cast<uint16_t>(offset), static_cast<int16_t>(record.size())});
    StoreMaxLine(page, static_cast<int16_t>(line + 1));
  }

  void MakeFixedPages() {
    FormatPage(Page(kHeaderPage), PageType::kHeader, kHeaderPage);
    StoreTablespaceHeader(Page(kHeaderPage), {.page_size_bytes = kPageBytes, .sections = 1});
    FormatPage(Page(kInventoryPage), PageType::kInventory, kInventoryPage);
    for (PageNumber page = 0; page < kPages; ++page) SetInUse(Page(kInventoryPage), page, true);
    FormatPage(Page(kSectionRoot), PageType::kSection, kSectionRoot);
    StoreSectionHeader(Page(kSectionRoot), {.section = -1, .sequence = 0, .level = 1});
    StoreSectionSlot(Page(kSectionRoot), 0, kSection);
    FormatPage(Page(kIndexRoot), PageType::kIndex, kIndexRoot);
  }

  void MakeLog() {
    std::vector<std::byte> records;
    PutLogRecord(records, {.type = LogRecordType::kCommit, .transaction = 1});
    for (const BlockNumber number : {3, 4, 5}) {
      const std::vector<std::byte> block = BuildBlock(number, 3, 1, records);
      blocks_.push_back({.number = number,
                         .read_block = 3,
                         .file = 0,
                         .offset_bytes = log_.size(),
                         .length = LoadBlockHeader(block).length});
      log_.insert(log_.end(), block.begin(), block.end());
    }
  }

  CheckReport Report() {
    MemoryVfs vfs;
    const auto file = *vfs.Open(kTablespacePath, {.create = true});
    EXPECT_TRUE(file->Write(0, bytes_));
    const auto log_file = *vfs.Open(kLogPaths[0], {.create = true});
    EXPECT_TRUE(log_file->Write(0, log_));
    PageCache pages;
    pages.Attach(*file, kPageBytes, bytes_.size(), /*verify_checksums=*/true);
    StoreView view{.pages = pages, .file_size_bytes = bytes_.size(), .sections = 1};
    view.log = {.files = {log_file.get(), nullptr},
                .blocks = blocks_,
                .read_block = 4,
                .last_block = 5,
                .durable_block = 5,
                .checkpoint_block = 3};
    view.pending = pending_;
    if (change_log_) change_log_(view.log);
    const Expected<CheckReport> report = CheckStore(view);
    EXPECT_TRUE(report) << Describe(report.error());
    if (!report) return {};
    EXPECT_LE(report->structure.size(), kProblemsMax);
    EXPECT_LE(report->leaks.size(), kProblemsMax);
    return *report;
  }
  std::vector<std::string> Structure() { return Report().structure; }
  std::vector<std::string> Leaks() {
    const CheckReport report = Report();
    EXPECT_THAT(report.structure, IsEmpty());
    return report.leaks;
  }

  std::vector<std::byte> bytes_;
  std::vector<std::byte> log_;
  std::vector<LogBlockPlace> blocks_;
  std::vector<PendingChange> pending_;
  std::function<void(LogView&)> change_log_;
};

TEST_F(LogStoreCheckTest, SoundStoreIsClean) { EXPECT_THAT(Leaks(), IsEmpty()); }

// F-I1: records.

TEST_F(LogStoreCheckTest, ElementOfALineBeyondTheLast) {
  SetElement(5, {kData, 10, 0});
  EXPECT_THAT(Structure(),
              ElementsAre("F-I1: record 5 of section 0: locator page 5 slot 5 has page "
                          "6 line 10, which is not there (max line 3)"));
}

TEST_F(LogStoreCheckTest, ElementOfALineThatIsNotUsed) {
  StoreLine(Page(kData), 1, {});
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("page 6 line 1, which is not there")));
}

TEST_F(LogStoreCheckTest, ElementOfANegativeLine) {
  SetElement(5, {kData, -1, 0});
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("page 6 line -1, which is not there")));
}

TEST_F(LogStoreCheckTest, ElementWithoutAPage) {
  SetElement(5, {kNoPage, 7, 0});
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("F-I1: locator page 5 slot 5: page 0, line 7")));
}

TEST_F(LogStoreCheckTest, LineThatWasKeptForARecordAndNeverFilled) {
  StoreLine(Page(kData), 1, StubLine(kPageBytes));
  EXPECT_THAT(Structure(), ElementsAre("F-I1: record 1 of section 0: page 6 line 1 has been kept "
                                       "for it, and has no bytes"));
  pending_.push_back({.section = 0, .record = 1});
  EXPECT_THAT(Structure(), IsEmpty());
}

TEST_F(LogStoreCheckTest, LocatorPageOfAnotherPlace) {
  LocatorHeader header = LoadLocatorHeader(Page(kLocator));
  header.sequence = 3;
  StoreLocatorHeader(Page(kLocator), header);
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I1: page 5: section 0 has it as")));
}

TEST_F(LogStoreCheckTest, SectionPageOfAnotherPlace) {
  StoreSectionHeader(Page(kSection), {.section = 1, .sequence = 0, .level = 0});
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I1: section page 4: section 1")));
}

TEST_F(LogStoreCheckTest, SectionThatIsOneTooMany) {
  StoreSectionSlot(Page(kSectionRoot), 1, kSecondData);
  EXPECT_THAT(Structure(), Contains("F-I1: page 2: has a section 1, there are 1"));
}

// F-I2: lines.

TEST_F(LogStoreCheckTest, LineOutsideItsPage) {
  StoreLine(Page(kData), 1, {500, 60});
  EXPECT_THAT(Structure(),
              ElementsAre("F-I2: page 6: line 1 has 60 bytes at 500, outside 28..512"));
}

TEST_F(LogStoreCheckTest, LineInTheIndex) {
  StoreLine(Page(kData), 1, {20, 60});
  EXPECT_THAT(Structure(), ElementsAre("F-I2: page 6: line 1 has 60 bytes at 20, outside 28..512"));
}

TEST_F(LogStoreCheckTest, LinesThatOverlap) {
  const uint16_t first = LoadLine(Page(kData), 0).offset;
  StoreLine(Page(kData), 1, {static_cast<uint16_t>(first - 59), 60});
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("F-I2: page 6: lines 1 and 0 overlap at {}", first)));
}

TEST_F(LogStoreCheckTest, MaxLineIsNotMinimal) {
  StoreLine(Page(kData), 3, {});
  StoreMaxLine(Page(kData), 4);
  EXPECT_THAT(Structure(), ElementsAre("F-I2: page 6: max line 4, and line 3 is not used"));
}

TEST_F(LogStoreCheckTest, MaxLineBeyondThePage) {
  StoreMaxLine(Page(kData), 30000);
  EXPECT_THAT(Structure(), Contains("F-I2: page 6: max line 30000 is not in 0..124"));
  StoreMaxLine(Page(kData), -1);
  EXPECT_THAT(Structure(), Contains("F-I2: page 6: max line -1 is not in 0..124"));
}

TEST_F(LogStoreCheckTest, MaxLineOfALocatorPage) {
  LocatorHeader header = LoadLocatorHeader(Page(kLocator));
  header.max_line = 4;
  StoreLocatorHeader(Page(kLocator), header);
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I2: locator page 5: max line 4, its last")));
}

// F-I3: owners of lines, space.

TEST_F(LogStoreCheckTest, TwoElementsOfOneLine) {
  SetElement(5, {kData, 1, 0});
  EXPECT_THAT(Structure(), ElementsAre("F-I3: page 6: line 1 belongs to more than one element, the "
                                       "last in locator page 5 slot 5"));
}

TEST_F(LogStoreCheckTest, LineWithoutAnElementIsALeak) {
  SetElement(1, {});
  EXPECT_THAT(Leaks(), ElementsAre("F-I3: page 6: no locator element refers to line 1"));
}

TEST_F(LogStoreCheckTest, DataPageOfTwoLocatorPages) {
  bytes_.resize((kPages + 1) * kPageBytes);
  FormatLocatorPage(Page(kPages), kPages, 0, 1);
  SetInUse(Page(kInventoryPage), kPages, true);
  StoreSectionSlot(Page(kSection), 1, kPages);
  StoreElement(Page(kPages), 0, {kData, 1, 0});
  EXPECT_THAT(Structure(),
              ElementsAre("F-I3: record locator page 10 slot 0 refers to page 6, which has another "
                          "owner"));
}

TEST_F(LogStoreCheckTest, DataPageThatSaysAnotherLocatorPage) {
  PageHeader header = LoadPageHeader(Page(kData));
  header.owner = 77;
  StorePageHeader(Page(kData), header);
  EXPECT_THAT(Structure(), ElementsAre("F-I3: page 6: belongs to locator page 77, and locator page "
                                       "5 refers to it"));
}

TEST_F(LogStoreCheckTest, MoreSpaceThanThereIs) {
  LocatorElement element = LoadElement(Page(kLocator), 3);
  ++element.space_available;
  SetElement(3, element);
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I3: locator page 5 slot 3: page 9 is said to "
                                                  "have room for")));
}

TEST_F(LogStoreCheckTest, SpaceOfAPageListedTwice) {
  SetElement(0, {kData, 0, 10});
  SetElement(1, {kData, 1, 10});
  EXPECT_THAT(Structure(), ElementsAre("F-I3: locator page 5: slots 0 and 1 both list the space of "
                                       "page 6"));
}

TEST_F(LogStoreCheckTest, ListOfSpaceThatGoesRound) {
  SetElement(2, {kData, 2, -0 - 1});
  EXPECT_THAT(Structure(), ElementsAre("F-I3: locator page 5: the list of slots with space leads "
                                       "from 2 to 0"));
}

TEST_F(LogStoreCheckTest, ListOfSpaceThatLeadsNowhere) {
  SetElement(0, {kData, 0, -1 - 1});
  EXPECT_THAT(Structure(),
              ElementsAre("F-I3: locator page 5: the list of slots with space leads to "
                          "1, without space"));
}

// F-I4: overflow.

TEST_F(LogStoreCheckTest, OverflowPageBehindTheFile) {
  SetOverflow({.page = 16858751, .record_bytes = kLargeBytes});
  EXPECT_THAT(Structure(), ElementsAre("F-I5: data page 6 line 2 refers to page 16858751, which is "
                                       "outside the 10 pages of the file"));
}

TEST_F(LogStoreCheckTest, OverflowChainThatComesBack) {
  OverflowHeader header = LoadOverflowHeader(Page(kLastOverflow));
  header.next = kFirstOverflow;
  StoreOverflowHeader(Page(kLastOverflow), header);
  EXPECT_THAT(Structure(), ElementsAre("F-I4: overflow page 8 refers to page 7, which has another "
                                       "owner"));
}

TEST_F(LogStoreCheckTest, OverflowPageThatIsNone) {
  SetOverflow({.page = kSection, .record_bytes = kLargeBytes});
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I4: data page 6 line 2 refers to page 4")));
  SetInUse(Page(kInventoryPage), kFirstFreePage, true);
  FormatPage(Page(kFirstOverflow), PageType::kNone, kFirstOverflow);
  SetOverflow({.page = kFirstOverflow, .record_bytes = kLargeBytes});
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("page 7: expected overflow page, got")));
}

TEST_F(LogStoreCheckTest, OverflowOfAnotherSection) {
  OverflowHeader header = LoadOverflowHeader(Page(kLastOverflow));
  header.section = 1;
  StoreOverflowHeader(Page(kLastOverflow), header);
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I4: overflow page 8: is of section 1")));
}

TEST_F(LogStoreCheckTest, OverflowOfAnotherLength) {
  SetOverflow({.page = kFirstOverflow, .record_bytes = kLargeBytes + 1});
  EXPECT_THAT(Structure(),
              ElementsAre("F-I4: page 6: line 2 is a record of 601 bytes, its overflow "
                          "pages have 600"));
}

TEST_F(LogStoreCheckTest, OverflowPageOfNoBytes) {
  StoreOverflowHeader(Page(kLastOverflow), {kNoPage, 0, 0});
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I4: overflow page 8: 0 bytes are not in")));
}

TEST_F(LogStoreCheckTest, OverflowReferenceOfAnotherSize) {
  DataLine line = LoadLine(Page(kData), 2);
  line.length = -7;
  StoreLine(Page(kData), 2, line);
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I4: page 6: line 2 has 7 bytes in place of")));
}

// F-I5: inventory, numbers, checksums.

TEST_F(LogStoreCheckTest, PageThatIsMarkedFree) {
  SetInUse(Page(kInventoryPage), kLastOverflow, false);
  EXPECT_THAT(Structure(), ElementsAre("F-I5: overflow page 7 refers to page 8, which is marked "
                                       "free in the inventory"));
}

TEST_F(LogStoreCheckTest, FixedPageThatIsMarkedFree) {
  SetInUse(Page(kInventoryPage), kSectionRoot, false);
  EXPECT_THAT(Structure(),
              ElementsAre("F-I5: page 2: a fixed page is marked free in the inventory"));
}

TEST_F(LogStoreCheckTest, PageWithoutAReferenceIsALeak) {
  bytes_.resize((kPages + 1) * kPageBytes);
  SetInUse(Page(kInventoryPage), kPages, true);
  EXPECT_THAT(Leaks(),
              ElementsAre("F-I5: page 10 is in use in the inventory, and nothing refers to it"));
}

TEST_F(LogStoreCheckTest, PageBehindTheFileThatIsInUse) {
  SetInUse(Page(kInventoryPage), 100, true);
  EXPECT_THAT(Structure(),
              ElementsAre("F-I5: page 100 is in use in the inventory, and the file has 10 pages"));
}

TEST_F(LogStoreCheckTest, PageOfAnotherNumber) {
  PageHeader header = LoadPageHeader(Page(kData));
  header.number = 99;
  StorePageHeader(Page(kData), header);
  EXPECT_THAT(Structure(), ElementsAre("F-I5: page 6: its header says that it is page 99"));
}

TEST_F(LogStoreCheckTest, PageOfAWrongChecksum) {
  PageHeader header = LoadPageHeader(Page(kData));
  header.checksum = static_cast<uint16_t>(ChecksumOfPage(Page(kData)) + 1);
  if (header.checksum == kNoChecksum) ++header.checksum;
  StorePageHeader(Page(kData), header);
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I5: record locator page 5 slot 0: ")));
}

TEST_F(LogStoreCheckTest, FixedPageOfAnotherType) {
  FormatPage(Page(kIndexRoot), PageType::kData, kIndexRoot);
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I5: page 3: expected ")));
}

// F-I6: log.

TEST_F(LogStoreCheckTest, BlockThatWasPurged) {
  blocks_.erase(blocks_.begin(), blocks_.begin() + 2);
  EXPECT_THAT(Structure(),
              ElementsAre("F-I6: possible gap in the log: block 5 where 4 is expected"));
  blocks_.clear();
  EXPECT_THAT(Structure(),
              ElementsAre("F-I6: block 4 has been purged, the log is needed from 4 to 5"));
}

TEST_F(LogStoreCheckTest, BlockThatWasOverwritten) {
  Store(&log_[blocks_[1].offset_bytes], uint64_t{99});
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I6: block 4: damaged block at 512 of log.1")));
}

TEST_F(LogStoreCheckTest, BlockOfAWrongChecksum) {
  log_[blocks_[1].offset_bytes + kBlockHeaderBytes] ^= std::byte{1};
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("checksum error")));
  change_log_ = [](LogView& log) { log.verifies_checksums = false; };
  EXPECT_THAT(Structure(), IsEmpty());
}

TEST_F(LogStoreCheckTest, LogFileThatWasCut) {
  log_.resize(blocks_[2].offset_bytes + 10);
  EXPECT_THAT(Structure(), ElementsAre(StartsWith("F-I6: block 5: truncated log file")));
}

TEST_F(LogStoreCheckTest, LogFileThatIsNotThere) {
  blocks_[1].file = 1;
  EXPECT_THAT(Structure(), ElementsAre("F-I6: block 4: log.2 is not there"));
}

TEST_F(LogStoreCheckTest, CheckpointOfABlockThatIsNotDurable) {
  change_log_ = [](LogView& log) { log.checkpoint_block = 6; };
  EXPECT_THAT(Structure(), ElementsAre("F-I6: the last checkpoint is of block 6, block 5 is the "
                                       "last durable one"));
}

TEST_F(LogStoreCheckTest, DurableBlockThatWasNotWritten) {
  change_log_ = [](LogView& log) { log.durable_block = 6; };
  EXPECT_THAT(Structure(), ElementsAre("F-I6: block 6 is said to be durable, the last one is 5"));
}

TEST_F(LogStoreCheckTest, ReadBlockBehindTheLast) {
  change_log_ = [](LogView& log) { log.read_block = 7; };
  EXPECT_THAT(Structure(), ElementsAre("F-I6: read block 7, the last one is 5"));
}

TEST_F(LogStoreCheckTest, BlockThatNeedsALaterOne) {
  BlockHeader header = LoadBlockHeader(Bytes(log_).subspan(blocks_[1].offset_bytes));
  header.read_block = 9;
  StoreBlockHeader(MutableBytes(log_).subspan(blocks_[1].offset_bytes), header);
  change_log_ = [](LogView& log) { log.verifies_checksums = false; };
  EXPECT_THAT(Structure(), Contains("F-I6: block 4: has read block 9, which comes later"));
}

}  // namespace
}  // namespace plugpull::serial_log
