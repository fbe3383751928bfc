# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
#
# What the program does with good and bad input. Its own predictions are the trajectories of the second run.
set(folder ${PROJECT_BINARY_DIR}/examples/mixer_ode_tests)
set(short --outer 2 --adapt-steps 2 --quiet)
add_test(NAME example.mixer_ode.run COMMAND mixer_ode ${short} --backbone coda --output ${folder} --predict ${folder}/own.npz
                                             --json ${folder}/own.json)
set_tests_properties(example.mixer_ode.run PROPERTIES FIXTURES_SETUP mixer_ode_own)
set(own --train ${folder}/own.npz --test ${folder}/own.npz --adapt ${folder}/own.npz)
add_test(NAME example.mixer_ode.own COMMAND mixer_ode ${short} --backbone geps ${own} --context-l1 1e-3 --rates early-steps
                                             --no-pictures --output ${folder}/own)
add_test(NAME example.mixer_ode.resume COMMAND mixer_ode ${short} --backbone coda --output ${folder} --resume --no-pictures)
add_test(NAME example.mixer_ode.resume_otherwise COMMAND mixer_ode ${short} --backbone coda --output ${folder} --resume --no-pictures
                                                         --loss mse)
set_tests_properties(example.mixer_ode.resume_otherwise PROPERTIES PASS_REGULAR_EXPRESSION
                     "single.safetensors: was written by a run with --loss relative; this run has mse")
set_tests_properties(example.mixer_ode.own example.mixer_ode.resume example.mixer_ode.resume_otherwise PROPERTIES FIXTURES_REQUIRED
                     mixer_ode_own)

# Gated linear units; the number of experts is chosen in environments held out. What Ctrl-C in the second trial leaves is resumed.
set(choosing --backbone coda --models mixer --experts 1,2 --activation glu --no-pictures --output ${folder}/chosen)
add_test(NAME example.mixer_ode.chooses COMMAND mixer_ode ${short} ${choosing})
add_test(NAME example.mixer_ode.chooses_half COMMAND ${CMAKE_COMMAND} -E rm ${folder}/chosen/mixer.safetensors
                                                      ${folder}/chosen/mixer-trial-2.safetensors)
add_test(NAME example.mixer_ode.chooses_again COMMAND mixer_ode ${short} ${choosing} --resume)
add_test(NAME example.mixer_ode.chooses_otherwise COMMAND mixer_ode ${short} ${choosing} --resume --search gate)
set_tests_properties(example.mixer_ode.chooses PROPERTIES FIXTURES_SETUP mixer_ode_chosen)
set_tests_properties(example.mixer_ode.chooses_otherwise PROPERTIES FIXTURES_REQUIRED mixer_ode_chosen DEPENDS
                     example.mixer_ode.chooses_again PASS_REGULAR_EXPRESSION "was written by a run with --search all; this run has gate")
set_tests_properties(example.mixer_ode.chooses_half PROPERTIES FIXTURES_REQUIRED mixer_ode_chosen FIXTURES_SETUP mixer_ode_half)
set_tests_properties(example.mixer_ode.chooses_again PROPERTIES FIXTURES_REQUIRED mixer_ode_half)
set_tests_properties(example.mixer_ode.chooses example.mixer_ode.chooses_again PROPERTIES PASS_REGULAR_EXPRESSION
                     "1 expert chosen, the fewest within [a-z -]*: 1 expert [0-9.e+-]+, 2 experts [0-9.e+-]+")

find_package(doctest CONFIG REQUIRED)
add_executable(test_mixer_ode_choose ${CMAKE_CURRENT_LIST_DIR}/tests/choose_test.cpp ${CMAKE_CURRENT_LIST_DIR}/choose.cpp)
target_link_libraries(test_mixer_ode_choose PRIVATE test_main moesaic_everything doctest::doctest)
target_include_directories(test_mixer_ode_choose PRIVATE ${CMAKE_CURRENT_LIST_DIR})
add_test(NAME example.mixer_ode.choose COMMAND test_mixer_ode_choose)

# Training and adaptation on one thread and on two: the same model and the same predictions, bit for bit.
add_executable(same_model ${CMAKE_CURRENT_LIST_DIR}/tests/same_model.cpp)
target_link_libraries(same_model PRIVATE moesaic_everything)
foreach(backbone IN ITEMS ncf coda geps)
  set(bits ${folder}/threads-${backbone})
  foreach(threads IN ITEMS 1 2)
    add_test(NAME example.mixer_ode.threads_${backbone}_${threads}
             COMMAND mixer_ode ${short} --backbone ${backbone} --models mixer --threads ${threads} --no-pictures
                     --output ${bits}/${threads} --predict ${bits}/${threads}.npz)
    set_tests_properties(example.mixer_ode.threads_${backbone}_${threads} PROPERTIES FIXTURES_SETUP mixer_ode_threads_${backbone}
                         PROCESSORS ${threads})
  endforeach()
  add_test(NAME example.mixer_ode.threads_${backbone}_model
           COMMAND same_model ${bits}/1/mixer.safetensors ${bits}/2/mixer.safetensors)
  add_test(NAME example.mixer_ode.threads_${backbone}_predictions
           COMMAND ${CMAKE_COMMAND} -E compare_files ${bits}/1.npz ${bits}/2.npz)
  set_tests_properties(example.mixer_ode.threads_${backbone}_model example.mixer_ode.threads_${backbone}_predictions PROPERTIES
                       FIXTURES_REQUIRED mixer_ode_threads_${backbone})
endforeach()

# mixer_ode_refuses(<name> <expected text> <arguments>...)
function(mixer_ode_refuses name text)
  add_test(NAME example.mixer_ode.refuses_${name} COMMAND mixer_ode ${short} --output ${folder}/refused ${ARGN})
  set_tests_properties(example.mixer_ode.refuses_${name} PROPERTIES PASS_REGULAR_EXPRESSION "^mixer_ode: ${text}")
endfunction()
mixer_ode_refuses(dataset "data set \"odd\" is not known" --dataset odd)
mixer_ode_refuses(option "The following argument was not expected: --bogus" --bogus)
mixer_ode_refuses(experts "--experts: 11 experts for the 10 environments" --experts 11)
mixer_ode_refuses(candidates "--experts: 9 experts for the 7 environments of odebench-2 that are left" --experts 1,9)
mixer_ode_refuses(context "--context: 7 is not a multiple" --context 7)
mixer_ode_refuses(context_l1 "--context-l1: expected 0 or a positive number, got -1" --context-l1 -1)
mixer_ode_refuses(number "--tail: expected 0 to 1, got nan" --tail nan)
mixer_ode_refuses(file "${CMAKE_CURRENT_LIST_FILE}: expected a .npz" --train ${CMAKE_CURRENT_LIST_FILE})
mixer_ode_refuses(folder "--json: nothing can be written to the folder" --json ${folder}/absent/results.json)
