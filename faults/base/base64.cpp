#include "faults/base/base64.h"

#include <array>
#include <cstdint>

namespace plugpull {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 64;

constexpr std::array<uint8_t, 256> kDigits = [] {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return digits;
}();

}  // namespace

std::string ToBase64(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t k) {
      return i + k < bytes.size() ? std::to_integer<uint32_t>(bytes[i + k]) : 0U;
    };
    const uint32_t bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    text += kAlphabet[bits >> 18];
    text += kAlphabet[bits >> 12 & 63];
    text += i + 1 < bytes.size() ? kAlphabet[bits >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? kAlphabet[bits & 63] : '=';
  }
  return text;
}

std::optional<std::vector<std::byte>> FromBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const size_t digits = i + 4 == text.size() ? 4 - padding : 4;
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k) {
      const uint8_t digit = k < digits ? kDigits[static_cast<uint8_t>(text[i + k])] : 0;
      if (digit == kNoDigit) return std::nullopt;
      bits = bits << 6 | digit;
    }
    // What padding leaves over of the last digit is zero, or there were two texts for some bytes.
    const bool has_rest = (digits == 2 && (bits & 0xFFFF) != 0) || (digits == 3 && (bits & 0xFF));
    if (has_rest) return std::nullopt;
    for (size_t k = 0; k + 1 < digits; ++k) {
      bytes.push_back(static_cast<std::byte>(bits >> (16 - 8 * k)));
    }
  }
  return bytes;
}

}  // namespace plugpull
