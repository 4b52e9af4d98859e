#include "harness/fault_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <map>

#include "faults/inject/damage.h"
#include "faults/inject/fault_type.h"
#include "faults/persistence/dependence.h"
#include "harness/crash_points.h"

namespace plugpull {
namespace {

constexpr FaultForm kForm = FaultForm::kSpecification;

// Crash points at which pages are damaged and nothing is lost, and those with a search of their
// own: where writes may be lost, syncs lie or sectors are cut. The latter have many crash states
// each; so many recoveries show the kinds of harm that there are.
constexpr size_t kMostPageSites = 256;
constexpr size_t kMostSearchedPoints = 64;
constexpr uint64_t kRecoveriesForFaults = 500;

// Where more syncs than this lied, so much is undecided that a search learns little in a long time,
// and nothing that it does not learn where fewer did.
constexpr uint64_t kMostLies = 32;

// Returns: at most `most` of the positions, evenly spread, with the first and the last.
std::vector<size_t> Spread(const std::vector<size_t>& positions, size_t most) {
  if (positions.size() <= most) return positions;
  std::vector<size_t> spread;
  spread.reserve(most);
  for (size_t i = 0; i < most; ++i) {
    spread.push_back(positions[i * (positions.size() - 1) / (most - 1)]);
  }
  return spread;
}

// Returns: the positions after each acknowledgement, and the end.
std::vector<size_t> AcknowledgedPositions(const Trace& trace) {
  const size_t end = EndOfModelled(trace);
  std::vector<size_t> positions;
  for (size_t i = 0; i < end; ++i) {
    if (trace.ops[i].kind == OpKind::kAcknowledge) positions.push_back(i + 1);
  }
  if (positions.empty() || positions.back() != end) positions.push_back(end);
  return positions;
}

bool HasScope(const FaultCalls& calls, FaultScope scope) {
  return std::ranges::any_of(calls,
                             [&](const FaultCall& call) { return TypeOf(call).scope == scope; });
}

// What the crash itself may do: what the legal names say; without one, as much as the other faults
// need to be seen.
FaultLevel CrashOf(const FaultCalls& calls, const ExploreSettings& settings) {
  std::optional<FaultLevel> crash;
  for (const FaultCall& call : calls) {
    if (InfoOf(call.level).legal) crash = std::max(crash.value_or(call.level), call.level);
  }
  if (crash) return *crash;
  if (HasScope(calls, FaultScope::kSyncs)) {
    return settings.tear == Tear::kNone ? FaultLevel::kPowerCut : FaultLevel::kTornWrite;
  }
  return HasScope(calls, FaultScope::kTear) ? FaultLevel::kPowerCut : FaultLevel::kProcessKill;
}

const Model& PowerCutModel(const ExploreSettings& settings) {
  const Shape shape = settings.model->shape;
  const bool is_power_cut = shape == Shape::kClosedSet || shape == Shape::kCommitAndLog;
  return is_power_cut ? *settings.model : Models().front();
}

ExploreSettings SettingsFor(const FaultCalls& calls, const ExploreSettings& settings) {
  ExploreSettings result = settings;
  result.depth = 1;  // what a correct disk does to a recovery is looked at without the fault
  const FaultLevel crash = CrashOf(calls, settings);
  result.model = &PowerCutModel(settings);
  result.tear = Tear::kNone;
  if (crash == FaultLevel::kProcessKill) result.model = FindModel("process-kill");
  if (crash == FaultLevel::kPowerCutOrdered) result.model = FindModel("ordered");
  if (crash == FaultLevel::kTornWrite) {
    result.tear = settings.tear == Tear::kNone ? Tear::kSectorsContiguous : settings.tear;
  }
  for (const FaultCall& call : calls) {
    if (call.level == FaultLevel::kSubSectorTear) {
      result.tear = NumberOf(call, kForm, "unit") == 8 ? Tear::kBytes8 : Tear::kBytes64;
    }
    const bool is_late = call.level == FaultLevel::kLyingFlush;
    if (is_late && TextOf(call, kForm, "order") == "issued") result.model = FindModel("ordered");
  }
  if (result.model->shape != Shape::kEverything && result.recoveries_per_point == 0) {
    result.recoveries_per_point = kRecoveriesForFaults;
  }
  return result;
}

class Planner {
 public:
  Planner(const Trace& trace, const ExploreSettings& settings, FaultCalls calls)
      : trace_(trace),
        calls_(std::move(calls)),
        settings_(SettingsFor(calls_, settings)),
        reader_(trace),
        honest_(trace, PowerCutModel(settings), Tear::kNone) {}

  FaultPlan Plan() {
    FaultPlan plan;
    plan.text = FaultText(calls_, kForm);
    for (const FaultCall& call : calls_) plan.level = std::max(plan.level, call.level);
    const bool has_pages = HasScope(calls_, FaultScope::kPages);
    // After an acknowledgement, an engine that syncs has nothing left to lose: what a crash adds to
    // the damage is seen before it.
    const bool is_plain_kill = has_pages && settings_.model->shape == Shape::kEverything &&
                               settings_.tear == Tear::kNone &&
                               !HasScope(calls_, FaultScope::kSyncs);
    const std::vector<size_t> all = is_plain_kill
                                        ? AcknowledgedPositions(trace_)
                                        : CrashPoints(trace_, *settings_.model, settings_.promise);
    std::vector<size_t> possible = all;
    std::erase_if(possible, [&](size_t position) { return LiesAt(position) > kMostLies; });
    if (possible.size() < all.size()) {
      plan.bounds.insert(fmt::format("{}: crash points with up to {} lies", plan.text, kMostLies));
    }
    const std::vector<size_t> positions =
        Spread(possible, is_plain_kill ? kMostPageSites : kMostSearchedPoints);
    if (positions.size() < all.size()) {
      plan.bounds.insert(
          fmt::format("{}: {} of {} crash points", plan.text, positions.size(), all.size()));
    }
    for (const size_t position : positions) {
      if (has_pages) {
        PlanPages(position, plan);
      } else if (const auto instance = WithoutPages(position)) {
        ++plan.of;
        plan.tasks.push_back({position, settings_, FaultText(*instance, FaultForm::kInstance)});
      }
    }
    if (!has_pages) plan.of += all.size() - positions.size();
    if (!has_pages && HasScope(calls_, FaultScope::kSyncs)) {
      plan.ordered = plan.tasks;
      for (PointTask& task : plan.ordered) {
        task.settings.model = FindModel("ordered");
        task.settings.tear = Tear::kNone;
      }
    }
    if (has_pages && plan.tasks.size() < plan.of) {
      plan.bounds.insert(
          fmt::format("{}: {} of {} instances", plan.text, plan.tasks.size(), plan.of));
    }
    plan.advice = Advice();
    return plan;
  }

 private:
  // Returns: what happens at the position of faults that need no choice; nothing when one of them
  // cannot happen there.
  std::optional<FaultCalls> WithoutPages(size_t position) const {
    FaultCalls instance;
    for (const FaultCall& call : calls_) {
      const FaultScope scope = TypeOf(call).scope;
      if (scope == FaultScope::kTear) {
        instance.push_back({.level = call.level, .values = call.values});
      } else if (scope == FaultScope::kSyncs) {
        const std::optional<uint64_t> from = FirstLie(call, position);
        if (!from) return {};
        instance.push_back({.level = call.level, .values = {{"from", std::to_string(*from)}}});
      }
    }
    return instance;
  }

  // Returns: how many syncs lie before a crash at the position.
  uint64_t LiesAt(size_t position) const {
    uint64_t most = 0;
    for (const FaultCall& call : calls_) {
      if (TypeOf(call).scope != FaultScope::kSyncs) continue;
      const std::optional<uint64_t> from = FirstLie(call, position);
      if (from) most = std::max(most, SyncsBefore(position) - *from + 1);
    }
    return most;
  }

  uint64_t SyncsBefore(size_t position) const {
    return static_cast<uint64_t>(std::ranges::lower_bound(reader_.syncs(), position) -
                                 reader_.syncs().begin());
  }

  // Returns: the number of the first sync that lies, for a crash at the position.
  std::optional<uint64_t> FirstLie(const FaultCall& call, size_t position) const {
    const uint64_t before = SyncsBefore(position);
    uint64_t from = 1;
    if (call.values.contains("from")) from = NumberOf(call, kForm, "from");
    if (call.values.contains("last")) {
      const uint64_t last = NumberOf(call, kForm, "last");
      from = before > last ? before - last + 1 : 1;
    }
    if (from > before) return {};
    return from;
  }

  // The pages that nothing pending touches: what is lost of others, a correct disk may lose.
  PageSite SiteAt(size_t position) {
    honest_.AdvanceTo(position);
    PageSite site = reader_.SiteAt(position);
    for (SiteFile& file : site.files) {
      paths_.insert(file.path);
      std::vector<std::pair<uint64_t, uint64_t>> open;  // ranges of bytes
      for (const Effect& effect : honest_.pending()) {
        if (effect.inode != file.inode || effect.kind == EffectKind::kName) continue;
        if (effect.kind == EffectKind::kInode) open.emplace_back(0, UINT64_MAX);
        if (effect.kind == EffectKind::kTruncate) open.emplace_back(effect.size_after, UINT64_MAX);
        const bool is_bytes = effect.kind == EffectKind::kData ||
                              effect.kind == EffectKind::kZero || effect.kind == EffectKind::kClone;
        if (is_bytes) open.emplace_back(effect.begin_bytes, effect.end_bytes);
      }
      for (uint64_t page = 0; page * kPageBytes < file.size_bytes; ++page) {
        const uint64_t begin = page * kPageBytes;
        const bool is_open = std::ranges::any_of(open, [&](const auto& range) {
          return range.first < begin + kPageBytes && range.second > begin;
        });
        if (!is_open) file.pages.push_back(page);
      }
    }
    return site;
  }

  // All combinations of what the faults of pages may do, or as many of them as the largest count.
  void PlanPages(size_t position, FaultPlan& plan) {
    const PageSite site = SiteAt(position);
    const std::optional<FaultCalls> rest = WithoutPages(position);
    if (!rest) return;
    std::vector<FaultCalls> choices;
    uint64_t of = 1;
    uint64_t product = 1;
    uint64_t most = 1;
    for (const FaultCall& call : calls_) {
      const FaultType& type = TypeOf(call);
      if (type.scope != FaultScope::kPages) continue;
      Random random(Mix64(settings_.seed) ^ Mix64(position), Name(call.level));
      FaultCalls& chosen = choices.emplace_back();
      of *= type.choose(site, call, random, chosen);
      product *= chosen.size();
      most = std::max(most, NumberOf(call, kForm, "count"));
    }
    plan.of += of;
    Random random(Mix64(settings_.seed) ^ Mix64(position), plan.text);
    for (uint64_t index : Choose(product, most, random)) {
      FaultCalls instance;
      for (const FaultCalls& chosen : choices) {
        instance.push_back(chosen[index % chosen.size()]);
        index /= chosen.size();
      }
      instance.insert(instance.end(), rest->begin(), rest->end());
      plan.tasks.push_back({position, settings_, FaultText(instance, FaultForm::kInstance)});
    }
  }

  std::string Advice() const {
    std::string advice;
    for (const FaultCall& call : calls_) {
      switch (TypeOf(call).scope) {
        case FaultScope::kCrash:
          break;
        case FaultScope::kSyncs:
          advice = fmt::format(
              "the run has {} syncs; choose which of them lie, or run a target "
              "that relies on them",
              reader_.syncs().size());
          break;
        case FaultScope::kTear:
          advice = fmt::format(
              "no write was under way that model {} lets a crash cut inside a "
              "sector; choose another --model",
              settings_.model->name);
          break;
        case FaultScope::kPages: {
          const std::string path = TextOf(call, kForm, "path");
          const bool matches = std::ranges::any_of(paths_, [&](const std::string& known) {
            return ::fnmatch(path.c_str(), known.c_str(), 0) == 0;
          });
          if (!matches) {
            return fmt::format("no path is like '{}'; the run has {}", path,
                               paths_.empty() ? "none" : fmt::format("{}", fmt::join(paths_, " ")));
          }
          advice =
              "no page that was synced would have shown anything else; run more transactions, "
              "or choose other arguments";
          break;
        }
      }
    }
    return advice;
  }

  const Trace& trace_;
  const FaultCalls calls_;
  const ExploreSettings settings_;
  DamageReader reader_;
  CrashCursor honest_;
  std::set<std::string> paths_;  // that were seen at any site
};

}  // namespace

bool PutsWrongBytes(std::string_view specification) {
  const Expected<FaultCalls> calls = ParseFaults(specification, kForm);
  return calls && HasScope(*calls, FaultScope::kPages);
}

bool IsBeyondContract(const FaultCalls& calls) {
  return std::ranges::any_of(calls,
                             [](const FaultCall& call) { return !InfoOf(call.level).legal; });
}

Expected<FaultPlan> PlanFault(const Trace& trace, const ExploreSettings& settings,
                              std::string_view specification) {
  Expected<FaultCalls> calls = ParseFaults(specification, kForm);
  if (!calls) return std::unexpected(calls.error());
  if (!IsBeyondContract(*calls)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is nothing beyond the disk's contract", specification));
  }
  return Planner(trace, settings, std::move(*calls)).Plan();
}

}  // namespace plugpull
