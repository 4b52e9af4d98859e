#include "faults/vfs/symboliser.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "faults/vfs/function_name.h"

namespace plugpull {
namespace {

std::string BaseName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string PlaceOf(const char* file, int line) {
  return file == nullptr ? "" : fmt::format("{}:{}", BaseName(file), line);
}

// Debug information in files of their own may be on another machine, or absent: names would differ.
int FindNoDebugFile(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*,
                    GElf_Word, char**) {
  return -1;
}

constexpr Dwfl_Callbacks kCallbacks = {.find_elf = &dwfl_linux_proc_find_elf,
                                       .find_debuginfo = &FindNoDebugFile,
                                       .section_address = nullptr,
                                       .debuginfo_path = nullptr};

// A debugging information entry and those around it, the innermost first.
class Scopes {
 public:
  Scopes(Dwarf_Die* unit, Dwarf_Addr address) {
    // Around an inlined function the first call finds where it was written, the second where it is.
    Dwarf_Die* found = nullptr;
    const int count = dwarf_getscopes(unit, address, &found);
    if (count <= 0) return;
    Dwarf_Die innermost = found[0];
    std::free(found);
    found = nullptr;
    const int around = dwarf_getscopes_die(&innermost, &found);
    entries_.reset(found);
    count_ = around > 0 ? static_cast<size_t>(around) : 0;
  }

  std::span<Dwarf_Die> entries() { return {entries_.get(), count_}; }

 private:
  std::unique_ptr<Dwarf_Die, decltype(&std::free)> entries_{nullptr, &std::free};
  size_t count_ = 0;
};

// Replaces `entry`, a place where a function was inlined or defined, by where it was declared.
void GoToDeclaration(Dwarf_Die& entry) {
  Dwarf_Attribute attribute;
  Dwarf_Die next;
  for (const unsigned name : {DW_AT_abstract_origin, DW_AT_specification}) {
    if (dwarf_attr(&entry, name, &attribute) == nullptr) continue;
    if (dwarf_formref_die(&attribute, &next) != nullptr) entry = next;
  }
}

// Returns: the name with those of the namespaces, classes and functions around it. A lambda is the
// operator() of a class without a name.
std::string QualifiedName(Dwarf_Die entry) {
  GoToDeclaration(entry);
  Dwarf_Die* found = nullptr;
  const int count = dwarf_getscopes_die(&entry, &found);
  const std::unique_ptr<Dwarf_Die, decltype(&std::free)> scopes(found, &std::free);
  const char* own = dwarf_diename(&entry);
  std::string name = own == nullptr ? "" : own;
  for (int i = 1; i < count; ++i) {
    const int tag = dwarf_tag(&found[i]);
    if (tag == DW_TAG_compile_unit) break;
    if (tag == DW_TAG_subprogram) return QualifiedName(found[i]) + "::" + name;
    const char* part = dwarf_diename(&found[i]);
    const bool is_class = tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
    if (part != nullptr) name = fmt::format("{}::{}", part, name);
    if (part == nullptr && is_class && name.starts_with("operator()"))
      name.replace(0, 10, "lambda");
  }
  return name;
}

std::string FunctionOf(Dwarf_Die& entry) {
  Dwarf_Attribute attribute;
  if (dwarf_attr_integrate(&entry, DW_AT_linkage_name, &attribute) != nullptr) {
    if (const char* symbol = dwarf_formstring(&attribute)) return FunctionName(symbol);
  }
  return ShortFunctionName(
      QualifiedName(entry));  // functions of one file only have no symbol there
}

int NumberOf(Dwarf_Die& entry, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(&entry, name, &attribute) == nullptr) return 0;
  return dwarf_formudata(&attribute, &value) == 0 ? static_cast<int>(value) : 0;
}

// Returns: the file and line that an inlined function was called from.
std::string CallerOf(Dwarf_Die& unit, Dwarf_Die& inlined) {
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  if (dwarf_getsrcfiles(&unit, &files, &count) != 0) return "";
  const int file = NumberOf(inlined, DW_AT_call_file);
  return PlaceOf(dwarf_filesrc(files, static_cast<size_t>(file), nullptr, nullptr),
                 NumberOf(inlined, DW_AT_call_line));
}

class Symboliser {
 public:
  Symboliser() : process_(dwfl_begin(&kCallbacks), &dwfl_end) {
    if (process_ == nullptr) return;
    dwfl_report_begin(process_.get());
    const bool is_reported = dwfl_linux_proc_report(process_.get(), ::getpid()) == 0;
    if (dwfl_report_end(process_.get(), nullptr, nullptr) != 0 || !is_reported) process_.reset();
  }

  const std::vector<SourceFrame>& FramesAt(uintptr_t return_address) {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = known_.try_emplace(return_address);
    if (is_new) known->second = Find(return_address);
    return known->second;
  }

 private:
  std::vector<SourceFrame> Find(uintptr_t return_address) {
    const Dwarf_Addr call = return_address - 1;  // inside of the instruction that calls
    Dwfl_Module* module = process_ ? dwfl_addrmodule(process_.get(), call) : nullptr;
    if (module == nullptr) return {{"", "unknown code"}};
    std::vector<SourceFrame> frames = FromDebugInformation(module, call);
    if (frames.empty()) frames.push_back(FromSymbols(module, return_address));
    return frames;
  }

  static std::vector<SourceFrame> FromDebugInformation(Dwfl_Module* module, Dwarf_Addr call) {
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = dwfl_module_addrdie(module, call, &bias);
    if (unit == nullptr) return {};
    int line = 0;
    const char* file = nullptr;
    if (Dwfl_Line* row = dwfl_module_getsrc(module, call)) {
      file = dwfl_lineinfo(row, nullptr, &line, nullptr, nullptr, nullptr);
    }
    std::string place = PlaceOf(file, line);
    std::vector<SourceFrame> frames;
    Scopes scopes(unit, call - bias);
    for (Dwarf_Die& entry : scopes.entries()) {
      const int tag = dwarf_tag(&entry);
      if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
      frames.push_back({FunctionOf(entry), place});
      if (tag == DW_TAG_subprogram) break;
      place = CallerOf(*unit, entry);
    }
    return frames;
  }

  static SourceFrame FromSymbols(Dwfl_Module* module, Dwarf_Addr return_address) {
    Dwarf_Addr start = 0;
    const char* path = nullptr;
    const char* name =
        dwfl_module_info(module, nullptr, &start, nullptr, nullptr, nullptr, &path, nullptr);
    SourceFrame frame;
    frame.place =
        fmt::format("{}+{:#x}", BaseName(path != nullptr ? path : name), return_address - start);
    GElf_Off offset = 0;
    GElf_Sym symbol{};
    const char* function = dwfl_module_addrinfo(module, return_address - 1, &offset, &symbol,
                                                nullptr, nullptr, nullptr);
    // Code without a symbol of its own comes after some symbol as well.
    if (function != nullptr && offset < symbol.st_size) frame.function = FunctionName(function);
    return frame;
  }

  std::unique_ptr<Dwfl, decltype(&dwfl_end)> process_;
  std::mutex mutex_;
  std::map<uintptr_t, std::vector<SourceFrame>> known_;
};

}  // namespace

const std::vector<SourceFrame>& FramesAt(uintptr_t return_address) {
  static Symboliser symboliser;
  return symboliser.FramesAt(return_address);
}

std::string Text(const SourceFrame& frame) {
  if (frame.function.empty()) return frame.place;
  if (frame.place.empty()) return frame.function;
  return fmt::format("{} ({})", frame.function, frame.place);
}

}  // namespace plugpull
