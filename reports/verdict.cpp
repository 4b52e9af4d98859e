#include "reports/verdict.h"

#include <array>

namespace plugpull {
namespace {

struct ClassInfo {
  std::string_view name;
  Promise promise;
  std::string_view description;
};

// In the order of ViolationClass.
constexpr std::array<ClassInfo, static_cast<size_t>(kLastViolationClass) + 1> kClasses = {{
    {"refuses-to-open", Promise::kOpens, "the engine returns an error on opening"},
    {"crash-on-open", Promise::kOpens, "the engine dies while it opens, checks or reads"},
    {"hang-on-open", Promise::kOpens, "the engine does not finish opening, checking or reading"},
    {"structure", Promise::kIntact, "the engine's own check finds damage"},
    {"wrong-value", Promise::kIntact, "a key shows a value that nobody ever wrote to it"},
    {"not-idempotent", Promise::kIntact, "opening a second time shows something else"},
    {"unusable-after", Promise::kIntact, "the recovered store fails when it is used again"},
    {"leak", Promise::kIntact, "space that nothing owns and nothing will free"},
    {"partial-commit", Promise::kAtomic, "some changes of a transaction are there, others not"},
    {"reader-changed", Promise::kAtomic, "an open reader's snapshot changed"},
    {"hole", Promise::kPrefix, "a transaction is missing, a later one is there"},
    {"resurrected", Promise::kPrefix, "deleted keys are back"},
    {"lost-commit", Promise::kDurable, "acknowledged transactions are gone, all before are there"},
    {"never-converges", Promise::kIntact,
     "each recovery that is cut short leaves more to recover than the one before"},
    {"acknowledged-after-error", Promise::kDurable,
     "a transaction is gone that was acknowledged though a call had failed"},
    {"check-failed", Promise::kDurable, "the check command says that an image is not consistent"},
    {"check-exit", Promise::kDurable,
     "the check command ended with a status other than 0 (consistent) and 1 (violation)"},
}};

constexpr std::array<std::string_view, 5> kPromises = {"opens", "intact", "atomic", "prefix",
                                                       "durable"};
constexpr std::array<std::string_view, 5> kPromiseDescriptions = {
    "after a crash the store opens",
    "and is structurally sound, with no value that nobody wrote",
    "and every transaction is there wholly or not at all",
    "and no transaction is there without those before it",
    "and every acknowledged transaction is there",
};
constexpr std::array<std::string_view, 3> kVerdicts = {"held", "violated", "unknown"};

}  // namespace

std::string_view Name(Promise promise) { return kPromises[static_cast<size_t>(promise)]; }
std::string_view Describe(Promise promise) {
  return kPromiseDescriptions[static_cast<size_t>(promise)];
}
std::string_view Name(ViolationClass violation) {
  return kClasses[static_cast<size_t>(violation)].name;
}
std::string_view Describe(ViolationClass violation) {
  return kClasses[static_cast<size_t>(violation)].description;
}
std::string_view Name(Verdict verdict) { return kVerdicts[static_cast<size_t>(verdict)]; }

Promise BrokenPromise(ViolationClass violation) {
  return kClasses[static_cast<size_t>(violation)].promise;
}

std::optional<Promise> ParsePromise(std::string_view word) {
  for (size_t i = 0; i < kPromises.size(); ++i) {
    if (kPromises[i] == word) return static_cast<Promise>(i);
  }
  return std::nullopt;
}

std::optional<ViolationClass> ParseViolationClass(std::string_view word) {
  for (size_t i = 0; i < kClasses.size(); ++i) {
    if (kClasses[i].name == word) return static_cast<ViolationClass>(i);
  }
  return std::nullopt;
}

}  // namespace plugpull
