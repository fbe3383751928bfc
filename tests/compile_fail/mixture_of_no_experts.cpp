// expect: Moesaic: a mixture needs at least one expert
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/experts.hpp>
#include <moesaic/expert/mlp.hpp>

using namespace moesaic;

#ifdef CONTROL
const auto bank = experts<1>(Mlp<>{{1, 1}});
#else
const auto bank = experts<0>(Mlp<>{{1, 1}});
#endif
