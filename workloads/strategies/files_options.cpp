#include "workloads/strategies/files_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "engine/target.h"
#include "faults/base/assert.h"
#include "faults/base/nearest.h"

namespace plugpull::strategies {
namespace {

// One way to sync that a protocol knows.
struct SyncChoice {
  std::string word;
  FilesOptions change;  // what it sets: sync, sync_before, sync_after, sync_directory
};

struct ProtocolRow {
  std::string word;
  Protocol protocol;
  std::vector<std::string> options;  // beyond protocol and sync
  std::vector<SyncChoice> syncs;     // the first is what `full` means
};

// Every sync left out.
constexpr FilesOptions kNoSync = {
    .sync = FileSync::kNone, .sync_before = false, .sync_after = false, .sync_directory = false};

const std::vector<ProtocolRow>& Rows() {
  using enum FileSync;
  static const std::vector<ProtocolRow> rows = {
      {"in-place",
       Protocol::kInPlace,
       {},
       {{"fsync", {.sync = kFull}}, {"fdatasync", {.sync = kData}}, {"none", kNoSync}}},
      {"append",
       Protocol::kAppend,
       {"checksum", "rotate", "directory", "every"},
       {{"fsync", {.sync = kFull}},
        {"fdatasync", {.sync = kData}},
        {"dsync", {.sync = kSynchronousWrites}},
        {"range", {.sync = kRange}},
        {"none", kNoSync}}},
      {"replace",
       Protocol::kReplace,
       {},
       {{"file+directory", {.sync = kFull}},
        {"file", {.sync = kFull, .sync_directory = false}},
        {"directory", {.sync = kNone}},
        {"none", kNoSync}}},
      {"double-write",
       Protocol::kDoubleWrite,
       {},
       {{"fdatasync", {.sync = kData}},
        {"no-journal", {.sync = kData, .sync_before = false}},
        {"no-table", {.sync = kData, .sync_after = false}},
        {"none", kNoSync}}},
      {"wal",
       Protocol::kWal,
       {"group", "ack", "every"},
       {{"fdatasync", {.sync = kData}},
        {"no-log", {.sync = kNone}},
        {"no-table", {.sync = kData, .sync_after = false}},
        {"none", kNoSync}}},
      {"preallocated",
       Protocol::kPreallocated,
       {"every"},
       {{"fdatasync", {.sync = kData}}, {"fsync", {.sync = kFull}}, {"none", kNoSync}}},
      {"manifest",
       Protocol::kManifest,
       {"every"},
       {{"fsync", {.sync = kFull}},
        {"no-data", {.sync = kFull, .sync_before = false}},
        {"no-directory", {.sync = kFull, .sync_directory = false}},
        {"no-manifest", {.sync = kNone}},
        {"no-current", {.sync = kFull, .sync_after = false}},
        {"none", kNoSync}}},
  };
  return rows;
}

std::vector<std::string> ProtocolWords() {
  std::vector<std::string> words;
  for (const ProtocolRow& row : Rows()) words.push_back(row.word);
  return words;
}

// Every word of `sync`, each once, in the order of the table.
std::vector<std::string> SyncWords() {
  std::vector<std::string> words = {"full"};
  for (const ProtocolRow& row : Rows()) {
    for (const SyncChoice& choice : row.syncs) {
      if (std::ranges::find(words, choice.word) == words.end()) words.push_back(choice.word);
    }
  }
  return words;
}

const std::string& ValueOf(const EngineOptions& options, const std::string& name) {
  const auto found = options.find(name);
  Assert(found != options.end(), "every option of the type is present");
  return found->second;
}

uint32_t NumberOf(const EngineOptions& options, const std::string& name) {
  return static_cast<uint32_t>(std::stoul(ValueOf(options, name)));
}

// An option that the protocol has no use for must not be set to anything but its default.
Expected<void> CheckUnused(const ProtocolRow& row, const EngineOptions& options) {
  for (const OptionSpec& spec : FilesOptionSpecs()) {
    const bool is_common = spec.name == "protocol" || spec.name == "sync";
    const bool is_used = std::ranges::find(row.options, spec.name) != row.options.end();
    if (is_common || is_used || ValueOf(options, spec.name) == spec.default_value) continue;
    const std::string its =
        row.options.empty() ? "sync alone" : fmt::format("sync, {}", fmt::join(row.options, ", "));
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("files: protocol={} does not use option '{}' (it uses {})", row.word,
                            spec.name, its));
  }
  return {};
}

}  // namespace

const std::vector<OptionSpec>& FilesOptionSpecs() {
  static const std::vector<OptionSpec> specs = {
      {.name = "protocol",
       .values = ProtocolWords(),
       .default_value = "append",
       .help = "how the files are updated"},
      {.name = "sync",
       .values = SyncWords(),
       .default_value = "full",
       .help = "what is synced; full: all that the protocol asks for, no-x: all but x"},
      {.name = "checksum",
       .values = {"on", "off"},
       .default_value = "on",
       .help = "append: records have a checksum; off: only their length is looked at"},
      {.name = "rotate",
       .values = {"on", "off"},
       .default_value = "on",
       .help = "append: a new log with a snapshot takes over now and then"},
      {.name = "directory",
       .values = {"on", "off"},
       .default_value = "on",
       .help = "append: sync the directory after a log is created"},
      {.name = "every",
       .values = {},
       .default_value = "8",
       .help = "append, preallocated, wal, manifest: commits between rotations or checkpoints",
       .minimum = 1,
       .maximum = 1'000'000},
      {.name = "group",
       .values = {},
       .default_value = "1",
       .help = "wal: transactions that share one sync, and are acknowledged after it",
       .minimum = 1,
       .maximum = 1000},
      {.name = "ack",
       .values = {"group", "early"},
       .default_value = "group",
       .help = "wal: early acknowledges a transaction before its group is synced"},
  };
  return specs;
}

Expected<FilesOptions> ParseFilesOptions(const EngineOptions& options) {
  const auto row = std::ranges::find(Rows(), ValueOf(options, "protocol"), &ProtocolRow::word);
  Assert(row != Rows().end(), "values were checked against their OptionSpec");
  if (const Expected<void> unused = CheckUnused(*row, options); !unused) {
    return std::unexpected(unused.error());
  }
  const std::string& word = ValueOf(options, "sync");
  const auto sync =
      word == "full" ? row->syncs.begin() : std::ranges::find(row->syncs, word, &SyncChoice::word);
  if (sync == row->syncs.end()) {
    std::vector<std::string> words = {"full"};
    for (const SyncChoice& choice : row->syncs) words.push_back(choice.word);
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("files: protocol={} has no sync={}{} (one of {})", row->word, word,
                            NearestHint(word, words), fmt::join(words, ", ")));
  }
  FilesOptions parsed = sync->change;
  parsed.protocol = row->protocol;
  parsed.checksums = ValueOf(options, "checksum") == "on";
  parsed.rotate = ValueOf(options, "rotate") == "on";
  if (ValueOf(options, "directory") == "off") parsed.sync_directory = false;
  parsed.every = NumberOf(options, "every");
  parsed.group = NumberOf(options, "group");
  parsed.early_acknowledgement = ValueOf(options, "ack") == "early";
  if (parsed.early_acknowledgement && parsed.group == 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "files: ack=early needs group=2 or more: alone, a commit is synced at once");
  }
  return parsed;
}

}  // namespace plugpull::strategies
