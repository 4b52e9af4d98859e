// The strategies that `plugpull compare` compares: ways to make a commit durable, each a target
// with a short name. To add one, add one line to strategy.cpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "faults/base/error.h"

namespace plugpull {

enum class StrategyGroup : uint8_t {
  kProtocols,  // plain files, updated by the `files` target
  kEngines,    // storage engines, by their own settings
};

struct Strategy {
  std::string_view name;
  StrategyGroup group;
  std::string_view description;  // a few words: 45 characters at most
  std::string_view target;
  bool group_commit = false;  // a commit waits until others share its sync
};

const std::vector<Strategy>& Strategies();

// Returns: the word for a group in reports.
std::string_view Name(StrategyGroup group);

// Returns: those that `list` names, each once, in the order of Strategies(). `list` is names
// separated by commas, where a `*` at the end stands for anything; empty: all.
// Errors: kInvalidArgument, with the nearest name.
Expected<std::vector<const Strategy*>> ChooseStrategies(std::string_view list);

}  // namespace plugpull
