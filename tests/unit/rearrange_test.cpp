// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <moesaic/backend/cpu.hpp>

namespace rearrange_test {

using namespace moesaic;

TEST_CASE_TEMPLATE("transposing puts every number in its place, whatever the shape", T, float, double) {
  for (Index rows : {1, 2, 3, 4, 7, 8, 9, 63, 64, 65, 130})
    for (Index cols : {1, 2, 4, 5, 8, 15, 16, 64, 67, 129}) {
      CAPTURE(rows);
      CAPTURE(cols);
      Array<Cpu<T>> x({2, rows, cols}), y({2, cols, rows});
      for (Index i = 0; i < x.size(); ++i) x.data()[i] = T(i);
      Cpu<T>::transpose(y, x);
      bool in_place = true;
      for (Index b = 0; b < 2; ++b)
        for (Index r = 0; r < rows; ++r)
          for (Index c = 0; c < cols; ++c)
            in_place = in_place && y.data()[(b * cols + c) * rows + r] == T((b * rows + r) * cols + c);
      CHECK(in_place);
    }
}

}  // namespace rearrange_test
