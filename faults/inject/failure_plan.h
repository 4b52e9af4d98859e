// A plan of failing calls: which, how, how often, and what the program does then. Its text is what
// is printed and what is parsed:
//
//   fail(point=vfs/sync,path=*-wal,call=3,errno=EIO,then=once,after=go-on,aftermath=keep)
//
// Several are joined with '+'; of those that fit a call, the first decides. Keys, each at most
// once:
//   point=NAME      which calls: a failure point, or vfs/* for all that begin so; call/fdatasync
//                   are those of a traced program, by the name that the system has for them
//   path=GLOB       on which files; '*' is any text, '?' one character. Default: on all
//   offset=BYTES    only a call that is about this byte of its file
//   call=N          the n-th of these calls, from 1. Default 1
//   share=N/M,seed=S  instead of call: N of M of these calls, drawn by our own generator
//   errno=NAME      what the call returns; or short=BYTES: it does only so much
//   then=once|always  the one call, or all from it on. Default once
//   after=go-on|restart  after a transaction that fails, the program goes on with the store it has,
//                   or exits and opens it again. Default go-on
//   aftermath=...   of a sync: keep, keep-evict, late, revert (failure_point.h). Default keep
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/inject/failure_point.h"

namespace plugpull {

struct Share {
  uint64_t numerator = 0;
  uint64_t denominator = 1;
  uint64_t seed = 1;

  bool operator==(const Share&) const = default;
};

struct FailureRule {
  std::string point;  // a name, or the beginning of some and '*'
  std::string path = "*";
  std::optional<uint64_t> offset_bytes{};
  uint64_t call = 1;  // of those that fit; without a share
  std::optional<Share> share{};
  int os_errno = 0;  // 0: short
  uint64_t short_bytes = 0;
  bool always = false;
  bool restart = false;
  Aftermath aftermath = Aftermath::kKeep;

  bool operator==(const FailureRule&) const = default;
};

struct FailurePlan {
  std::vector<FailureRule> rules;

  bool operator==(const FailurePlan&) const = default;
};

// Returns: whether `name` is `pattern`, in which '*' stands for any text and '?' for a character.
bool MatchesGlob(std::string_view pattern, std::string_view name);

// Returns: whether the rule is about calls of `point`.
bool IsAbout(const FailureRule& rule, FailurePoint point);

std::string Text(const FailureRule& rule);
std::string Text(const FailurePlan& plan);

// Errors: kInvalidArgument, with the nearest valid word.
Expected<FailurePlan> ParseFailurePlan(std::string_view text);

}  // namespace plugpull
