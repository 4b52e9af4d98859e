#include "harness/recovery.h"

#include <fmt/format.h>

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
                   std::vector<Transaction> use, std::atomic<Phase>& phase)
    : target_(target), model_(model), promise_(promise), use_(std::move(use)), phase_(phase) {}

Expected<ContentDigest> Recovery::Digest() {
  DigestVisitor visitor;
  const Expected<void> scanned = engine_->Scan(visitor);
  if (!scanned) return std::unexpected(scanned.error());
  return visitor.digest();
}

std::optional<std::string> Recovery::Damage(ViolationClass& violation) {
  Expected<CheckReport> report = engine_->Check();
  violation = ViolationClass::kStructure;
  if (!report) return fmt::format("the check failed: {}", Describe(report.error()));
  if (!report->structure.empty()) return std::move(report->structure.front());
  violation = ViolationClass::kLeak;
  if (!report->leaks.empty()) return std::move(report->leaks.front());
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
  for (const Transaction& transaction : use_) {
    if (const Expected<void> applied = engine_->Apply(transaction); !applied) {
      return fail(ViolationClass::kUnusableAfter,
                  fmt::format("a transaction failed: {}", Describe(applied.error())));
    }
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
