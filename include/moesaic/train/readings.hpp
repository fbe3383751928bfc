// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>

#include <moesaic/ops/arithmetic.hpp>
#include <moesaic/train/losses.hpp>

namespace moesaic {

/// `Losses` that stay on the device until somebody asks for them: the total first, then the terms. Names must outlive the run.
template <class B>
class Readings {
 public:
  /// In the current workspace, the total to be set.
  Readings() : values_(make_tensor<B>({Losses::capacity})) {}

  /// The total is the sum of `values`, times `weight`.
  void set_total(const Tensor<B>& values, double weight) { set(0, values, weight); }
  /// Adds a term: the sum of `values`, times `weight`.
  void add(std::string_view name, const Tensor<B>& values, double weight) {
    require(count_ < Losses::capacity, "Readings: more than ", Losses::capacity - 1, " terms; \"", name, "\" is one too many");
    names_[std::size_t(count_)] = name;
    set(count_++, values, weight);
  }
  /// Adds a term that the total does not yet contain.
  void add_to_total(std::string_view name, const Tensor<B>& values, double weight) {
    add(name, values, weight);
    add_in_place(value(0), value(count_ - 1));
  }

  /// Waits for the device.
  Losses read() const {
    std::array<typename B::Scalar, std::size_t(Losses::capacity)> host;
    B::to_host(host.data(), values());
    Losses all{double(host[0])};
    for (int i = 1; i < count_; ++i) all.add(name(i), double(host[std::size_t(i)]));
    return all;
  }

  int count() const { return count_; }
  std::string_view name(int i) const { return names_[std::size_t(i)]; }
  Tensor<B> value(int i) const { return values_.rows(i, 1).reshape(Shape{}); }
  Tensor<B> values() const { return values_.rows(0, count_); }

 private:
  void set(int i, const Tensor<B>& values, double weight) {
    const Tensor<B> place = value(i);
    B::sum_to(place, values);
    B::map(place, functor::Scale{weight}, place);
  }

  std::array<std::string_view, std::size_t(Losses::capacity)> names_{"total"};
  Tensor<B> values_;
  int count_ = 1;
};

}  // namespace moesaic
