// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>

#include <moesaic/data/system.hpp>

namespace moesaic::data {

/// Predators y and prey x: x' = x/2 - beta x y, y' = delta x y - y/2.
inline System lotka_volterra() {
  return {"lotka-volterra", 2, {"beta", "delta"}, [](Rounded, const Rounded* x, const Rounded* c, Rounded* dx) {
            dx[0] = 0.5 * x[0] - c[0] * x[0] * x[1];
            dx[1] = c[1] * x[0] * x[1] - 0.5 * x[1];
          }};
}

/// Glycolytic oscillations of yeast, seven concentrations (Daniels and Nemenman, PLoS ONE 10, 2015).
inline System glycolytic_oscillator() {
  return {"glycolytic oscillator", 7, {"k1", "K1"}, [](Rounded, const Rounded* s, const Rounded* c, Rounded* ds) {
            const Rounded inflow = 2.5, k2 = 6, k3 = 16, k4 = 100, k5 = 1.28, k6 = 12, total_n = 1, total_a = 4, kappa = 13,
                          psi = 0.1, k = 1.8;
            const Rounded v = c[0] * s[0] * s[5] / (1 + pow(s[5] / c[1], 4));
            ds[0] = inflow - v;
            ds[1] = 2 * v - k2 * s[1] * (total_n - s[4]) - k6 * s[1] * s[4];
            ds[2] = k2 * s[1] * (total_n - s[4]) - k3 * s[2] * (total_a - s[5]);
            ds[3] = k3 * s[2] * (total_a - s[5]) - k4 * s[3] * s[4] - kappa * (s[3] - s[6]);
            ds[4] = k2 * s[1] * (total_n - s[4]) - k4 * s[3] * s[4] - k6 * s[1] * s[4];
            ds[5] = -2 * v + 2 * k3 * s[2] * (total_a - s[5]) - k5 * s[5];
            ds[6] = psi * kappa * (s[3] - s[6]) - k * s[6];
          }};
}

/// Sel'kov's model of glycolysis: x' = -x + y/10 + x^2 y, y' = b - y/10 - x^2 y.
inline System selkov() {
  return {"selkov", 2, {"b"}, [](Rounded, const Rounded* x, const Rounded* c, Rounded* dx) {
            const Rounded a = 0.1;
            dx[0] = -x[0] + a * x[1] + x[0] * x[0] * x[1];
            dx[1] = c[0] - a * x[1] - x[0] * x[0] * x[1];
          }};
}

/// A pendulum of length 1: theta'' = -g sin(theta).
inline System simple_pendulum() {
  return {"simple pendulum", 2, {"g"}, [](Rounded, const Rounded* x, const Rounded* c, Rounded* dx) {
            dx[0] = x[1];
            dx[1] = -c[0] * sin(x[0]);
          }};
}

/// The forces of `forced_oscillator`, in the order of its parameter; the last is that of the adaptation environment.
inline constexpr std::array<std::string_view, 9> forces{"sin",          "cos",           "sin+cos",   "exp(cos)", "sin(cos)",
                                                        "sin(sin+cos)", "sinh(sin+cos)", "sinh(sin)", "sinh(cos)"};

/// A damped oscillator under the force F(t) of index `force`: x'' = -x'/5 - x + F(t).
inline System forced_oscillator() {
  return {"forced oscillator", 2, {"force"}, [](Rounded t, const Rounded* x, const Rounded* c, Rounded* dx) {
            Rounded force;
            switch (int(c[0].value)) {
              case 0:
                force = sin(t);
                break;
              case 1:
                force = cos(t);
                break;
              case 2:
                force = sin(t) + cos(t);
                break;
              case 3:
                force = exp(cos(t));
                break;
              case 4:
                force = sin(cos(t));
                break;
              case 5:
                force = sin(sin(t) + cos(t));
                break;
              case 6:
                force = sinh(sin(t) + cos(t));
                break;
              case 7:
                force = sinh(sin(t));
                break;
              default:
                force = sinh(cos(t));
                break;
            }
            dx[0] = x[1];
            dx[1] = -0.2 * x[1] - x[0] + force;
          }};
}

}  // namespace moesaic::data
