// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/data/catalogue.hpp>
#include <moesaic/expert/context_flow.hpp>
#include <moesaic/expert/neural_ode.hpp>
#include <moesaic/expert/shplrnn.hpp>
#include <moesaic/flow/real_nvp.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/consistency.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>
#include <moesaic/ode/ode.hpp>
#include <moesaic/ops/check_gradient.hpp>
#include <moesaic/train/adapt.hpp>
#include <moesaic/train/checkpoint.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/pool_ensemble.hpp>
#include <moesaic/train/predict_environments.hpp>
#include <moesaic/train/supervised.hpp>
#include <moesaic/version.hpp>
