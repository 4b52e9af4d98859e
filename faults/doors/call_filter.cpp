#include "faults/doors/call_filter.h"

#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <cstddef>

#include "faults/base/assert.h"
#include "faults/doors/call_table.h"

namespace plugpull {
namespace {

constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr uint32_t kX32Bit = 0x40000000;  // of numbers of the 32-bit calls of 64-bit processes
constexpr uint32_t kNoCall = 0xffffffff;  // a call that a tracer has cancelled

constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t kJumpEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr uint16_t kJumpAnyBit = BPF_JMP | BPF_JSET | BPF_K;
constexpr uint16_t kReturn = BPF_RET | BPF_K;
constexpr uint16_t kAnd = BPF_ALU | BPF_AND | BPF_K;

constexpr sock_filter kAllow = {kReturn, 0, 0, SECCOMP_RET_ALLOW};
constexpr sock_filter kNotify = {kReturn, 0, 0, SECCOMP_RET_USER_NOTIF};
constexpr sock_filter kRefuse = {kReturn, 0, 0, SECCOMP_RET_ERRNO | ENOSYS};

// The lower half of an argument; the machine is little-endian.
sock_filter LoadArgument(uint32_t index) {
  return {kLoad, 0, 0,
          static_cast<uint32_t>(offsetof(seccomp_data, args) + index * sizeof(uint64_t))};
}

// Returns: what happens to one call, from the test of its arguments on. Each path returns.
std::vector<sock_filter> BodyOf(const TrappedCall& call) {
  if (call.handle == nullptr) return {kRefuse};
  const ArgumentTest& test = call.test;
  switch (test.kind) {
    case ArgumentTest::Kind::kNone:
      return {kNotify};
    case ArgumentTest::Kind::kAnyBit:
      return {LoadArgument(test.argument), {kJumpAnyBit, 0, 1, test.mask}, kNotify, kAllow};
    case ArgumentTest::Kind::kMasked:
      return {LoadArgument(test.argument),
              {kAnd, 0, 0, test.mask},
              {kJumpEqual, 0, 1, test.values[0]},
              kNotify,
              kAllow};
    case ArgumentTest::Kind::kOneOf: {
      std::vector<sock_filter> body = {LoadArgument(test.argument)};
      for (size_t i = 0; i < test.values.size() && (i == 0 || test.values[i] != 0); ++i) {
        body.push_back({kJumpEqual, 0, 1, test.values[i]});
        body.push_back(kNotify);
      }
      body.push_back(kAllow);
      return body;
    }
  }
  return {kNotify};
}

}  // namespace

std::vector<sock_filter> MakeCallFilter() {
  std::vector<sock_filter> program = {
      {kLoad, 0, 0, offsetof(seccomp_data, arch)},
      {kJumpEqual, 1, 0, kArchitecture},
      kNotify,
      {kLoad, 0, 0, offsetof(seccomp_data, nr)},
      {kJumpEqual, 0, 1, kNoCall},
      kAllow,
      {kJumpAnyBit, 0, 1, kX32Bit},
      kNotify,
  };
  for (const TrappedCall& call : TrappedCalls()) {
    const std::vector<sock_filter> body = BodyOf(call);
    Assert(body.size() < 256, "a jump of the filter fits its field");
    program.push_back(
        {kJumpEqual, 0, static_cast<uint8_t>(body.size()), static_cast<uint32_t>(call.number)});
    program.insert(program.end(), body.begin(), body.end());
  }
  program.push_back(kAllow);
  return program;
}

bool IsForeign(uint32_t architecture, int number) {
  return architecture != kArchitecture || (static_cast<uint32_t>(number) & kX32Bit) != 0;
}

}  // namespace plugpull
