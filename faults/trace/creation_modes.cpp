#include "faults/trace/creation_modes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace plugpull {
namespace {

constexpr const char* kFact = "creation_modes";  // "4=0600 7=0700"

bool IsMode(std::string_view text) {
  return text.size() == 4 && text.find_first_not_of("01234567") == std::string_view::npos;
}

}  // namespace

void SetCreationModes(Trace& trace, const CreationModes& modes) {
  std::string text;
  for (const auto& [inode, mode] : modes) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", inode, mode);
  }
  if (!text.empty()) trace.facts[kFact] = std::move(text);
}

CreationModes CreationModesOf(const Trace& trace) {
  CreationModes modes;
  const auto fact = trace.facts.find(kFact);
  if (fact == trace.facts.end()) return modes;
  std::string_view rest = fact->second;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos || !IsMode(word.substr(equals + 1))) continue;
    InodeId inode = kNoInode;
    const auto [end, error] = std::from_chars(word.data(), word.data() + equals, inode);
    if (error != std::errc() || end != word.data() + equals) continue;
    modes[inode] = word.substr(equals + 1);
  }
  return modes;
}

}  // namespace plugpull
