// One recovery: open the store on what a crash left, check it, read it, compare it with the
// reference model, and, where all is well, open it once more and use it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/target.h"
#include "faults/vfs/vfs.h"
#include "harness/reference_model.h"
#include "harness/symptom.h"

namespace plugpull {

// How far a recovery has come. If the process dies, this says what it died of.
// kUnwinding: the power has failed in a recovery, and the engine is giving up. That is no recovery
// any more; whatever happens in it says nothing about the engine.
enum class Phase : uint8_t { kOpen, kCheck, kScan, kReopen, kUse, kUnwinding };

// Returns: "while opening" and so on.
std::string_view Describe(Phase phase);

struct Violation {
  ViolationClass violation = ViolationClass::kLostCommit;
  std::string message;

  bool operator==(const Violation&) const = default;
};

// What the engine showed, and what is to be said of it.
struct Judgement {
  std::optional<Violation> violation;
  bool known_state = false;  // the contents are those after `recovered_transaction`
  uint32_t recovered_transaction = 0;
  ContentDigest digest;

  bool operator==(const Judgement&) const = default;
};

// Makes an unopened store on what the crash left; each time on the same.
using EngineMaker = std::function<std::unique_ptr<Engine>()>;

class Recovery {
 public:
  // Requires: everything referred to outlives this object. `phase` may be shared memory.
  // `with_reader`: one is open while the store is used, if the engine has readers.
  Recovery(const Target& target, const ReferenceModel& model, Promise promise,
           std::vector<Transaction> use, std::atomic<Phase>& phase, bool with_reader = false);

  // Of several complaints of a check, the first that shows the symptom is the one that is told.
  // Requires: the pattern is empty, for none, or Symptom::Parse takes it.
  void LookFor(const std::string& pattern);

  // Opens, checks, reads and judges the store on `vfs`. The open engine stays for Use.
  // Requires: the target is not a program.
  Judgement Judge(Vfs& vfs, Window window) {
    return Judge([&] { return target_.Create(vfs); }, window);
  }

  // The same for any store.
  Judgement Judge(const EngineMaker& make, Window window);

  // After a Judge that found a known state: opens the store a second time and then uses it.
  // Returns: `judgement`, with a violation if there is one now.
  Judgement Use(Vfs& vfs, Judgement judgement) {
    return Use([&] { return target_.Create(vfs); }, std::move(judgement));
  }
  Judgement Use(const EngineMaker& make, Judgement judgement);

  // Says that the power has failed: until the next Judge, nothing counts.
  void NoticeDeath() { phase_ = Phase::kUnwinding; }

  // Lets go of the engine as a dying process would. Call before the Vfs is restarted.
  void Drop() { engine_.reset(); }

 private:
  void Enter(Phase phase) {
    if (phase_ != Phase::kUnwinding) phase_ = phase;
  }
  bool Counts(ViolationClass violation) const { return BrokenPromise(violation) <= promise_; }
  Expected<ContentDigest> Digest();
  // Runs the transactions of the use. Returns: what went wrong.
  std::optional<Violation> RunUse();
  std::string Chosen(std::vector<std::string>& complaints) const;
  // Returns: what Check finds, where that breaks a promise asked about.
  std::optional<std::string> Damage(ViolationClass& violation);

  const Target& target_;
  const ReferenceModel& model_;
  Promise promise_;
  std::vector<Transaction> use_;
  std::atomic<Phase>& phase_;
  bool with_reader_;
  std::optional<Symptom> symptom_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace plugpull
