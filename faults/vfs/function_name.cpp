#include "faults/vfs/function_name.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace plugpull {
namespace {

void EraseAll(std::string& text, std::string_view what) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at)) {
    text.erase(at, what.size());
  }
}

void ReplaceAll(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

// Returns: `text` without what is between brackets of any kind, and without those.
std::string WithoutBrackets(std::string_view text) {
  std::string result;
  int depth = 0;
  for (const char letter : text) {
    if (std::string_view("([<{").find(letter) != std::string_view::npos) ++depth;
    if (depth == 0) result += letter;
    if (std::string_view(")]>}").find(letter) != std::string_view::npos) --depth;
  }
  return result;
}

}  // namespace

std::string ShortFunctionName(std::string_view demangled) {
  std::string name(demangled);
  ReplaceAll(name, "{lambda(", "lambda{(");
  ReplaceAll(name, "<lambda(", "lambda<(");  // as debug information says it
  ReplaceAll(name, "(anonymous namespace)::", "");
  // The names of operators have brackets of their own.
  const size_t symbol = name.find("operator") + 8;
  if (name.find("operator") != name.npos) {
    const size_t end = name.find('(', name.compare(symbol, 2, "()") == 0 ? symbol + 2 : symbol);
    const std::string op = name.substr(symbol, end - symbol);
    const bool is_sign = op.find_first_of("()[]<>-") != op.npos && op.find("::") == op.npos;
    if (is_sign) name.replace(symbol, op.size(), "-sign");
  }
  std::string plain = WithoutBrackets(name);
  for (const char* qualifier : {" const", " volatile", " &"}) EraseAll(plain, qualifier);
  while (plain.ends_with(' ')) plain.pop_back();
  plain.erase(0, plain.rfind(' ') + 1);  // what a template returns
  ReplaceAll(plain, "operator-sign", "operator");
  ReplaceAll(plain, "lambda::operator", "lambda");
  EraseAll(plain, "plugpull::");
  return plain.empty() ? std::string(demangled) : plain;
}

std::string FunctionName(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
  if (status == 0) return ShortFunctionName(demangled.get());
  // In C the part after a dot is the compiler's: "sync.part.0".
  const std::string_view plain(symbol);
  return std::string(plain.substr(0, plain.find('.')));
}

}  // namespace plugpull
