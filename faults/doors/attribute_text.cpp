#include "faults/doors/attribute_text.h"

#include <charconv>

namespace plugpull {
namespace {

constexpr mode_t kHighestMode = 07777;

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text, int base) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, trouble] = std::from_chars(text.data(), end, number, base);
  if (trouble != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

}  // namespace

std::optional<mode_t> ParseMode(std::string_view text) {
  const std::optional<mode_t> mode = ParseNumber<mode_t>(text, 8);
  return mode && *mode <= kHighestMode ? mode : std::nullopt;
}

std::optional<Owner> ParseOwner(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const std::optional<uid_t> user = ParseNumber<uid_t>(text.substr(0, colon), 10);
  const std::optional<gid_t> group = ParseNumber<gid_t>(text.substr(colon + 1), 10);
  if (!user || !group) return std::nullopt;
  return Owner{*user, *group};
}

}  // namespace plugpull
