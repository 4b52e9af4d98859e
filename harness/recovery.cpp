#include "harness/recovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/assert.h"
#include "harness/readers.h"

namespace plugpull {

std::string_view Describe(Phase phase) {
  switch (phase) {
    case Phase::kOpen:
      return "while opening";
    case Phase::kCheck:
      return "while checking";
    case Phase::kScan:
      return "while reading";
    case Phase::kReopen:
      return "while opening a second time";
    case Phase::kUse:
      return "while being used after recovery";
    case Phase::kUnwinding:
      return "while giving up after the power had failed in a recovery";
  }
  return "";
}

Recovery::Recovery(const Target& target, const ReferenceModel& model, Promise promise,
                   std::vector<Transaction> use, std::atomic<Phase>& phase, bool with_reader)
    : target_(target),
      model_(model),
      promise_(promise),
      use_(std::move(use)),
      phase_(phase),
      with_reader_(with_reader) {}

Expected<ContentDigest> Recovery::Digest() {
  DigestVisitor visitor;
  const Expected<void> scanned = engine_->Scan(visitor);
  if (!scanned) return std::unexpected(scanned.error());
  return visitor.digest();
}

void Recovery::LookFor(const std::string& pattern) {
  symptom_.reset();
  if (pattern.empty()) return;
  Expected<Symptom> symptom = Symptom::Parse(pattern);
  Assert(symptom.has_value(), "a symptom was looked at before it became a setting");
  symptom_ = *std::move(symptom);
}

// Returns: the complaint that is told, moved out. Requires: there is one.
std::string Recovery::Chosen(std::vector<std::string>& complaints) const {
  auto chosen = complaints.begin();
  if (symptom_) {
    const auto shows = [this](const std::string& line) { return symptom_->Matches(line); };
    const auto first = std::ranges::find_if(complaints, shows);
    if (first != complaints.end()) chosen = first;
  }
  return std::move(*chosen);
}

std::optional<std::string> Recovery::Damage(ViolationClass& violation) {
  Expected<CheckReport> report = engine_->Check();
  violation = ViolationClass::kStructure;
  if (!report) return fmt::format("the check failed: {}", Describe(report.error()));
  if (!report->structure.empty()) return Chosen(report->structure);
  violation = ViolationClass::kLeak;
  if (!report->leaks.empty()) return Chosen(report->leaks);
  return std::nullopt;
}

Judgement Recovery::Judge(const EngineMaker& make, Window window) {
  Judgement judgement;
  phase_ = Phase::kOpen;
  engine_ = make();
  if (const Expected<void> opened = engine_->Open(); !opened) {
    judgement.violation = {ViolationClass::kRefusesToOpen, Describe(opened.error())};
    return judgement;
  }
  if (promise_ == Promise::kOpens) return judgement;
  Enter(Phase::kCheck);
  ViolationClass damaged{};
  if (std::optional<std::string> damage = Damage(damaged)) {
    judgement.violation = {damaged, std::move(*damage)};
    return judgement;
  }
  Enter(Phase::kScan);
  const Expected<ContentDigest> digest = Digest();
  if (!digest) {
    judgement.violation = {ViolationClass::kStructure,
                           fmt::format("reading failed: {}", Describe(digest.error()))};
    return judgement;
  }
  judgement.digest = *digest;
  const uint32_t oldest = promise_ == Promise::kDurable ? window.acknowledged : 0;
  if (const auto found = model_.Find(*digest, oldest, window.attempted)) {
    judgement.known_state = true;
    judgement.recovered_transaction = *found;
    return judgement;
  }
  ContentVisitor visitor;
  if (const Expected<void> scanned = engine_->Scan(visitor); !scanned) {
    judgement.violation = {ViolationClass::kStructure,
                           fmt::format("reading failed: {}", Describe(scanned.error()))};
    return judgement;
  }
  ContentFault fault = visitor.duplicates() ? ContentFault{ViolationClass::kStructure,
                                                           "a scan shows the same key twice"}
                                            : model_.Diagnose(visitor.content(), *digest, window);
  if (Counts(fault.violation)) judgement.violation = {fault.violation, std::move(fault.message)};
  return judgement;
}

std::optional<Violation> Recovery::RunUse() {
  std::optional<Reader> reader;
  if (with_reader_) {
    Expected<std::optional<Reader>> opened = Reader::Open(*engine_);
    if (!opened) {
      return Violation{ViolationClass::kUnusableAfter,
                       fmt::format("a reader failed to open: {}", Describe(opened.error()))};
    }
    reader = std::move(*opened);
  }
  for (size_t i = 0; i < use_.size(); ++i) {
    if (const Expected<void> applied = engine_->Apply(use_[i]); !applied) {
      return Violation{ViolationClass::kUnusableAfter,
                       fmt::format("a transaction failed: {}", Describe(applied.error()))};
    }
    if (!reader) continue;
    if (const std::optional<std::string> wrong = reader->Change()) {
      return Violation{ViolationClass::kReaderChanged,
                       fmt::format("a reader that was opened on the recovered store changed after "
                                   "transaction {} of its use: {}",
                                   i + 1, *wrong)};
    }
  }
  return std::nullopt;
}

Judgement Recovery::Use(const EngineMaker& make, Judgement judgement) {
  Enter(Phase::kReopen);
  const auto fail = [&judgement, this](ViolationClass violation, std::string message) {
    if (Counts(violation)) judgement.violation = {violation, std::move(message)};
    return judgement;
  };
  if (const Expected<void> closed = engine_->Close(); !closed) {
    return fail(ViolationClass::kUnusableAfter,
                fmt::format("closing failed: {}", Describe(closed.error())));
  }
  engine_.reset();
  engine_ = make();
  if (const Expected<void> opened = engine_->Open(); !opened) {
    return fail(ViolationClass::kNotIdempotent,
                fmt::format("the second open failed: {}", Describe(opened.error())));
  }
  Expected<ContentDigest> digest = Digest();
  if (!digest || *digest != judgement.digest) {
    return fail(ViolationClass::kNotIdempotent, "the second open shows other contents");
  }
  Enter(Phase::kUse);
  if (std::optional<Violation> wrong = RunUse()) {
    return fail(wrong->violation, std::move(wrong->message));
  }
  const ContentDigest expected = model_.DigestAfter(judgement.recovered_transaction, use_);
  digest = Digest();
  if (!digest || *digest != expected) {
    return fail(ViolationClass::kUnusableAfter, "the contents after use are not what was written");
  }
  engine_.reset();  // as a dying process would, without closing
  engine_ = make();
  if (const Expected<void> opened = engine_->Open(); !opened) {
    return fail(ViolationClass::kUnusableAfter,
                fmt::format("opening after use failed: {}", Describe(opened.error())));
  }
  ViolationClass violation{};
  if (const std::optional<std::string> damage = Damage(violation)) {
    return fail(ViolationClass::kUnusableAfter, fmt::format("damaged by use: {}", *damage));
  }
  digest = Digest();
  if (!digest || *digest != expected) {
    return fail(ViolationClass::kUnusableAfter,
                "the contents after use and reopening are not what was written");
  }
  return judgement;
}

}  // namespace plugpull
