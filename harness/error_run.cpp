#include "harness/error_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "faults/base/assert.h"
#include "faults/inject/failing_vfs.h"
#include "faults/vfs/call_stack.h"
#include "faults/vfs/recording_vfs.h"
#include "harness/reference_model.h"

namespace plugpull {
namespace {

// A store that cannot be opened this often in a row, with some call failing each time, stays shut.
constexpr uint32_t kMostOpens = 3;

// A run ends after so many transactions in a row that failed: what fails for good keeps failing.
constexpr uint32_t kMostFailuresInARow = 3;

constexpr std::array<std::string_view, kErrorOutcomes> kOutcomeNames = {
    "never-fired", "absorbed", "failed", "refused", "violated"};

// Returns: the transaction that turns one content into another.
Transaction Difference(const Content& from, const Content& to) {
  Transaction difference;
  for (const auto& [key, value] : from) {
    if (!to.contains(key)) difference.changes.push_back({key, std::nullopt});
  }
  for (const auto& [key, value] : to) {
    const auto before = from.find(key);
    if (before == from.end() || before->second != value) {
      difference.changes.push_back({key, value});
    }
  }
  return difference;
}

class ErrorRunner {
 public:
  ErrorRunner(const Target& target, const FailurePlan& plan)
      : target_(target),
        failing_(memory_),
        recorder_(failing_, &failing_.report()),
        injector_(plan),
        contents_(1),
        digests_(1) {
    injector_.OnFirst([this] { failed_at_ = recorder_.trace().ops.size(); });
    if (plan.rules.empty()) injector_.KeepCalls();
    recorder_.NoteCallSites();
  }

  ErrorRun Run(std::map<std::string, std::string> facts, const std::vector<Transaction>& workload) {
    recorder_.trace().facts = std::move(facts);
    Open();
    uint32_t failures_in_row = 0;
    for (const Transaction& transaction : workload) {
      if (IsOver() || failures_in_row == kMostFailuresInARow) break;
      failures_in_row = Attempt(transaction) ? 0 : failures_in_row + 1;
    }
    if (!IsOver()) Look(/*goes_on=*/false);
    engine_.reset();
    ErrorRun run;
    run.outcome = violation_ ? ErrorOutcome::kViolated : outcome_;
    if (run.outcome == ErrorOutcome::kNeverFired && injector_.failures() > 0) {
      run.outcome = ErrorOutcome::kAbsorbed;
    }
    run.violation = violation_;
    run.calls = injector_.calls();
    run.fired = injector_.fired();
    run.trace = std::move(recorder_.trace());
    run.trace.facts["errors"] = Text(injector_.plan());
    run.trace.facts["error_kind"] = KindOf(injector_.plan());
    if (failed_at_) run.trace.facts["failed_at"] = std::to_string(*failed_at_);
    for (const Op& op : run.trace.ops) {
      const bool has_aftermath = IsFailedSync(op) && op.kind != OpKind::kSyncDirectory &&
                                 (op.flags & kNothingDropped) == 0;
      if (has_aftermath) run.trace.facts["aftermath"] = Name(injector_.last().aftermath);
    }
    return run;
  }

 private:
  bool IsOver() const { return violation_ || is_shut_; }

  void Worsen(ErrorOutcome outcome) { outcome_ = std::max(outcome_, outcome); }

  void Violate(ViolationClass violation, std::string message) {
    violation_ = Violation{violation, std::move(message)};
  }

  // Opens the store, again and again as long as some call fails meanwhile.
  void Open() {
    const CallBorder border;
    for (uint32_t i = 0; i < kMostOpens; ++i) {
      const uint64_t failures_before = injector_.failures();
      engine_.reset();
      waiting_.clear();  // nobody will say any more whether they were committed
      engine_ = target_.Create(recorder_);
      const Expected<void> opened = engine_->Open();
      if (opened) return;
      Worsen(ErrorOutcome::kRefused);
      if (injector_.failures() != failures_before) continue;
      Violate(ViolationClass::kRefusesToOpen,
              fmt::format("while running, opened again after a failed call: {}",
                          Describe(opened.error())));
      return;
    }
    is_shut_ = true;
    engine_.reset();
  }

  // Adds a transaction to the history and marks it attempted. Returns: its number.
  uint32_t Begin(const Transaction& transaction) {
    Content after = contents_.back();
    ApplyTo(after, transaction);
    digests_.push_back(DigestOf(after));
    contents_.push_back(std::move(after));
    recorder_.trace().transactions.push_back(transaction);
    const auto number = static_cast<uint32_t>(recorder_.trace().transactions.size());
    recorder_.Begin(number);
    return number;
  }

  // Returns: false when the transaction failed.
  bool Attempt(const Transaction& transaction) {
    const CallBorder border;
    const uint64_t failures_before = injector_.failures();
    const uint32_t number = Begin(transaction);
    const Expected<void> applied = engine_->Apply(transaction);
    if (applied) {
      waiting_.push_back(number);
      while (waiting_.size() > engine_->Pending()) {
        acknowledged_ = waiting_.front();
        recorder_.Acknowledge(acknowledged_);
        waiting_.erase(waiting_.begin());
      }
      is_fresh_ = false;
      return true;
    }
    Worsen(ErrorOutcome::kFailed);
    const bool was_made_to_fail = injector_.failures() != failures_before;
    if (!was_made_to_fail && (is_fresh_ || injector_.failures() == 0)) {
      Violate(ViolationClass::kUnusableAfter,
              fmt::format("while running: a transaction failed though no call did: {}",
                          Describe(applied.error())));
      return false;
    }
    // A store that takes no more transactions after an error is within its rights; a user restarts
    // it.
    is_fresh_ = !was_made_to_fail || injector_.last().restart;
    if (!was_made_to_fail) Worsen(ErrorOutcome::kRefused);
    if (is_fresh_) Open();
    if (!IsOver()) Look(/*goes_on=*/true);
    return false;
  }

  Expected<ContentDigest> Scan() {
    const CallBorder border;
    DigestVisitor visitor;
    if (const Expected<void> scanned = engine_->Scan(visitor); !scanned) {
      return std::unexpected(scanned.error());
    }
    return visitor.digest();
  }

  // Reads the store: as the program would, then, where that fails, with nothing made to fail, then
  // opened again. Returns: nothing after a violation.
  std::optional<ContentDigest> ReadStore() {
    if (const Expected<ContentDigest> digest = Scan()) return *digest;
    injector_.Suspend();
    Expected<ContentDigest> digest = Scan();
    if (!digest) {
      Worsen(ErrorOutcome::kRefused);
      Open();
      if (!IsOver()) digest = Scan();
    }
    injector_.Resume();
    if (IsOver()) return std::nullopt;
    if (digest) return *digest;
    Violate(ViolationClass::kStructure,
            fmt::format("while running: reading failed: {}", Describe(digest.error())));
    return std::nullopt;
  }

  // Looks which contents the store shows, and makes them the end of the history.
  void Look(bool goes_on) {
    const std::optional<ContentDigest> digest = ReadStore();
    if (!digest) return;
    const auto newest = static_cast<uint32_t>(digests_.size() - 1);
    for (uint32_t shown = newest + 1; shown-- > acknowledged_;) {
      if (digests_[shown] != *digest) continue;
      if (shown == newest || !goes_on) return;
      std::erase_if(waiting_, [shown](uint32_t number) { return number > shown; });
      Begin(Difference(contents_[newest], contents_[shown]));
      return;
    }
    ContentVisitor visitor;
    injector_.Suspend();
    const Expected<void> scanned = engine_->Scan(visitor);
    injector_.Resume();
    if (!scanned || visitor.duplicates()) {
      Violate(ViolationClass::kStructure, "while running: a scan shows the same key twice");
      return;
    }
    const ReferenceModel model(recorder_.trace().transactions);
    ContentFault fault = model.Diagnose(visitor.content(), *digest,
                                        {.acknowledged = acknowledged_, .attempted = newest});
    if (fault.violation == ViolationClass::kLostCommit) {
      fault.violation = ViolationClass::kAcknowledgedAfterError;
    }
    Violate(fault.violation, "while running: " + fault.message);
  }

  const Target& target_;
  MemoryVfs memory_;
  FailingVfs failing_;
  RecordingVfs recorder_;
  FailureInjector injector_;
  std::unique_ptr<Engine> engine_;
  std::vector<Content> contents_;       // [n]: after transaction n
  std::vector<ContentDigest> digests_;  // of the same
  std::vector<uint32_t> waiting_;       // applied with success, not acknowledged yet
  uint32_t acknowledged_ = 0;
  ErrorOutcome outcome_ = ErrorOutcome::kNeverFired;
  std::optional<Violation> violation_;
  std::optional<size_t> failed_at_;
  bool is_fresh_ = false;  // opened again, and no transaction has worked since
  bool is_shut_ = false;
};

}  // namespace

std::string_view Name(ErrorOutcome outcome) { return kOutcomeNames[static_cast<size_t>(outcome)]; }

std::string KindOf(const FailurePlan& plan) {
  std::string kind;
  for (const FailureRule& rule : plan.rules) {
    if (!kind.empty()) kind += " + ";
    kind += rule.point;
    const bool drops =
        IsAbout(rule, FailurePoint::kSync) && rule.os_errno != EINTR && rule.os_errno != 0;
    if (drops) kind += fmt::format(" {}", Name(rule.aftermath));
    if (rule.restart) kind += " restart";
  }
  return kind;
}

Expected<ErrorRun> RunWithFailures(const RecordSettings& settings, const FailurePlan& plan) {
  const Expected<Target> target = ParseTarget(settings.target);
  if (!target) return std::unexpected(target.error());
  const Workload* workload = FindWorkload(settings.workload);
  if (workload == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no workload '{}'", settings.workload));
  }
  ErrorRun run =
      ErrorRunner(*target, plan).Run(FactsOf(settings), workload->generate(settings.options));
  if (plan.rules.empty() && run.violation) {
    return Fail(ErrorCode::kTargetFailed, fmt::format("{} failed though no fault was injected: {}",
                                                      settings.target, run.violation->message));
  }
  return run;
}

std::optional<size_t> FirstFailure(const Trace& trace) {
  const auto fact = trace.facts.find("failed_at");
  if (fact == trace.facts.end()) return std::nullopt;
  size_t position = 0;
  const char* end = fact->second.data() + fact->second.size();
  const auto [stop, error] = std::from_chars(fact->second.data(), end, position);
  if (error != std::errc() || stop != end) return std::nullopt;
  return position;
}

std::optional<FailedSync> FailedSyncOf(const Trace& trace) {
  const auto fact = trace.facts.find("aftermath");
  if (fact == trace.facts.end()) return std::nullopt;
  if (fact->second == Name(Aftermath::kLate)) return FailedSync::kLate;
  if (fact->second == Name(Aftermath::kRevert)) return FailedSync::kRevert;
  return FailedSync::kKeep;
}

bool AcknowledgedAfterFailure(const Trace& trace, size_t position) {
  const std::optional<size_t> failed_at = FirstFailure(trace);
  if (!failed_at) return false;
  for (size_t i = std::min(position, trace.ops.size()); i-- > *failed_at;) {
    if (trace.ops[i].kind == OpKind::kAcknowledge) return true;
  }
  return false;
}

}  // namespace plugpull
