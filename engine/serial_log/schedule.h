// What happens in the background of a store, as a list: nothing happens unless a schedule says so.
//
//   schedule = group *( "/" group )      one group after each transaction, cyclically
//   group    = "-" | step *( "+" step )  "-": nothing
//   step     = "gopher" | "gopher" N     apply all, or at most N, committed transactions to pages
//            | "begin"                   checkpoint: mark the dirty pages
//            | "write" N                 write the next N of them
//            | "write" N "!"             write on until page N is written
//            | "write"                   write all that are left
//            | "finish"                  sync, Checkpoint record; writes what is left first
//            | "flush"                   write and sync what the log has buffered
//
// For example schedule=gopher/gopher+begin/write2/write1392!/finish. Steps that make no sense at
// their time, such as a write without a begin, do nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"

namespace plugpull::serial_log {

enum class StepKind : uint8_t { kGopher, kBegin, kWrite, kWriteUntil, kFinish, kFlush };

struct Step {
  StepKind kind = StepKind::kGopher;
  uint32_t count = 0;  // kGopher, kWrite: 0 means all; kWriteUntil: the page

  bool operator==(const Step&) const = default;
};

struct Schedule {
  std::vector<std::vector<Step>> groups{};

  bool operator==(const Schedule&) const = default;
};

// Errors: kInvalidArgument, with the word that is none.
Expected<Schedule> ParseSchedule(std::string_view text);

}  // namespace plugpull::serial_log
