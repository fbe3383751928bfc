// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <every_header.hpp>

const moesaic::Version* version_of_the_other_unit() { return &moesaic::version; }
