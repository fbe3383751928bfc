// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <every_header.hpp>

const moesaic::Version* version_of_the_other_unit();

/// Both translation units see the same objects.
int main() { return version_of_the_other_unit() == &moesaic::version ? 0 : 1; }
