// The parameters of models as words: one row each. A new parameter is a field of Model and a row
// here.
#include "faults/persistence/model_parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "faults/base/assert.h"
#include "faults/base/nearest.h"
#include "faults/persistence/model_text.h"

namespace plugpull {
namespace {

using Words = std::span<const std::string_view>;

// The words for each value of a parameter's type, in the order of its enumerators.
constexpr std::string_view kBoolWords[] = {"no", "yes"};
constexpr std::string_view kShapeWords[] = {"everything", "prefix", "closed", "log"};
constexpr std::string_view kSizeOrderWords[] = {"issue", "max"};
constexpr std::string_view kGroupsWords[] = {"none", "rename", "all"};
constexpr std::string_view kRenameWords[] = {"atomic", "dual", "target-missing"};
constexpr std::string_view kDataBeforeSizeWords[] = {"no", "own-chunk", "new-range", "whole-inode"};
constexpr std::string_view kFillWords[] = {"zero", "garbage"};
constexpr std::string_view kFlushWords[] = {"off", "strict"};
constexpr std::string_view kDragWords[] = {"to-covered", "to-call"};
constexpr std::string_view kFailedSyncWords[] = {"keep", "late", "revert"};
constexpr std::string_view kTearWords[] = {"none", "4096", "512", "512-any"};  // a comma separates
constexpr std::string_view kWaitsWords[] = {"schedules", "waits"};
constexpr std::string_view kHonestWords[] = {"lies", "honest"};

constexpr Words WordsOf(bool) { return kBoolWords; }
constexpr Words WordsOf(Shape) { return kShapeWords; }
constexpr Words WordsOf(SizeOrder) { return kSizeOrderWords; }
constexpr Words WordsOf(Groups) { return kGroupsWords; }
constexpr Words WordsOf(Rename) { return kRenameWords; }
constexpr Words WordsOf(DataBeforeSize) { return kDataBeforeSizeWords; }
constexpr Words WordsOf(Fill) { return kFillWords; }
constexpr Words WordsOf(Flush) { return kFlushWords; }
constexpr Words WordsOf(Drag) { return kDragWords; }
constexpr Words WordsOf(FailedSync) { return kFailedSyncWords; }
constexpr Words WordsOf(Tear) { return kTearWords; }

template <typename Class, typename Field>
Field FieldType(Field Class::*);

// A row for the field `kMember`, whose values are called `kWords`.
template <auto kMember, const Words& kWords>
ModelParameter RowWith(std::string_view key, std::string_view help) {
  return {.key = key,
          .values = {kWords.begin(), kWords.end()},
          .help = help,
          .value =
              [](const Model& model) {
                return std::string(kWords[static_cast<size_t>(model.*kMember)]);
              },
          .set =
              [](Model& model, std::string_view word) {
                const auto found = std::ranges::find(kWords, word);
                Assert(found != kWords.end(), "a parameter is set to one of its words");
                using Field = decltype(FieldType(kMember));
                model.*kMember = static_cast<Field>(found - kWords.begin());
              }};
}

template <auto kMember>
constexpr Words kWordsOfField = WordsOf(decltype(FieldType(kMember)){});
constexpr Words kWaits = kWaitsWords;
constexpr Words kHonest = kHonestWords;

template <auto kMember>
ModelParameter Row(std::string_view key, std::string_view help) {
  return RowWith<kMember, kWordsOfField<kMember>>(key, help);
}

// A row for an edge that the lazily decided view relies on.
template <auto kMember>
ModelParameter AlwaysRow(std::string_view key, std::string_view help) {
  ModelParameter row = Row<kMember>(key, help);
  row.values = {"yes"};
  return row;
}

std::vector<ModelParameter> MakeParameters() {
  return {
      Row<&Model::shape>("shape",
                         "which kept sets there are: all, prefixes, closed sets, or "
                         "commits and what was logged since"),
      AlwaysRow<&Model::inode_before_use>("inode-before-use",
                                          "E0: a file before its bytes and its names"),
      AlwaysRow<&Model::page_order>("page-order", "E1: writes to one page in issue order"),
      Row<&Model::size_order>("size-order",
                              "E2: sizes in issue order, or the largest that got "
                              "there"),
      Row<&Model::truncate_fence>("truncate-fence",
                                  "E2t: a truncate before later bytes beyond its end"),
      AlwaysRow<&Model::name_order>("name-order", "E3: what one name stands for, in issue order"),
      Row<&Model::inode_chain>("inode-chain", "E4: metadata of one file in issue order"),
      Row<&Model::directory_chain>("directory-chain", "E5: names of one directory in issue order"),
      Row<&Model::groups>("groups",
                          "E6: what survives together: nothing, both names of a rename, "
                          "names and the attributes of their files"),
      Row<&Model::creation_group>("creation-group", "E6: a new file and its first name together"),
      Row<&Model::rename>("rename", "E6: what a rename outside of a group may leave"),
      Row<&Model::data_before_size>("data-before-size",
                                    "E7: which bytes are written before a size shows them"),
      Row<&Model::zero_tail>("zero-tail",
                             "E7z: but not those in a last block that was partly filled"),
      Row<&Model::size_before_data>("size-before-data", "new bytes after the size that shows them"),
      Row<&Model::fill>("fill", "what a block shows whose bytes were lost: zeros or stale bytes"),
      Row<&Model::metadata_chain>("metadata-chain", "E8: all metadata in issue order"),
      Row<&Model::anchored_sizes>("anchored-sizes",
                                  "E9: metadata issued before a write before its size"),
      Row<&Model::replace_flush>("replace-flush",
                                 "E10: a file's bytes before it replaces another by rename"),
      Row<&Model::truncate_flush>("truncate-flush",
                                  "E10: a truncate to 0 together with the rewrite after it"),
      Row<&Model::journalled_data>("journalled-data", "E11: bytes and sizes in the order of E8"),
      Row<&Model::mapped_order>("mapped-order", "E11: for mapped pages, too"),
      Row<&Model::barriers>("barriers", "E13: what came before a sync before what comes after"),
      Row<&Model::cow_extents>("cow-extents",
                               "E14: metadata issued before a write before its bytes"),
      Row<&Model::tear>("tear", "the finest pieces that a write may be torn into"),
      Row<&Model::drag>("drag",
                        "how much earlier metadata a sync writes: up to what it covers, or "
                        "all"),
      Row<&Model::full_commits>("full-commits", "shape=log: every fsync commits all metadata"),
      Row<&Model::flush_on_commit>("flush-on-commit",
                                   "shape=log: a commit includes the bytes written before"),
      Row<&Model::data_sync_covers_names>("data-sync-names",
                                          "fdatasync treats the file's names as fsync does"),
      Row<&Model::synchronous_metadata>("synchronous-metadata",
                                        "metadata calls are durable when they return"),
      RowWith<&Model::sync_waits, kWaits>("sync", "what sync and syncfs do before they return"),
      RowWith<&Model::honest_flush, kHonest>("flush", "lies: no sync makes anything durable"),
      Row<&Model::failed_sync>("failed-sync",
                               "what a failed sync leaves: readable and lost, the same and "
                               "reported late, or what is on disk"),
      Row<&Model::data_checksums>("data-checksums", "reads of bytes that the disk got wrong fail"),
  };
}

}  // namespace

const std::vector<ModelParameter>& ModelParameters() {
  static const std::vector<ModelParameter> parameters = MakeParameters();
  return parameters;
}

std::string Shown(std::string_view word, size_t longest) {
  std::string shown(word.substr(0, longest));
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return word.size() > longest ? shown + "..." : shown;
}

Expected<void> SetParameter(Model& model, std::string_view key, std::string_view value) {
  const auto parameter = std::ranges::find(ModelParameters(), key, &ModelParameter::key);
  if (parameter == ModelParameters().end()) {
    std::vector<std::string> keys = {"profile", "name"};
    for (const ModelParameter& known : ModelParameters()) keys.emplace_back(known.key);
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no parameter '{}'{} (plugpull list models shows all)",
                            Shown(key), NearestHint(key, keys)));
  }
  if (std::ranges::find(parameter->values, value) == parameter->values.end()) {
    if (parameter->values.size() == 1 && value == "no") {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' can only be yes: every model has it ({})", key, parameter->help));
    }
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("parameter '{}' has no value '{}'{} (one of {})", key, Shown(value),
                    NearestHint(value, parameter->values), fmt::join(parameter->values, ", ")));
  }
  parameter->set(model, value);
  return {};
}

std::optional<Misfit> MisfitOf(const Model& model) {
  const auto word = [&model](std::string_view key) {
    const auto found = std::ranges::find(ModelParameters(), key, &ModelParameter::key);
    return fmt::format("{}={}", key, found->value(model));
  };
  struct Need {
    bool missing;
    std::string_view key;
    std::string_view other;
    std::string_view wanted;
  };
  const bool in_log = model.shape == Shape::kCommitAndLog;
  const bool has_edges = in_log || model.shape == Shape::kClosedSet;
  const bool chain = model.metadata_chain;
  const bool data_first = model.data_before_size != DataBeforeSize::kNo;
  const bool reverts = model.failed_sync == FailedSync::kRevert;
  const bool keeps_all = model.shape == Shape::kEverything;
  const std::array<Need, 12> needs = {{
      {in_log && !chain, "shape", "metadata-chain", "yes"},
      {model.journalled_data && !chain, "journalled-data", "metadata-chain", "yes"},
      {model.anchored_sizes && !chain, "anchored-sizes", "metadata-chain", "yes"},
      {model.cow_extents && !chain, "cow-extents", "metadata-chain", "yes"},
      {model.drag == Drag::kToCall && !chain, "drag", "metadata-chain", "yes"},
      {model.zero_tail && !data_first, "zero-tail", "data-before-size",
       "own-chunk, new-range or whole-inode"},
      {model.rename != Rename::kAtomic && model.groups != Groups::kNone, "rename", "groups",
       "none"},
      {model.creation_group && model.groups != Groups::kAll, "creation-group", "groups", "all"},
      {model.full_commits && !in_log, "full-commits", "shape", "log"},
      {model.flush_on_commit && !in_log, "flush-on-commit", "shape", "log"},
      {model.barriers && !has_edges, "barriers", "shape", "closed or log"},
      {reverts && keeps_all, "failed-sync", "shape", "prefix, closed or log"},
  }};
  for (const Need& need : needs) {
    if (!need.missing) continue;
    return Misfit{need.key, fmt::format("{} needs {}={}, but there is {}", word(need.key),
                                        need.other, need.wanted, word(need.other))};
  }
  if (data_first && model.size_before_data) {
    return Misfit{"data-before-size",
                  fmt::format("parameters make a cycle of edges: {} asks for bytes before sizes, "
                              "{} for sizes before bytes",
                              word("data-before-size"), word("size-before-data"))};
  }
  return std::nullopt;
}

}  // namespace plugpull
