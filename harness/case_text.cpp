#include "harness/case_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "faults/trace/snapshot_mark.h"
#include "harness/crash_state.h"
#include "harness/user_program.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

constexpr size_t kLongestText = 256;

bool IsPrintable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

void PutText(const std::string& name, std::string_view text, ordered_json& change) {
  const std::string_view shown = text.substr(0, kLongestText);
  if (IsPrintable(shown)) {
    change[name] = shown;
  } else {
    std::string digits;
    for (const char c : shown) digits += fmt::format("{:02x}", static_cast<uint8_t>(c));
    change[name + "_hex"] = std::move(digits);
  }
  if (shown.size() < text.size()) change[name + "_bytes"] = text.size();
}

ordered_json ToWords(const Transaction& transaction) {
  ordered_json changes = ordered_json::array();
  for (const Change& change : transaction.changes) {
    ordered_json& words = changes.emplace_back(ordered_json::object());
    PutText(change.value ? "put" : "delete", change.key, words);
    if (change.value) PutText("value", *change.value, words);
  }
  return changes;
}

std::vector<std::string> Bounded(std::vector<std::string> lines) {
  if (lines.size() <= kMostAtomLines) return lines;
  const size_t more = lines.size() - kMostAtomLines;
  lines.resize(kMostAtomLines);
  lines.push_back(fmt::format("and {} more", more));
  return lines;
}

const EngineType& TypeOf(const Case& saved) {
  const Expected<const EngineType*> type = TypeOfTarget(saved.settings);
  return type ? **type : UserProgramType();
}

}  // namespace

ordered_json WorkloadWords(const Trace& trace) {
  const size_t history = trace.transactions.size() - UndoneCount(trace);
  ordered_json words = {{"transactions", ordered_json::array()}};
  for (size_t i = 0; i < trace.transactions.size(); ++i) {
    words[i < history ? "transactions" : "undone"].push_back(ToWords(trace.transactions[i]));
  }
  return words;
}

std::vector<std::string> OperationWords(const Trace& trace) {
  const std::map<InodeId, std::string> names = LastNames(trace);
  std::vector<std::string> lines;
  const size_t begin = trace.ops.size() - std::min(trace.ops.size(), kMostOperationLines);
  for (size_t i = begin; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    std::string line = fmt::format("#{} {}", i, Describe(op, names));
    const bool has_site = op.site > 0 && op.site <= trace.sites.size();
    if (has_site && !trace.sites[op.site - 1].frames.empty()) {
      line += " by " + trace.sites[op.site - 1].frames.front();
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

CrashWords WordsOfCrash(const Case& saved) {
  const bool has_crash = saved.running_plan.empty() && !saved.while_recording;
  if (!has_crash) return {};
  StateInspector inspector(saved.trace, TypeOf(saved));
  const ExploreSettings& settings = saved.settings;
  CrashWords words{.lost = Bounded(inspector.Lines(saved.lost, settings.tear)), .kept = {}};
  if (!saved.fault.empty()) return words;
  ChosenState state{.position = saved.trace.ops.size(), .tear = settings.tear, .chosen = {}};
  for (const AtomId& atom : saved.lost) state.chosen.emplace_back(atom, false);
  if (!inspector.Admits(state, *settings.model, state.tear)) return words;
  const ChosenState fitting = inspector.Weaken(state, *settings.model, state.tear);
  if (!inspector.Admits(fitting, *settings.model, fitting.tear)) return words;
  const CompleteState complete = inspector.Complete(fitting, *settings.model);
  words.kept = Bounded(inspector.Lines(complete.kept, fitting.tear));
  return words;
}

std::vector<std::string> LostWords(const Case& saved, const FurtherCrash& further) {
  const StateInspector inspector(further.trace, TypeOf(saved));
  return Bounded(inspector.Lines(further.lost, saved.settings.tear));
}

}  // namespace plugpull
