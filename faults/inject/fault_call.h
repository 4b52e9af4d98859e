// Faults as text: "stale-page(age=1..20,path=*.db)". What is printed is what is parsed.
//
//   FAULT   = NAME [ "(" NAME "=" VALUE { "," NAME "=" VALUE } ")" ]
//   FAULTS  = FAULT { "+" FAULT }          all of them together
//   LIST    = FAULTS { "," FAULTS }        each on its own
//
// A value that would not be read back writes a byte as %XX. Arguments that have their default are
// not printed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "faults/base/error.h"
#include "faults/inject/fault_level.h"

namespace plugpull {

enum class ArgumentKind : uint8_t {
  kNumber,  // "3"
  kRange,   // "3", "1..20"
  kWord,    // one of some words
  kText,    // a path, or a pattern with * and ?
};

struct FaultArgument {
  std::string_view name;
  ArgumentKind kind = ArgumentKind::kNumber;
  std::string_view default_text{};  // empty: none; of an instance, it must be given then
  std::string_view help{};
  uint64_t minimum = 0;  // of a number, and of both ends of a range
  uint64_t maximum = 0;
  std::vector<std::string_view> words = {};
};

// One fault with the arguments that were given and are not defaults.
struct FaultCall {
  FaultLevel level = FaultLevel::kPowerCut;
  std::map<std::string, std::string, std::less<>> values;  // as they are meant, not as written

  bool operator==(const FaultCall&) const = default;
};

// Faults that happen together, in the order that they were written in.
using FaultCalls = std::vector<FaultCall>;

// A specification says what to try; an instance is one thing that happened, and has a place.
enum class FaultForm : uint8_t { kSpecification, kInstance };

// Errors: kInvalidArgument: no such fault or argument, with the nearest word; a value that cannot
// be, with those that can; an argument twice, or two that exclude one another.
Expected<FaultCalls> ParseFaults(std::string_view text, FaultForm form);

// Returns: the text that ParseFaults reads back.
std::string FaultText(const FaultCall& call, FaultForm form);
std::string FaultText(const FaultCalls& calls, FaultForm form);

// Returns: the parts of a list that stand between commas outside of parentheses.
std::vector<std::string> SplitFaultList(std::string_view list);

// The values of a call, with defaults. Requires: the argument is one of the form, of that kind, and
// has a value or a default.
std::string TextOf(const FaultCall& call, FaultForm form, std::string_view name);
uint64_t NumberOf(const FaultCall& call, FaultForm form, std::string_view name);
std::pair<uint64_t, uint64_t> RangeOf(const FaultCall& call, FaultForm form, std::string_view name);

}  // namespace plugpull
