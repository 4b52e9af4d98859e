// Lines as drivers write them. In keys and values a byte is two hexadecimal digits; "-" is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plugpull {

// Appends `bytes` to `line`.
inline void AppendHex(std::string_view bytes, std::string& line) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (bytes.empty()) line += '-';
  const size_t start = line.size();
  line.resize(start + 2 * bytes.size());
  char* out = line.data() + start;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    *out++ = kDigits[byte >> 4];
    *out++ = kDigits[byte & 15];
  }
}

// Reads `text` into `bytes`, whose memory is used again. Returns: false when it is no such word.
bool DecodeHex(std::string_view text, std::vector<std::byte>& bytes);

// Returns: the start of `line` in quotes, fit to be shown.
std::string QuoteLine(std::string_view line);

}  // namespace plugpull
