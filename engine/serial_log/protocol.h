// The options of a store, and the known ways of getting its protocol wrong. A mutant is a bug that
// was put in on purpose, so that the harness can prove that it would notice: a switch that is read
// at one place, or the broken value of an option.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/serial_log/page_format.h"
#include "engine/serial_log/schedule.h"

namespace plugpull::serial_log {

// In which order a checkpoint writes the pages that were dirty when it began.
enum class FlushOrder : uint8_t {
  kAscending,   // by page number, as Falcon since March 2008
  kDescending,  // the other way round
  kCareful,     // what a page refers to first: overflow, data, locator, section; Falcon until then
};

// What redo does with a locator element whose line is not in its data page (bug #44744).
enum class MissingLine : uint8_t {
  kUseLeftovers,  // fix=none: takes what lies where the line index would be
  kInsert,        // fix=2a: makes the line, and unused ones before it
  kStoreAfresh,   // fix=2b: clears the element, and stores the record where there is room
};

// Switches that are wrong when they are true.
struct Mutations {
  bool checkpoint_before_sync = false;     // MF2: Checkpoint record before the data is synced
  bool read_block_ignores_active = false;  // MF4: past a transaction that is not applied yet
  bool rebuild_every_incarnation = false;  // MF5: phase 2 takes any record of a page
  bool redo_unknown = false;               // MF6: transactions without commit are redone
  bool delete_missing_lowers_max = false;  // MF7: of a line that is not there
  bool keep_old_overflow = false;          // MF8: an update frees no overflow pages
  bool accept_any_block = false;           // MF9: neither end marker nor block number is tested
  bool trust_space_available = false;      // MF10: it is not reduced, and it is believed
  bool reset_log_early = false;            // MF11: recovery, before its pages are synced
  bool acknowledge_before_sync = false;    // MF12
  bool keep_element_of_missing = false;    // MF13: 2b stores afresh without clearing the element
  bool insert_without_gap = false;         // MF14: 2a raises max line by one, whatever the line
};

struct Options {
  Mutations mutations{};
  FlushOrder flush_order = FlushOrder::kAscending;
  MissingLine missing_line = MissingLine::kStoreAfresh;
  bool wal_rule = true;      // off: Falcon as it was (bug #45301)
  bool log_checksum = true;  // off: Falcon as it was
  bool page_checksum = true;
  bool page_images = true;          // off: Falcon as it was, which takes page writes for atomic
  bool reconcile = true;            // off: Falcon as it was: see Redo in the README
  bool two_phase = false;           // each commit is prepared first
  uint32_t page_size_bytes = 4096;  // for a new file; an old one says its own
  uint32_t window_bytes = 32768;    // a log file this long is left for the other one
  uint32_t fill_percent = 100;      // of a data page: new records go elsewhere beyond it
  uint32_t group = 1;               // transactions that share a flush
  uint32_t sections = 2;
  Schedule schedule{};
};

const std::vector<OptionSpec>& OptionSpecs();

// Errors: kInvalidArgument: the schedule does not say what its grammar demands.
// Requires: `options` was checked against OptionSpecs().
Expected<Options> ParseOptions(const EngineOptions& options);

const std::vector<std::string>& MutantNames();

}  // namespace plugpull::serial_log
