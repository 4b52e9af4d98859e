// What the stores of this folder hold, and how it is written: transactions and whole contents as
// bytes. The bytes carry no checksum; whoever needs one puts them into a RecordLog.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/trace/transaction.h"

namespace plugpull::strategies {

using Pairs = std::map<std::string, std::string>;

void ApplyTo(Pairs& pairs, const Transaction& transaction);

std::vector<std::byte> EncodeTransaction(const Transaction& transaction);
std::vector<std::byte> EncodePairs(const Pairs& pairs);

// Applies the bytes of a transaction. Errors: kCorrupt, with `pairs` half changed.
Expected<void> ApplyEncoded(std::span<const std::byte> bytes, Pairs& pairs);

// Errors: kCorrupt.
Expected<Pairs> DecodePairs(std::span<const std::byte> bytes);

}  // namespace plugpull::strategies
