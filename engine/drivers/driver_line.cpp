#include "engine/drivers/driver_line.h"

#include <array>

namespace plugpull {
namespace {

constexpr uint8_t kNoDigit = 0xff;

constexpr std::array<uint8_t, 256> MakeDigits() {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (uint8_t i = 0; i < 10; ++i) digits['0' + i] = i;
  for (uint8_t i = 0; i < 6; ++i) digits['a' + i] = digits['A' + i] = static_cast<uint8_t>(10 + i);
  return digits;
}

constexpr std::array<uint8_t, 256> kDigits = MakeDigits();

}  // namespace

bool DecodeHex(std::string_view text, std::vector<std::byte>& bytes) {
  bytes.clear();
  if (text == "-") return true;
  if (text.empty() || text.size() % 2 != 0) return false;
  bytes.resize(text.size() / 2);
  uint8_t seen = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint8_t high = kDigits[static_cast<uint8_t>(text[2 * i])];
    const uint8_t low = kDigits[static_cast<uint8_t>(text[2 * i + 1])];
    seen |= high | low;  // a digit leaves the upper four bits clear, kNoDigit sets them
    bytes[i] = static_cast<std::byte>(high << 4 | low);
  }
  return seen < 16;
}

std::string QuoteLine(std::string_view line) {
  constexpr size_t kShown = 80;
  std::string quoted = "'";
  for (const char c : line.substr(0, kShown)) quoted += c >= ' ' && c <= '~' ? c : '?';
  quoted += line.size() > kShown ? "...'" : "'";
  return quoted;
}

}  // namespace plugpull
