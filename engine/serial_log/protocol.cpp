#include "engine/serial_log/protocol.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "faults/base/assert.h"

namespace plugpull::serial_log {
namespace {

// The gopher lags behind at a begin, works between the writes of a checkpoint, and catches up.
constexpr const char* kDefaultSchedule =
    "gopher1/-/gopher1+begin/write1/gopher2+write2/-/gopher1+write/gopher1+finish/gopher";

constexpr const char* kOn = "on";
constexpr const char* kOff = "off";

struct MutantRow {
  const char* name;
  Mutations mutations;
};

constexpr std::array<MutantRow, 15> kMutants = {{
    {"none", {}},
    {"MF1", {}},  // fix=none
    {"MF2", {.checkpoint_before_sync = true}},
    {"MF3", {}},  // wal_rule=off
    {"MF4", {.read_block_ignores_active = true}},
    {"MF5", {.rebuild_every_incarnation = true}},
    {"MF6", {.redo_unknown = true}},
    {"MF7", {.delete_missing_lowers_max = true}},
    {"MF8", {.keep_old_overflow = true}},
    {"MF9", {.accept_any_block = true}},
    {"MF10", {.trust_space_available = true}},
    {"MF11", {.reset_log_early = true}},
    {"MF12", {.acknowledge_before_sync = true}},
    {"MF13", {.keep_element_of_missing = true}},  // of fix=2b
    {"MF14", {.insert_without_gap = true}},       // fix=2a
}};

const std::string& ValueOf(const EngineOptions& options, const char* name) {
  const auto found = options.find(name);
  Assert(found != options.end(), "every option of the type is present");
  return found->second;
}

uint32_t NumberIn(const EngineOptions& options, const char* name) {
  const std::string& text = ValueOf(options, name);
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  Assert(error == std::errc() && end == text.data() + text.size(),
         "a number was checked against its option");
  return number;
}

OptionSpec Choice(std::string name, std::vector<std::string> values, std::string default_value,
                  std::string help) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.values = std::move(values);
  spec.default_value = std::move(default_value);
  spec.help = std::move(help);
  return spec;
}

OptionSpec Switch(std::string name, std::string help) {
  return Choice(std::move(name), {kOn, kOff}, kOn, std::move(help));
}

OptionSpec Number(std::string name, uint64_t minimum, uint64_t maximum, std::string default_value,
                  std::string help) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.default_value = std::move(default_value);
  spec.help = std::move(help);
  spec.minimum = minimum;
  spec.maximum = maximum;
  return spec;
}

OptionSpec Text(std::string name, std::string default_value, std::string help) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.default_value = std::move(default_value);
  spec.help = std::move(help);
  return spec;
}

FlushOrder FlushOrderOf(std::string_view word) {
  if (word == "descending") return FlushOrder::kDescending;
  return word == "careful" ? FlushOrder::kCareful : FlushOrder::kAscending;
}

MissingLine MissingLineOf(std::string_view word) {
  if (word == "none") return MissingLine::kUseLeftovers;
  return word == "2a" ? MissingLine::kInsert : MissingLine::kStoreAfresh;
}

// A mutant that is the broken value of an option.
void ApplyMutant(std::string_view mutant, Options& options) {
  const auto row = std::find_if(kMutants.begin(), kMutants.end(),
                                [&](const MutantRow& each) { return each.name == mutant; });
  Assert(row != kMutants.end(), "the mutant was checked against the option's values");
  options.mutations = row->mutations;
  if (mutant == "MF1") options.missing_line = MissingLine::kUseLeftovers;
  if (mutant == "MF3") options.wal_rule = false;
  if (mutant == "MF13") options.missing_line = MissingLine::kStoreAfresh;
  if (mutant == "MF14") options.missing_line = MissingLine::kInsert;
}

}  // namespace

const std::vector<std::string>& MutantNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    all.reserve(kMutants.size());
    for (const MutantRow& row : kMutants) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

const std::vector<OptionSpec>& OptionSpecs() {
  static const std::vector<OptionSpec> specs = {
      Choice("mutant", MutantNames(), "none",
             "a bug on purpose: MF1 fix=none, MF2 Checkpoint record before the data sync, MF3 "
             "wal_rule=off, MF4 read block past an active transaction, MF5 no incarnation test, "
             "MF6 unknown transactions redone, MF7 delete of a missing line lowers max line, MF8 "
             "overflow pages not freed by an update, MF9 blocks of an earlier lap accepted, MF10 "
             "space available not reduced, MF11 recovery resets the log early, MF12 commit "
             "acknowledged before the sync, MF13 2b keeps the locator element, MF14 2a without "
             "gaps"),
      Choice("fix", {"none", "2a", "2b"}, "2b",
             "a locator element whose line is missing (bug #44744): none uses leftover bytes, 2a "
             "inserts the line, 2b stores the record afresh"),
      Choice("flush_order", {"ascending", "descending", "careful"}, "ascending",
             "in which order a checkpoint writes pages; careful: data pages before what refers to "
             "them"),
      Switch("wal_rule", "off: structural records may be lost that written pages rely on (#45301)"),
      Switch("log_checksum", "off: a block is accepted by numbers and end marker, as in Falcon"),
      Switch("page_checksum", "off: pages have none"),
      Switch("page_images",
             "off: pages are written in place without a copy in the log, which takes page writes "
             "for atomic, as Falcon does"),
      Switch("reconcile",
             "off: redo may take lines that locators refer to, and leaves lines and pages that "
             "nothing refers to, as in Falcon"),
      Choice("two_phase", {kOff, kOn}, kOff, "on: each commit is prepared first"),
      Choice("page_size", {"512", "1024", "2048", "4096", "8192", "16384"}, "4096",
             "bytes in a page of a new store"),
      Number("window", 512, 1u << 20, "32768",
             "bytes after which a log file is left for the other one, if nothing needs that"),
      Number("fill", 10, 100, "100", "percent of a data page that new records fill"),
      Number("group", 1, 16, "1", "transactions that share a sync (group commit)"),
      Number("sections", 1, kSectionsMax, "2", "tables; a key is in one by its hash"),
      Text("schedule", kDefaultSchedule,
           "what happens in the background after each transaction, as in "
           "gopher/gopher+begin/write2/write1392!/finish"),
  };
  return specs;
}

Expected<Options> ParseOptions(const EngineOptions& options) {
  Options parsed;
  parsed.missing_line = MissingLineOf(ValueOf(options, "fix"));
  parsed.flush_order = FlushOrderOf(ValueOf(options, "flush_order"));
  parsed.wal_rule = ValueOf(options, "wal_rule") == kOn;
  parsed.log_checksum = ValueOf(options, "log_checksum") == kOn;
  parsed.page_checksum = ValueOf(options, "page_checksum") == kOn;
  parsed.page_images = ValueOf(options, "page_images") == kOn;
  parsed.reconcile = ValueOf(options, "reconcile") == kOn;
  parsed.two_phase = ValueOf(options, "two_phase") == kOn;
  parsed.page_size_bytes = NumberIn(options, "page_size");
  parsed.window_bytes = NumberIn(options, "window");
  parsed.fill_percent = NumberIn(options, "fill");
  parsed.group = NumberIn(options, "group");
  parsed.sections = NumberIn(options, "sections");
  ApplyMutant(ValueOf(options, "mutant"), parsed);
  Expected<Schedule> schedule = ParseSchedule(ValueOf(options, "schedule"));
  if (!schedule) return std::unexpected(schedule.error());
  parsed.schedule = *std::move(schedule);
  return parsed;
}

}  // namespace plugpull::serial_log
