// Arguments that page faults have in common.
#pragma once

#include "faults/inject/fault_call.h"

namespace plugpull {

// How many instances are tried at one crash point; beyond that they are drawn at random.
inline FaultArgument CountArgument(std::string_view default_text) {
  return {.name = "count",
          .default_text = default_text,
          .help = "most that are tried at one crash point, drawn at random from the seed",
          .minimum = 1,
          .maximum = 1'000'000};
}

inline FaultArgument PathArgument() {
  return {.name = "path",
          .kind = ArgumentKind::kText,
          .default_text = "*",
          .help = "files that it happens to, as a pattern with * and ?"};
}

inline FaultArgument FileArgument() {
  return {.name = "file", .kind = ArgumentKind::kText, .default_text = "", .help = "path"};
}

inline FaultArgument PageArgument(std::string_view name = "page") {
  return {.name = name,
          .default_text = "",
          .help = "of 4096 bytes, from 0",
          .minimum = 0,
          .maximum = UINT64_MAX / 4096 - 1};
}

}  // namespace plugpull
