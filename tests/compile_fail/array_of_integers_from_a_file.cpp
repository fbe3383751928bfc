// expect: an Array holds float or double; read integers with values<T>()
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/io/stored_array.hpp>

void labels(const moesaic::io::StoredArray& stored) {
#ifdef CONTROL
  (void)stored.values<int>();
#else
  (void)stored.array<int>();
#endif
}
