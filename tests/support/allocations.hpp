// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

/// How often this program has asked for memory by `new`, on all threads. Linking `allocations.cpp` replaces `new` and `delete`.
std::size_t allocations();
