# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
#
# What the program does with good and bad input, on the generated set.
set(folder ${PROJECT_BINARY_DIR}/examples/forecast_tests)
file(MAKE_DIRECTORY ${folder})
file(WRITE ${folder}/broken.csv "date,a,b\n2020-01-01,1,2\n2020-01-02,3,nan\n2020-01-03,5,6\n")
file(WRITE ${folder}/short.csv "date,a,b\n2020-01-01,1,2\n2020-01-02,3,4\n2020-01-03,5,6\n2020-01-04,5,6\n")
file(WRITE ${folder}/twice.yaml "expert:\n  width: 3\n  width: 4\n")
file(WRITE ${folder}/typo.yaml "expert:\n  widht: 3\n")
set(small --set training.batch=256 --set expert.width=8 --set expert.feed_forward=1 --set expert.states=4
          --set expert.scales=[1] --threads 1 --quiet)
add_test(NAME example.forecast.train COMMAND forecast train ${small} --horizon 24 --epochs 1 --output ${folder}/model --json ${folder}/train.json)
add_test(NAME example.forecast.resume COMMAND forecast train ${small} --horizon 24 --epochs 2 --output ${folder}/model --resume --no-pictures)
add_test(NAME example.forecast.evaluate COMMAND forecast evaluate --model ${folder}/model --output ${folder}/evaluated)
add_test(NAME example.forecast.run COMMAND forecast run ${small} --epochs 1 --horizons 12,24 --seeds 0,1 --output ${folder}/run --no-pictures
                                           --set flow.used=false)
add_test(NAME example.forecast.top_k COMMAND forecast train ${small} --horizon 12 --epochs 1 --output ${folder}/top_k --no-pictures
                                             --set gate.top_k=2 --set loss.learned=true --set gate.final_temperature=0.5)
add_test(NAME example.forecast.linear_gate COMMAND forecast train ${small} --horizon 12 --epochs 1 --output ${folder}/linear --no-pictures
                                                   --set gate.kind=linear --set loss.mae=0 --set loss.huber=1
                                                   --set loss.switch_balance=0.01 --set loss.usage_variance=0.01)
add_test(NAME example.forecast.pooled COMMAND forecast train ${small} --horizon 12 --epochs 1 --output ${folder}/pooled
                                              --no-pictures --set expert.tokens=time --set expert.step_size=pooled
                                              --set expert.scales=[1,2,4])
add_test(NAME example.forecast.list COMMAND forecast list --data ${folder})
add_test(NAME example.forecast.summary COMMAND forecast summary synthetic --look-back 8 --horizon 5)
set_tests_properties(example.forecast.summary PROPERTIES PASS_REGULAR_EXPRESSION "look-back 8.*training +0 +[0-9]+ +5: [0-9]+")
add_test(NAME example.forecast.config COMMAND forecast config --all --output ${folder}/configurations)
set_tests_properties(example.forecast.train PROPERTIES FIXTURES_SETUP forecast_model)
add_test(NAME example.forecast.predict COMMAND forecast predict --model ${folder}/model --output ${folder}/next.csv)
add_test(NAME example.forecast.resume_otherwise COMMAND forecast train ${small} --horizon 24 --epochs 2 --output ${folder}/model --resume
                                                        --no-pictures --set training.rate=0.01)
set_tests_properties(example.forecast.resume_otherwise PROPERTIES PASS_REGULAR_EXPRESSION
                     "checkpoint.safetensors: was written by a run with training.rate 0.001[0-9]*; this run has 0.01[0-9]*")
set_tests_properties(example.forecast.evaluate example.forecast.predict example.forecast.resume_otherwise PROPERTIES FIXTURES_REQUIRED
                     forecast_model)
set_tests_properties(example.forecast.predict PROPERTIES PASS_REGULAR_EXPRESSION "24 steps of [0-9]+ variates, from [0-9]+ rows of synthetic")
set_tests_properties(example.forecast.resume PROPERTIES FIXTURES_REQUIRED forecast_model DEPENDS
                     "example.forecast.evaluate;example.forecast.predict;example.forecast.resume_otherwise")
set_tests_properties(example.forecast.run PROPERTIES PASS_REGULAR_EXPRESSION "synthetic +average")

# The path of the published sets: a linear start that stands still, and as much of the networks as the validation windows bear out.
add_test(NAME example.forecast.linear_start COMMAND forecast train ${small} --horizon 12 --epochs 1 --output ${folder}/start --no-pictures
                                                    --set expert.closed_form=true --set flow.used=false)
set_tests_properties(example.forecast.linear_start PROPERTIES PASS_REGULAR_EXPRESSION
                     "share of the networks [01][.][0-9]+.*linear start: .* the level, .*cross-validated MSE [0-9.]+; test MSE [0-9.]+")

# A training that Ctrl-C cuts short, wherever that is, and that is resumed ends with the bits of one that was not.
set(three ${small} --horizon 12 --epochs 3 --no-pictures --set flow.pretrain_epochs=1)
add_test(NAME example.forecast.whole COMMAND forecast train ${three} --output ${folder}/whole)
add_test(NAME example.forecast.cut COMMAND ${CMAKE_COMMAND} -E rm -rf ${folder}/cut ${folder}/whole)
add_test(NAME example.forecast.cut_short COMMAND sh -c "timeout -s INT 1 \"$@\" || true" sh $<TARGET_FILE:forecast> train ${three}
                                                 --output ${folder}/cut)
add_test(NAME example.forecast.cut_resumed COMMAND forecast train ${three} --output ${folder}/cut --resume)
add_test(NAME example.forecast.cut_same_bits COMMAND ${CMAKE_COMMAND} -E compare_files ${folder}/whole/model.safetensors
                                                     ${folder}/cut/model.safetensors)
set_tests_properties(example.forecast.whole PROPERTIES FIXTURES_REQUIRED forecast_cut FIXTURES_SETUP forecast_whole)
set_tests_properties(example.forecast.cut PROPERTIES FIXTURES_SETUP forecast_cut)
set_tests_properties(example.forecast.cut_short PROPERTIES FIXTURES_REQUIRED forecast_cut FIXTURES_SETUP forecast_cut_short)
set_tests_properties(example.forecast.cut_resumed PROPERTIES FIXTURES_REQUIRED forecast_cut_short FIXTURES_SETUP forecast_cut_resumed)
set_tests_properties(example.forecast.cut_same_bits PROPERTIES FIXTURES_REQUIRED "forecast_whole;forecast_cut_resumed")

# Pretraining is really used: a training of no epochs leaves the flow as `pretrain` left it.
add_test(NAME example.forecast.pretrain COMMAND forecast pretrain ${small} --horizon 12 --epochs 0 --output ${folder}/flow
                                                --set flow.pretrain_epochs=1)
add_test(NAME example.forecast.pretrained COMMAND forecast train ${small} --horizon 12 --epochs 0 --output ${folder}/flow --no-pictures
                                                  --set flow.pretrain_epochs=1)
find_package(doctest CONFIG REQUIRED)
foreach(name IN ITEMS pretrained_flow shrink_networks)
  add_executable(test_forecast_${name} ${CMAKE_CURRENT_LIST_DIR}/tests/${name}_test.cpp)
  target_link_libraries(test_forecast_${name} PRIVATE test_main moesaic_everything examples_common doctest::doctest)
  target_include_directories(test_forecast_${name} PRIVATE ${CMAKE_CURRENT_LIST_DIR})
  target_compile_definitions(test_forecast_${name} PRIVATE FOLDER="${folder}/flow")
  target_compile_options(test_forecast_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  add_test(NAME example.forecast.${name} COMMAND test_forecast_${name})
endforeach()
set_tests_properties(example.forecast.pretrain PROPERTIES FIXTURES_SETUP forecast_flow)
set_tests_properties(example.forecast.pretrained PROPERTIES FIXTURES_REQUIRED forecast_flow FIXTURES_SETUP forecast_pretrained)
set_tests_properties(example.forecast.pretrained_flow PROPERTIES FIXTURES_REQUIRED forecast_pretrained)

# forecast_refuses(<name> <expected text> <arguments>...)
function(forecast_refuses name text)
  add_test(NAME example.forecast.refuses_${name} COMMAND forecast ${ARGN})
  set_tests_properties(example.forecast.refuses_${name} PROPERTIES PASS_REGULAR_EXPRESSION "^forecast: ${text}")
endfunction()
forecast_refuses(dataset "data set \"odd\" is not known" train --dataset odd)
forecast_refuses(absent "data set weather was not found; tried" train --dataset weather --data ${folder})
forecast_refuses(setting "expert.depth: no such setting" train --set expert.depth=3)
forecast_refuses(value "expert.width: expected a whole number, got \"wide\"" train --set expert.width=wide)
forecast_refuses(tokens "expert.tokens: expected one of variate, time" train --set expert.tokens=word)
forecast_refuses(pool "expert.scales: expected whole numbers of tokens to pool, got 1.5" train --set expert.step_size=pooled
                 --set expert.scales=[1,1.5])
forecast_refuses(temperature "gate.final_temperature: the temperature of a linear gate is fixed" train --set gate.kind=linear
                 --set gate.final_temperature=0.5)
forecast_refuses(yaml "${folder}/typo.yaml:2: expert.widht: no such setting" train --config ${folder}/typo.yaml)
forecast_refuses(yaml_twice "${folder}/twice.yaml:3: expert.width: stands here for the second time" train --config ${folder}/twice.yaml)
forecast_refuses(nan "${folder}/broken.csv: .*3" train --dataset ${folder}/broken.csv)
forecast_refuses(short "short: the training part has 2 rows, needed are 120" train --dataset ${folder}/short.csv --horizon 24)
forecast_refuses(twice "run: the folder short-24-seed0 would be written by ${folder}/short.csv and by ${folder}/run/short.csv" run
                 --datasets ${folder}/short.csv,${folder}/run/short.csv --horizons 24)
forecast_refuses(json "--json: nothing can be written to the folder ${folder}/absent" train --json ${folder}/absent/r.json)
forecast_refuses(model "${folder}/absent/config.yaml: there is no such file" evaluate --model ${folder}/absent)
