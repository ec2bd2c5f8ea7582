# Runs every shell block of the examples' README in a copy of the installed examples, in order and in one
# shell: what the README tells people to type is what builds the plugins.
include(${CMAKE_CURRENT_LIST_DIR}/../install/installed.cmake)
set(folder ${WORK_DIR}/projects/examples_readme)
file(REMOVE_RECURSE ${folder})
file(COPY ${PREFIX}/share/grapnel/examples/ DESTINATION ${folder})

# A list would be split at the commands' semicolons: block after block is cut off the text instead.
file(READ ${folder}/README.md text)
set(script "set -eux\n")
set(blocks 0)
string(FIND "${text}" "```sh\n" at)
while(NOT at EQUAL -1)
  math(EXPR at "${at} + 6")
  string(SUBSTRING "${text}" ${at} -1 text)
  string(FIND "${text}" "```" end)
  string(SUBSTRING "${text}" 0 ${end} block)
  string(APPEND script "${block}")
  string(SUBSTRING "${text}" ${end} -1 text)
  math(EXPR blocks "${blocks} + 1")
  string(FIND "${text}" "```sh\n" at)
endwhile()
if(blocks LESS 6)
  message(FATAL_ERROR "the README has ${blocks} shell blocks, expected at least 6")
endif()
file(WRITE ${folder}/readme.sh "${script}")

# The compiler itself: rustup's stand-in for it needs the home folder, which run() moves.
execute_process(COMMAND ${RUSTC} --print sysroot OUTPUT_VARIABLE sysroot OUTPUT_STRIP_TRAILING_WHITESPACE)
expect_file(${sysroot}/bin/rustc)
run(IN ${folder} ENV PATH=${sysroot}/bin:/usr/bin:/bin CMAKE_PREFIX_PATH=${PREFIX}
    PKG_CONFIG_LIBDIR=${PREFIX}/${PKGCONFIG_DIR}
    COMMAND bash readme.sh)

set(hooks LossGuardCpp LossGuardC LossGuardRust WeightDistance StopFile Curve GradientNorms)
foreach(where plugins build/plugins)
  run(OUTPUT listed COMMAND ${PREFIX}/bin/grapnel hooks list --directory ${folder}/${where})
  foreach(hook ${hooks})
    expect_file(${folder}/${where}/${hook}.so)
    expect_says("${listed}" "${hook}")
    run(OUTPUT symbols COMMAND nm -D --defined-only ${folder}/${where}/${hook}.so)
    if(NOT symbols MATCHES "^[0-9a-f]+ [DR] grapnel_plugin_v1\n$")
      message(FATAL_ERROR "${where}/${hook}.so exports more or less than the entry object:\n${symbols}")
    endif()
  endforeach()
endforeach()

# Its configuration is one that the program accepts.
file(READ ${folder}/README.md text)
string(REGEX MATCH "```toml\n([^`]*)```" found "${text}")
write_small_config(${folder}/run.toml "${CMAKE_MATCH_1}")
run(IN ${folder} COMMAND ${PREFIX}/bin/grapnel config check run.toml)
