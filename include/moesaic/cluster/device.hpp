// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>

#include <moesaic/core/host_device.hpp>
#include <moesaic/core/host_memory.hpp>
#include <moesaic/core/tensor.hpp>

/// What the parts of `cluster/` need to know about tensors that lie on a device.
namespace moesaic::cluster::detail {

/// Whether the host may read the tensors of backend `B`; else they are worked on by kernels.
template <class B>
inline constexpr bool on_host = std::is_same_v<typename B::Memory, HostMemory>;

template <class B>
struct InDouble;
template <template <class> class Backend, class T>
struct InDouble<Backend<T>> {
  using type = Backend<double>;
};
/// The backend of the same device for numbers of type `double`.
template <class B>
using Double = typename InDouble<B>::type;

}  // namespace moesaic::cluster::detail
