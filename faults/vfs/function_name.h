// Names of functions for people.
#pragma once

#include <string>
#include <string_view>

namespace plugpull {

// Returns: the name of the function of an ELF symbol: demangled, and without namespace plugpull,
// unnamed namespaces, arguments of functions and templates, return types and what compilers append.
// A lambda is "lambda" in its function.
std::string FunctionName(const char* symbol);

// The same for a demangled name.
std::string ShortFunctionName(std::string_view demangled);

}  // namespace plugpull
