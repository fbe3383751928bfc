// expect: Moesaic: one Tensor takes another only where rank and known extents agree [docs/design.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/backend/cpu.hpp>

using namespace moesaic;

#ifdef CONTROL
constexpr Index columns = 3;
#else
constexpr Index columns = 2;
#endif

Index rows(const Tensor<Cpu<float>, any_extent, 3>& points) { return points.extent<0>(); }

Index count(const Tensor<Cpu<float>, 8, columns>& points) { return rows(points); }
