// Bug #44744 of Falcon (MySQL 6.0), to the number, on engine/serial_log with pages of 4096 bytes.
//
// What the mail found on disk before any redo: record 2011 is in slot 484 of the locator page of
// sequence 3, page 1392; that element says page 2836, line 10; page 2836 has lines 0 to 9, and
// where line 10 would be lie bytes of a record that was deleted. Redo takes them for a line whose
// length is negative, so for a reference to overflow pages, frees the page of that number,
// 16858751, and reads behind the end of the file.
//
// The pages between are those of long records, which are short again before the checkpoint.
// The transactions fit the default schedule of the engine: a checkpoint is complete before record
// 2011 is inserted, the next one writes page 1392 after the last transaction, and no more.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/workload.h"

namespace plugpull {

inline constexpr int32_t kReportRecord = 2011;
inline constexpr int32_t kReportSequence = 3;
inline constexpr int32_t kReportSlot = 484;
inline constexpr int32_t kReportLine = 10;
inline constexpr int32_t kReportLocatorPage = 1392;
inline constexpr int32_t kReportDataPage = 2836;
inline constexpr int32_t kReportWildPage = 16858751;  // 0x01013E7F

// The transaction that inserts record 2011. Crashes before it are not the report's.
inline constexpr uint32_t kReportInsert = 19;

// How many transactions make the whole report. With fewer asked for, the last ones are missing;
// with more, single updates follow.
inline constexpr uint32_t kReportTransactions = 22;

// The report itself.
std::vector<Transaction> FalconReport(const WorkloadOptions& options);

// The leftover bytes read as a line of positive length: redo writes over other records.
std::vector<Transaction> FalconReportOverwrite(const WorkloadOptions& options);

// Records 2011 to 2013, in lines 10 to 12.
std::vector<Transaction> FalconReportThree(const WorkloadOptions& options);

// Record 2011 is deleted again; its line reads as one of positive length.
std::vector<Transaction> FalconReportDelete(const WorkloadOptions& options);

}  // namespace plugpull
