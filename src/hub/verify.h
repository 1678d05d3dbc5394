// Answers a device's question whether it holds the hub's rows: digests per bucket of keys, or the rows of some buckets.
// Reads every row of the tables asked for, at one seq, in one go: the price of a verification is a scan.
#pragma once

#include <vector>

#include "store/store.h"
#include "wire/message.h"

namespace tombolo::hub {

// The messages to send, in order. Error(not_found) for a table the space does not have.
std::vector<wire::VerifyAnswer> answer_verify(store::Store& store, const wire::VerifyRequest& request);

}  // namespace tombolo::hub
