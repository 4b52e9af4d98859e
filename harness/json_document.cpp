#include "harness/json_document.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace plugpull {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// How the brackets of a text go, whatever else it says.
struct Nesting {
  int deepest = 0;
  bool is_open = false;  // the text ends inside something
};

Nesting NestingOf(std::string_view text) {
  Nesting nesting;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      nesting.deepest = std::max(nesting.deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  nesting.is_open = in_string || depth > 0;
  return nesting;
}

template <typename Json>
std::string OnOneLine(const Json& value) {
  return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

// The outermost levels have a line for each of their entries, as have lists of texts; what is
// deeper is a line of its own.
bool IsSpread(const ordered_json& value, int depth) {
  if (!value.is_structured() || value.empty()) return false;
  const bool is_text =
      std::ranges::all_of(value, [](const ordered_json& entry) { return entry.is_string(); });
  return depth < 2 || (value.is_array() && is_text);
}

void Put(const ordered_json& value, int depth, std::string& text) {
  if (!IsSpread(value, depth)) {
    text += OnOneLine(value);
    return;
  }
  text += value.is_object() ? "{" : "[";
  bool is_first = true;
  for (const auto& [key, entry] : value.items()) {
    text += is_first ? "\n" : ",\n";
    is_first = false;
    text.append(static_cast<size_t>(depth) + 1, ' ');
    if (value.is_object()) text += OnOneLine(ordered_json(key)) + ": ";
    Put(entry, depth + 1, text);
  }
  text += '\n';
  text.append(static_cast<size_t>(depth), ' ');
  text += value.is_object() ? "}" : "]";
}

}  // namespace

DocumentTrouble ParseDocument(std::string_view text, json& document) {
  const Nesting nesting = NestingOf(text);
  if (nesting.deepest > kDeepestDocument) return DocumentTrouble::kNotJson;
  document = json::parse(text.begin(), text.end(), nullptr, false);
  if (!document.is_discarded()) return DocumentTrouble::kNone;
  return nesting.is_open ? DocumentTrouble::kCut : DocumentTrouble::kNotJson;
}

std::string LayOutDocument(const ordered_json& document) {
  std::string text;
  Put(document, 0, text);
  text += '\n';
  return text;
}

std::string DocumentDigest(const json& document) {
  const std::string text = OnOneLine(document);  // members of a json are sorted
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace plugpull
