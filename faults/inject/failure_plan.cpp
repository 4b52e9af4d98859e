#include "faults/inject/failure_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "faults/base/nearest.h"
#include "faults/doors/call_table.h"

namespace plugpull {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 44;  // the largest file

const std::vector<std::string> kKeys = {"point", "path",  "offset", "call",  "share",    "seed",
                                        "errno", "short", "then",   "after", "aftermath"};

std::unexpected<Error> Wrong(std::string_view what, std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("failure plan: '{}' {}", what, why));
}

std::unexpected<Error> NoSuch(std::string_view kind, std::string_view word,
                              const std::vector<std::string>& known) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("failure plan: there is no {} '{}'{} (one of {})", kind, word,
                          NearestHint(word, known), fmt::join(known, " ")));
}

Expected<uint64_t> Number(std::string_view key, std::string_view text, uint64_t least,
                          uint64_t most) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool fits =
      error == std::errc() && end == text.data() + text.size() && number >= least && number <= most;
  if (fits) return number;
  return Wrong(fmt::format("{}={}", key, text),
               fmt::format("must be a whole number from {} to {}", least, most));
}

// What a rule can be about: a failure point, or a call of a traced program.
struct PointSeen {
  std::string name;
  std::vector<int> errnos;  // that it can return
  bool is_short = false;
  bool has_aftermath = false;
};

// Returns: all that a rule of that point is about.
std::vector<PointSeen> PointsOf(std::string_view pattern) {
  std::vector<PointSeen> points;
  for (size_t i = 0; i < kFailurePoints; ++i) {
    const FailurePointInfo& info = InfoOf(static_cast<FailurePoint>(i));
    if (!MatchesGlob(pattern, info.name)) continue;
    points.push_back({std::string(info.name), info.errnos, info.is_short, info.has_aftermath});
  }
  std::vector<int> all_errnos;
  for (std::string_view name : ErrnoNames()) all_errnos.push_back(*ParseErrno(name));
  for (const TrappedCall& call : TrappedCalls()) {
    std::string name = CallPoint(call.name);
    if (!CanFail(call.name) || !MatchesGlob(pattern, name)) continue;
    points.push_back({std::move(name), all_errnos, CanBeShort(call.name), SyncsFile(call.name)});
  }
  return points;
}

std::vector<std::string> PointNames() {
  std::vector<std::string> names;
  for (PointSeen& point : PointsOf("*")) names.push_back(std::move(point.name));
  return names;
}

// Reads the keys of one rule, then looks whether they make sense together.
class RuleParser {
 public:
  Expected<FailureRule> Parse(std::string_view text) {
    constexpr std::string_view kOpen = "fail(";
    if (!text.starts_with(kOpen) || !text.ends_with(')')) {
      return Wrong(text, "is not of the form fail(point=vfs/sync,call=1,errno=EIO)");
    }
    text.remove_prefix(kOpen.size());
    text.remove_suffix(1);
    while (!text.empty()) {
      const std::string_view part = text.substr(0, text.find(','));
      text.remove_prefix(std::min(text.size(), part.size() + 1));
      if (const Expected<void> set = Set(part); !set) return std::unexpected(set.error());
    }
    if (const Expected<void> checked = Check(); !checked) return std::unexpected(checked.error());
    return rule_;
  }

 private:
  Expected<void> Set(std::string_view part) {
    const size_t equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    if (std::ranges::find(kKeys, key) == kKeys.end()) return NoSuch("key", key, kKeys);
    if (equals == part.npos || equals + 1 == part.size()) return Wrong(part, "has no value");
    if (!given_.emplace(key).second) return Wrong(part, "is the second of its key");
    const std::string_view value = part.substr(equals + 1);
    if (key == "point") return SetPoint(value);
    if (key == "errno") return SetErrno(value);
    if (key == "share") return SetShare(value);
    if (key == "path") {
      rule_.path = value;
      return {};
    }
    if (key == "then") return SetWord(key, value, {"once", "always"}, rule_.always);
    if (key == "after") return SetWord(key, value, {"go-on", "restart"}, rule_.restart);
    if (key == "aftermath") return SetAftermath(value);
    const bool is_call = key == "call" || key == "short";
    const bool is_bytes = key == "short" || key == "offset";
    const uint64_t most = is_bytes ? kMostBytes : std::numeric_limits<uint64_t>::max();
    const Expected<uint64_t> number = Number(key, value, is_call ? 1 : 0, most);
    if (!number) return std::unexpected(number.error());
    if (key == "call") rule_.call = *number;
    if (key == "short") rule_.short_bytes = *number;
    if (key == "offset") rule_.offset_bytes = *number;
    if (key == "seed") seed_ = *number;
    return {};
  }

  Expected<void> SetPoint(std::string_view value) {
    rule_.point = value;
    if (!PointsOf(value).empty()) return {};
    return NoSuch("failure point", value, PointNames());
  }

  Expected<void> SetErrno(std::string_view value) {
    const std::optional<int> os_errno = ParseErrno(value);
    if (!os_errno) {
      return NoSuch("errno", value, {ErrnoNames().begin(), ErrnoNames().end()});
    }
    rule_.os_errno = *os_errno;
    return {};
  }

  Expected<void> SetShare(std::string_view value) {
    const size_t slash = value.find('/');
    if (slash == value.npos) return Wrong(value, "is no share; write share=1/100");
    const auto numerator = Number("share", value.substr(0, slash), 1, kMostBytes);
    if (!numerator) return std::unexpected(numerator.error());
    const auto denominator = Number("share", value.substr(slash + 1), *numerator, kMostBytes);
    if (!denominator) return std::unexpected(denominator.error());
    rule_.share = Share{.numerator = *numerator, .denominator = *denominator};
    return {};
  }

  Expected<void> SetWord(std::string_view key, std::string_view value,
                         const std::vector<std::string>& words, bool& is_second) {
    if (value != words[0] && value != words[1]) return NoSuch(key, value, words);
    is_second = value == words[1];
    return {};
  }

  Expected<void> SetAftermath(std::string_view value) {
    std::vector<std::string> names;
    for (size_t i = 0; i < kAftermaths; ++i) {
      names.emplace_back(Name(static_cast<Aftermath>(i)));
      if (names.back() != value) continue;
      rule_.aftermath = static_cast<Aftermath>(i);
      return {};
    }
    return NoSuch("aftermath", value, names);
  }

  Expected<void> Check() {
    const auto given = [this](const char* key) { return given_.contains(key); };
    if (!given("point")) return Wrong("fail", "needs a point, as in point=vfs/sync");
    if (given("errno") == given("short")) {
      return Wrong("fail", "needs one of errno and short, as in errno=EIO");
    }
    if (given("share") && given("call")) return Wrong("share", "and call exclude each other");
    if (given("share") && given("then")) return Wrong("share", "and then exclude each other");
    if (given("seed") && !given("share")) return Wrong("seed", "needs a share, as in share=1/100");
    if (rule_.share) rule_.share->seed = seed_;
    if (rule_.os_errno == EINTR && rule_.always) {
      return Wrong("errno=EINTR", "with then=always would never end: such calls are repeated");
    }
    if (given("aftermath") && (rule_.os_errno == 0 || rule_.os_errno == EINTR)) {
      return Wrong("aftermath", "needs a sync that fails, with another errno than EINTR");
    }
    std::vector<std::string> possible;
    bool fits = false;
    bool is_sync = false;
    for (const PointSeen& point : PointsOf(rule_.point)) {
      is_sync = is_sync || point.has_aftermath;
      fits = fits || (rule_.os_errno == 0 ? point.is_short
                                          : std::ranges::count(point.errnos, rule_.os_errno) != 0);
      for (const int os_errno : point.errnos) possible.emplace_back(ErrnoName(os_errno));
      if (point.is_short) possible.emplace_back("short");
    }
    std::ranges::sort(possible);
    possible.erase(std::ranges::unique(possible).begin(), possible.end());
    if (!fits) {
      return Wrong(rule_.os_errno == 0 ? "short" : ErrnoName(rule_.os_errno),
                   fmt::format("is nothing that {} can return (one of {})", rule_.point,
                               fmt::join(possible, " ")));
    }
    if (given("aftermath") && !is_sync) {
      return Wrong("aftermath", fmt::format("is nothing that {} has; vfs/sync has", rule_.point));
    }
    return {};
  }

  FailureRule rule_;
  std::set<std::string, std::less<>> given_;
  uint64_t seed_ = 1;
};

}  // namespace

bool MatchesGlob(std::string_view pattern, std::string_view name) {
  size_t at = 0;
  size_t in_name = 0;
  size_t star = pattern.npos;  // the last '*' and what it has taken so far
  size_t taken = 0;
  while (in_name < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      taken = in_name;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == name[in_name])) {
      ++at;
      ++in_name;
    } else if (star != pattern.npos) {
      at = star + 1;
      in_name = ++taken;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

bool IsAbout(const FailureRule& rule, FailurePoint point) {
  return MatchesGlob(rule.point, InfoOf(point).name);
}

std::string Text(const FailureRule& rule) {
  std::string text = fmt::format("fail(point={}", rule.point);
  if (rule.path != "*") text += fmt::format(",path={}", rule.path);
  if (rule.offset_bytes) text += fmt::format(",offset={}", *rule.offset_bytes);
  if (rule.share) {
    text += fmt::format(",share={}/{},seed={}", rule.share->numerator, rule.share->denominator,
                        rule.share->seed);
  } else {
    text += fmt::format(",call={}", rule.call);
  }
  text += rule.os_errno == 0 ? fmt::format(",short={}", rule.short_bytes)
                             : fmt::format(",errno={}", ErrnoName(rule.os_errno));
  if (!rule.share) text += rule.always ? ",then=always" : ",then=once";
  text += rule.restart ? ",after=restart" : ",after=go-on";
  const bool is_said = IsAbout(rule, FailurePoint::kSync) || rule.aftermath != Aftermath::kKeep;
  if (is_said && rule.os_errno != 0 && rule.os_errno != EINTR) {
    text += fmt::format(",aftermath={}", Name(rule.aftermath));
  }
  return text + ")";
}

std::string Text(const FailurePlan& plan) {
  std::vector<std::string> rules;
  for (const FailureRule& rule : plan.rules) rules.push_back(Text(rule));
  return fmt::format("{}", fmt::join(rules, "+"));
}

Expected<FailurePlan> ParseFailurePlan(std::string_view text) {
  FailurePlan plan;
  if (text.empty()) return Wrong("", "is empty; write fail(point=vfs/sync,errno=EIO), or each");
  while (true) {
    const std::string_view part = text.substr(0, text.find('+'));
    Expected<FailureRule> rule = RuleParser().Parse(part);
    if (!rule) return std::unexpected(rule.error());
    plan.rules.push_back(std::move(*rule));
    if (part.size() == text.size()) return plan;
    text.remove_prefix(part.size() + 1);
  }
}

}  // namespace plugpull
