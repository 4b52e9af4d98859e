#include "faults/trace/call_site.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace plugpull {
namespace {

// Functions that say what the operation says already, not why it is done.
constexpr std::string_view kHelpers[] = {"Sync", "SyncDirectory", "Truncate", "Write",
                                         "WriteFully"};

bool IsHelper(std::string_view frame) {
  std::string_view function = frame.substr(0, frame.find(" ("));
  if (function.ends_with("::lambda")) function.remove_suffix(8);
  const size_t scope = function.rfind("::");
  if (scope != function.npos) function.remove_prefix(scope + 2);
  return std::ranges::count(kHelpers, function) != 0;
}

// Frames of code without debug information are "library+0x1f0" or "function (library+0x1f0)".
bool IsOfLibrary(std::string_view frame) {
  return frame.find(".so") != frame.npos && frame.find("+0x") != frame.npos;
}

bool HasFunction(std::string_view frame) { return frame.find(" (") != frame.npos; }

std::string_view FunctionOf(std::string_view frame) { return frame.substr(0, frame.find(" (")); }

}  // namespace

std::string NameOf(const CallSite& site) {
  const std::vector<std::string>& frames = site.frames;
  // What is inside of a library is the glue between it and the Vfs.
  const auto library = std::ranges::find_if(frames, IsOfLibrary);
  if (library != frames.end()) {
    if (HasFunction(*library)) return *library;
    const auto called = std::find_if(library, frames.end(), HasFunction);
    if (called == frames.end()) return *library;
    return fmt::format("{} in {}", *library, FunctionOf(*called));
  }
  const auto own = std::ranges::find_if_not(frames, IsHelper);
  if (own != frames.end()) return *own;
  return frames.empty() ? "" : frames.front();
}

std::vector<std::string> NamesOf(const std::vector<CallSite>& sites) {
  std::map<std::string, std::vector<const CallSite*>> named;
  for (const CallSite& site : sites) named[NameOf(site)].push_back(&site);
  std::vector<std::string> names;
  for (const CallSite& site : sites) {
    std::string name = NameOf(site);
    std::vector<const CallSite*> rivals = named[name];
    for (const std::string& frame : site.frames) {
      const size_t gone = std::erase_if(rivals, [&](const CallSite* rival) {
        return std::ranges::count(rival->frames, frame) == 0;
      });
      if (gone != 0) name += fmt::format(", from {}", frame);
    }
    names.push_back(std::move(name));
  }
  // The same frames in another order, as of functions that call each other.
  std::map<std::string, size_t> count;
  for (const std::string& name : names) ++count[name];
  for (size_t i = 0; i < names.size(); ++i) {
    if (count[names[i]] > 1) names[i] = IdentityOf(sites[i]);
  }
  return names;
}

std::string IdentityOf(const CallSite& site) {
  return fmt::format("{}", fmt::join(site.frames, " < "));
}

uint32_t SiteOf(Trace& trace, CallSite site) {
  if (site.frames.empty()) return 0;
  const auto found = std::ranges::find(trace.sites, site);
  const auto index = found - trace.sites.begin();
  if (found == trace.sites.end()) trace.sites.push_back(std::move(site));
  return static_cast<uint32_t>(index) + 1;
}

void KeepUsedSites(Trace& trace) {
  std::set<uint32_t> used;
  for (const Op& op : trace.ops) used.insert(op.site);
  std::vector<uint32_t> numbers(trace.sites.size() + 1);
  std::vector<CallSite> kept;
  for (uint32_t site = 1; site < numbers.size(); ++site) {
    if (!used.contains(site)) continue;
    kept.push_back(std::move(trace.sites[site - 1]));
    numbers[site] = static_cast<uint32_t>(kept.size());
  }
  trace.sites = std::move(kept);
  for (Op& op : trace.ops) op.site = numbers[op.site];
}

Trace WithoutSites(Trace trace) {
  trace.sites.clear();
  for (Op& op : trace.ops) op.site = 0;
  return trace;
}

}  // namespace plugpull
