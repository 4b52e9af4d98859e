// What `explain` tells of one case: a paragraph for somebody who has never seen this program, the
// operations around the crash with what became of each, what recovery did, and which keys are
// wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reports/console.h"
#include "reports/verdict.h"

namespace plugpull {

enum class RowMark : uint8_t {
  kNone,     // nothing that a crash could undo
  kBefore,   // it was there before the run
  kDurable,  // a sync had made it durable
  kGone,     // it did not matter any more
  kKept,     // it could have been lost, and was not
  kLost,
  kTorn,    // a part of its bytes was lost
  kPartly,  // one of the several things that it does was lost
  kSync,
  kBegin,
  kAcknowledge,
  kCrash,
  kLeftOut,  // operations that are not shown
  kMissing,  // the place of a sync that is missing
};
std::string_view Name(RowMark mark);

// One line of the timeline.
struct TimelineRow {
  RowMark mark = RowMark::kNone;
  bool is_operation = false;  // it has a number
  uint64_t number = 0;
  uint32_t transaction = 0;            // begun last before it; 0: none
  std::string what;                    // "write 4096 bytes at 8192 of store.db"
  std::string fate = {};               // "made durable by 94"
  std::vector<std::string> site = {};  // the frames of who called, the innermost first
};

// A key that is not as it should be, in words.
struct KeyRow {
  std::string key;
  std::string found;     // "the value of transaction 3"
  std::string expected;  // "absent"
};

struct CaseExplanation {
  std::string id;
  std::string target;  // a program of the user's: its check
  std::string model;
  Promise promise = Promise::kDurable;
  ViolationClass violation = ViolationClass::kLostCommit;
  std::string message;
  uint32_t transactions_acknowledged = 0;
  uint32_t transactions_attempted = 0;
  // The paragraph, in this order. Each is sentences, or empty.
  std::string promised = {};   // what, by whom, and how far the run had come
  std::string lost = {};       // what the crash or the fault took
  std::string recovered = {};  // what recovery made of that
  std::string wrong = {};      // why that breaks the promise
  std::string missing = {};    // which sync would have saved it, or that none would
  std::vector<TimelineRow> timeline = {};
  std::vector<std::string> recovery = {};  // step by step, where it was seen
  std::vector<KeyRow> keys = {};
  uint64_t keys_differing = 0;      // those in `keys` and more
  std::string expected_state = {};  // what `keys` are compared with: "after transaction 5"
  bool is_reproduced = true;
  std::string instead = {};  // not reproduced: what was seen
};

// Returns: the sentences, one after another.
std::string Summary(const CaseExplanation& explanation);

// Returns: what a person reads, in lines of at most 100 columns. Text of engines and programs is
// escaped.
std::string RenderExplanationConsole(const CaseExplanation& explanation, ConsoleStyle style);

std::string RenderExplanationMarkdown(const CaseExplanation& explanation);

// Returns: an object of schema plugpull.explanation/1. Fields are only ever added.
std::string RenderExplanationJson(const CaseExplanation& explanation);

}  // namespace plugpull
